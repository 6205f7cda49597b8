"""Makes a task with ClearML's own SDK and puts it into a queue, as a person's program does.

Usage: enqueue_with_sdk.py QUEUE_NAME SECONDS. Hosts and keys come from the CLEARML_* environment. Prints the task's id.
"""
import sys

from clearml import Task
from clearml.backend_api.session.client import APIClient

queue_name, seconds = sys.argv[1], sys.argv[2]

script = "import time\nprint('Working for %s seconds', flush=True)\ntime.sleep(%s)\nprint('Done', flush=True)\n" % (seconds, seconds)

client = APIClient()
if not [queue for queue in client.queues.get_all() if queue.name == queue_name]:
    client.queues.create(name=queue_name)

task = Task.create(project_name="conformance", task_name="made by the SDK")
task.set_script(diff=script, repository="", branch="", commit="", working_dir=".", entry_point="sample.py")
task.set_packages([])
task.set_parameter("General/seconds", seconds)
Task.enqueue(task, queue_name=queue_name)

read_back = Task.get_task(task_id=task.id)
assert read_back.get_status() == "queued", read_back.get_status()
assert read_back.get_parameter("General/seconds") == seconds, read_back.get_parameters()
assert task.id in [entry.task for entry in client.queues.get_all(name="^" + queue_name + "$")[0].entries]
print("task " + task.id)
