# What a machine must be able to do before it is given work. STORAGE and REPOSITORY are set by lines before this one; empty: not asked for.
import os
import platform
import shutil
import subprocess
import sys

print("Python %s on %s, %s processors" % (platform.python_version(), platform.platform(), os.cpu_count()), flush=True)

smi = shutil.which("nvidia-smi")
if smi is None:
    print("No GPU is visible: there is no nvidia-smi", flush=True)
else:
    gpus = subprocess.run([smi, "-L"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(gpus.stdout.strip(), flush=True)
    if gpus.returncode != 0:
        sys.exit("nvidia-smi failed with exit code %d" % gpus.returncode)

if REPOSITORY:
    print("%s is cloned: %d entries" % (REPOSITORY, len(os.listdir("."))), flush=True)

if STORAGE:
    from clearml import StorageManager

    copy = StorageManager.get_local_copy(STORAGE)
    if not copy or not os.path.exists(copy):
        sys.exit("%s can't be read: the lines above say why" % STORAGE)
    print("%s is read: %d bytes" % (STORAGE, os.path.getsize(copy)), flush=True)

print("The machine can work", flush=True)
