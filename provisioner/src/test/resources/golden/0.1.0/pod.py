#!/usr/bin/env python3
"""Muster's guard in a pod: what guard.py is on a VM, and the first process of the container.

    pod.py first MODE   the first process: runs MODE, starts it again if it dies, buries orphans, and ends the container with it
    pod.py run          the agents of an agent pod, behind the guard's gate
    pod.py task         claims the task that the pod was made for, and runs it
    pod.py claim        claims it for a container that comes after: exits 0 if it may run, 1 if not
    pod.py attend       shows ClearML the worker beside such a container
    pod.py wanted       exits 0 if the claimed task is still to be begun
    pod.py secrets      completes the files in which values are missing, from the Secret that is mounted

Needs Python's standard library alone, 3.6 or later, and guard.py beside it. MUSTER_ROOT, MUSTER_POD and MUSTER_SECRETS name folders.
"""
import base64
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

import guard
from guard import Gate, say

# What the kubelet gives a pod unless its template says otherwise; MUSTER_GRACE says what it says.
GRACE_SECONDS = 30
# All is killed before the kubelet does it: it takes the first process first, and whoever sees its parent go may still report.
BEFORE_THE_END_SECONDS = 5
# Between reports of a worker: as often as the agent itself.
REPORT_SECONDS = 30
# From the agent's start on until it surely reports itself.
AGENT_REPORTS_SECONDS = 60
# A worker of which nothing is heard for so long is forgotten; ClearML's own default.
WORKER_SECONDS = 600
CALL_SECONDS = 30
# For requests that are on their way when all must end.
SETTLE_SECONDS = 3
# The third as the boot script's own.
ENDED, NOT_CLAIMED, BOOT_FAILED, TOLD = 0, 1, 78, 128 + signal.SIGTERM
# ClearML's codes beside HTTP's 400.
NOT_QUEUED, NO_QUEUE = 703, 701
SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.S)


def unquoted(text):
    """What Go's strconv.Quote made of a text, which is how the kubelet writes annotations."""
    return ESCAPE.sub(lambda found: chr(int(found.group(1) or found.group(2) or found.group(3), 16)) if not found.group(4)
                      else SHORT.get(found.group(4), found.group(4)), text)


class Pod:
    """The downward API: marks are annotations in a file that the kubelet replaces as a whole."""

    NAMES = {"muster-mark": "muster.dev/mark", "muster-keep-until": "muster.dev/keep-until"}

    def __init__(self, folder):
        self.file = folder + "/annotations"

    def value(self, name):
        wanted = self.NAMES[name]
        try:
            with open(self.file, encoding="utf-8") as lines:
                for line in lines:
                    key, _, value = line.rstrip("\n").partition("=")
                    if key == wanted and len(value) >= 2:
                        return unquoted(value[1:-1])
        except (OSError, UnicodeDecodeError) as missing:
            raise guard.Unread(str(missing))
        return None

    def ends_at(self):
        """A pod is told by a signal."""
        return None


class Settings(guard.Settings):
    """What the boot script left in the pod's own folder."""

    def metadata(self):
        return Pod(os.environ["MUSTER_POD"])

    def login(self):
        return "Basic " + base64.b64encode(":".join(
            (self.values["clearml.access-key"], self.values["clearml.secret-key"])).encode()).decode()


class Signal:
    """SIGTERM, which the kubelet sends when the pod is deleted, preempted or evicted: the grace has begun."""

    def __init__(self):
        self.event = threading.Event()
        self.at = None
        signal.signal(signal.SIGTERM, self.heard)

    def heard(self, *_):
        if self.at is None:
            self.at = time.monotonic()
            # Not by print, which may be what was interrupted.
            os.write(1, b"MUSTER-GUARD the pod is told to end\n")
        self.event.set()

    def is_heard(self):
        return self.at is not None

    def wait(self, seconds):
        self.event.wait(max(0, seconds))

    def seconds_left(self):
        """Until all must be killed."""
        grace = float(os.environ.get("MUSTER_GRACE", GRACE_SECONDS))
        return self.at + max(grace - BEFORE_THE_END_SECONDS, grace / 2) - time.monotonic()


def run_hook(settings, told):
    """The checkpoint hook, as long as the grace allows; what runs is killed after it."""
    hook = settings.etc + "/checkpoint.sh"
    if not os.path.exists(hook) or os.path.getsize(hook) == 0:
        return
    say("runs the checkpoint hook for %d s at most" % told.seconds_left())
    environment = dict(os.environ, MUSTER_ENDS_AT=str(int(time.time() + told.seconds_left())))
    process = subprocess.Popen(["/bin/sh", hook], env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(max(0, told.seconds_left()))
    except subprocess.TimeoutExpired:
        say("the checkpoint hook is not done in time")


class PodGuard(guard.Guard):
    """The guard of an agent pod. The machine ends by the end of its first process."""

    def __init__(self, settings):
        super().__init__(settings)
        self.told = Signal()

    def run(self):
        self.open_ports()
        ticks = 0
        while True:
            began = time.monotonic()
            if self.told.is_heard():
                self.save_and_end()
            self.look(ticks)
            ticks += 1
            self.told.wait(max(0.05, guard.TICK_SECONDS - (time.monotonic() - began)))

    def save_and_end(self):
        """Nobody asks the pod whether it may end: what its tasks can save, they save now."""
        self.close(Gate.NOTICE)
        with self.lock:
            is_busy = any(held != Gate.FREE for held in self.gate.holds)
        if is_busy or not self.is_quiet():
            run_hook(self.settings, self.told)
        until = time.monotonic() + min(SETTLE_SECONDS, max(0, self.told.seconds_left()))
        while any(self.gate.asking) and time.monotonic() < until:
            time.sleep(0.05)
        self.end("the pod is told to end", TOLD)

    def end(self, why, code=ENDED):
        self.close(Gate.ENDED)
        say("ending: " + why)
        self.processes.kill([agent.pid for agent in self.agents if agent.lives()])
        for agent in self.agents:
            agent.wait()
        leave(code)


def leave(code):
    """Without waiting for threads, which may wait for ClearML."""
    sys.stdout.flush()
    os._exit(code)


class Lost(Exception):
    """A call was sent, and nobody knows what became of it."""


class Refused(Exception):
    """ClearML's answer is no: its HTTP status and its own code."""

    def __init__(self, status, code):
        super().__init__("HTTP %d, code %s" % (status, code))
        self.status = status
        self.code = code


class TaskRun:
    """The one task of a pod: its claim, its agent, its worker.

    What is known of the claim is in a file before it is acted on, so that a start of this process after a crash neither claims twice nor
    begins the task twice.
    """

    def __init__(self, settings):
        self.settings = settings
        self.clearml = guard.ClearML(settings)
        self.processes = guard.Processes(settings)
        self.metadata = settings.metadata()
        self.task = settings.values["task"]
        self.queue = settings.values["task.queue"]
        self.worker = settings.worker(0)
        self.told = Signal()
        self.gate = Gate(1)
        self.claim_file = settings.etc + "/claim"
        self.started_file = settings.etc + "/started"
        self.stay_file = settings.etc + "/stay"
        self.authorization = None
        self.reported_at = None
        self.unread = None

    # ClearML.

    def call(self, endpoint, body):
        """The answer's data. OSError: nothing was sent, or nothing that matters; Lost: sent, no answer; Refused: an answer that is an error."""
        for attempt in range(2):
            if self.authorization is None:
                self.log_in()
            status, answer = self.send(endpoint, body)
            if status == 401 and attempt == 0:
                # The token is old.
                self.authorization = None
                continue
            if status != 200:
                raise Refused(status, answer.get("meta", {}).get("result_subcode"))
            return answer.get("data") or {}

    def log_in(self):
        status, data = self.clearml.call("auth.login", {}, self.settings.login(), CALL_SECONDS)
        if status != 200:
            raise Refused(status, "of the login")
        self.authorization = "Bearer " + data["token"]

    def send(self, endpoint, body):
        """Status and the whole answer."""
        connection = self.clearml.connect()
        try:
            connection.sock.settimeout(CALL_SECONDS)
            try:
                connection.request("POST", self.clearml.path + "/" + endpoint, json.dumps(body),
                                   {"Content-Type": "application/json", "Authorization": self.authorization})
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as broken:
                raise Lost("%s: %s" % (type(broken).__name__, broken))
            try:
                parsed = json.loads(said.decode("utf-8"))
            except ValueError:
                parsed = {}
            if answer.status == 200 and not isinstance(parsed.get("data") if isinstance(parsed, dict) else None, dict):
                raise Lost("an answer without data")
            return answer.status, parsed if isinstance(parsed, dict) else {}
        finally:
            connection.close()

    def try_call(self, endpoint, body):
        """None if it came to nothing; for what is repeated anyway."""
        try:
            return self.call(endpoint, body)
        except (OSError, http.client.HTTPException, ValueError, KeyError, Lost, Refused) as broken:
            say("%s: %s" % (endpoint, broken))
            return None

    def report(self, has_task):
        """Shows the worker as one that waits at its queue, or that has the task."""
        self.reported_at = time.monotonic()
        body = {"worker": self.worker, "timestamp": int(time.time() * 1000), "queue": self.queue, "queues": [self.queue]}
        if has_task:
            body["task"] = self.task
        return self.try_call("workers.status_report", body)

    def keep_reporting(self, has_task):
        if self.reported_at is None or time.monotonic() - self.reported_at >= REPORT_SECONDS:
            self.report(has_task)

    def unregister(self):
        self.try_call("workers.unregister", {"worker": self.worker})

    # The claim.

    def known_claim(self):
        try:
            with open(self.claim_file, encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def why_not(self):
        """Why the task must not be claimed; None if it may. Unread: nobody knows."""
        if self.told.is_heard():
            return "the pod is told to end"
        if self.settings.is_too_old():
            return Gate.AGE
        self.read_mark()
        return ", ".join(sorted(self.gate.shut)) if self.gate.shut else None

    def read_mark(self):
        """True: end at once."""
        word, colon, ordinal = (self.metadata.value("muster-mark") or "none:0").partition(":")
        is_now = (colon and ordinal.isdigit() and word in ("none", "drain", "drain-now", "released")
                  and self.gate.marked(word, int(ordinal)))
        until = (self.metadata.value("muster-keep-until") or "").partition("@")[0]
        if until.isdigit() and int(until) < time.time():
            self.gate.close(Gate.EXPIRED)
        else:
            self.gate.reopen(Gate.EXPIRED)
        return is_now

    def claim(self):
        """True if the task is this pod's. It is claimed by one call, which ClearML grants to one caller."""
        known = self.known_claim()
        if known:
            # This process died after it had asked. What it didn't learn is left to be rescued.
            say("the claim of task %s was %s when the guard started again" % (self.task, known))
            return known == "granted"
        is_registered = False
        while True:
            try:
                why = self.why_not()
                if why:
                    say("task %s is not claimed: %s" % (self.task, why))
                    break
                if not is_registered:
                    self.call("workers.register", {"worker": self.worker, "queues": [self.queue], "timeout": WORKER_SECONDS})
                    is_registered = True
                    self.report(False)
                    continue
                granted = self.ask()
                if granted is not None:
                    if granted:
                        return True
                    break
            except guard.Unread as unread:
                self.once("the pod's annotations can't be read (%s); nothing is claimed without them" % unread)
            except Refused as refused:
                if refused.code == NO_QUEUE:
                    say("task %s is not claimed: its queue is gone" % self.task)
                    break
                if 400 <= refused.status < 500 and refused.status != 429:
                    self.fail("ClearML refuses to register worker %s (%s)" % (self.worker, refused))
                self.once("waits for ClearML (%s)" % refused)
            except (OSError, http.client.HTTPException, ValueError, KeyError, Lost) as broken:
                self.once("waits for ClearML (%s)" % broken)
            self.told.wait(guard.TICK_SECONDS)
        if is_registered:
            self.unregister()
        return False

    def fail(self, why):
        """No pod like this one will fare better: it is a boot that failed, since ended as others are it would be made anew for ever."""
        print("MUSTER-BOOT-FAILED step=claim reason=" + why, flush=True)
        leave(BOOT_FAILED)

    def once(self, why):
        if why != self.unread:
            say(why)
        self.unread = why

    def ask(self):
        """Sends the claim. True or False; None if it was never sent."""
        guard.write_whole(self.claim_file, "asked\n")
        try:
            removed = self.call("queues.remove_task", {"queue": self.queue, "task": self.task}).get("removed")
        except Refused as refused:
            if refused.code == NOT_QUEUED:
                say("task %s is another's: it is in its queue no more" % self.task)
            elif refused.status in (401, 403):
                self.unregister()
                self.fail("ClearML doesn't let this pod's key take task %s out of its queue (%s)" % (self.task, refused))
            else:
                say("ClearML doesn't grant the claim of task %s (%s)" % (self.task, refused))
            return False
        except OSError as unsent:
            os.remove(self.claim_file)
            self.once("waits for ClearML (%s)" % unsent)
            return None
        except (http.client.HTTPException, ValueError, KeyError, Lost) as lost:
            say("the answer to the claim of task %s is lost (%s); it is left to be rescued" % (self.task, lost))
            return False
        if removed != 1:
            say("task %s is another's: ClearML removed %s entries" % (self.task, removed))
            return False
        guard.write_whole(self.claim_file, "granted\n")
        self.report(True)
        say("task %s is claimed by %s" % (self.task, self.worker))
        return True

    # The run.

    def known_task(self):
        return (self.try_call("tasks.get_by_id", {"task": self.task}) or {}).get("task") or {}

    def note_stay(self):
        """Since when the task has been queued: one that is queued anew while the setup script runs waits for somebody else."""
        since = self.known_task().get("status_changed")
        if since and not os.path.exists(self.stay_file):
            guard.write_whole(self.stay_file, str(since))

    def is_wanted(self):
        """Whether it waits to be begun, as it did when it was claimed. Not known: yes, since the agent will ask again."""
        task = self.known_task()
        status = task.get("status", "queued")
        if status != "queued":
            say("task %s is %s by now and is not begun" % (self.task, status))
            return False
        try:
            with open(self.stay_file, encoding="utf-8") as file:
                is_same = str(task.get("status_changed") or "") in ("", file.read())
        except OSError:
            is_same = True
        if not is_same:
            say("task %s was queued anew since it was claimed and is not begun" % self.task)
        return is_same

    def run(self):
        agent = guard.Agent(Slot(self), 0)
        if not self.claim():
            leave(ENDED)
        if self.told.is_heard() and not self.is_begun(agent):
            self.put_back()
        if not self.is_begun(agent):
            self.start(agent)
        started_at = None
        while agent.lives() or self.is_orphaned(agent):
            if self.told.is_heard():
                run_hook(self.settings, self.told)
                self.kill(agent, "the pod is told to end", TOLD)
            try:
                if self.read_mark():
                    self.kill(agent, "the mark says so", ENDED)
            except guard.Unread as unread:
                self.once("the pod's annotations can't be read (%s); marks stay as they were" % unread)
            if started_at is None and os.path.exists(self.started_file):
                started_at = time.monotonic()
            if started_at is None or time.monotonic() - started_at < AGENT_REPORTS_SECONDS:
                self.keep_reporting(True)
            self.told.wait(guard.TICK_SECONDS)
        if self.told.is_heard():
            self.kill(agent, "the pod is told to end", TOLD)
        self.end(agent)

    def is_begun(self, agent):
        """After a crash of this process alone."""
        return os.path.exists(agent.file) or bool(self.processes.of(0))

    def put_back(self):
        """The claim was granted to a pod that must end: whoever comes next takes the task. If that fails, it is left to be rescued."""
        say("puts back task %s, which is not begun here" % self.task)
        body = {"task": self.task, "queue": self.queue}
        if self.try_call("queues.add_task", body) is not None:
            self.try_call("queues.move_task_to_front", body)
        self.unregister()
        leave(TOLD)

    def is_orphaned(self, agent):
        """A task outlives an agent that was killed, and is waited for. One whose agent ended by itself leaves nothing that counts."""
        by_itself = agent.process is not None and agent.process.returncode is not None and agent.process.returncode >= 0
        return not by_itself and bool(self.processes.of(0))

    def start(self, agent):
        """As in a container of ClearML's agent, the task's own script runs first, in the shell that then becomes the agent."""
        settings = self.settings
        if os.path.getsize(settings.etc + "/setup.sh") > 0:
            self.note_stay()
        environment = dict(os.environ)
        environment.update({
            "MUSTER_AGENT": self.processes.mark(0),
            "CLEARML_WORKER_ID": self.worker,
            "CLEARML_CONFIG_FILE": settings.etc + "/clearml.conf",
            "CLEARML_API_HOST": settings.api,
            "CLEARML_WEB_HOST": settings.values["clearml.web"],
            "CLEARML_FILES_HOST": settings.values["clearml.files"],
            "CLEARML_API_ACCESS_KEY": settings.values["clearml.access-key"],
            "CLEARML_API_SECRET_KEY": settings.values["clearml.secret-key"],
        })
        words = [settings.opt + "/venv/bin/clearml-agent", "execute", "--full-monitoring"]
        words += (["--cpu-only"] if settings.is_set("cpu-only") else []) + ["--id", self.task]
        setup, python, here, started = (shlex.quote(path) for path in (settings.etc + "/setup.sh", sys.executable, os.path.abspath(__file__), self.started_file))
        script = ". %s\n%s %s wanted || exit 0\n: > %s\nexec %s\n" % (setup, python, here, started, " ".join(map(shlex.quote, words)))
        agent.process = subprocess.Popen([shutil.which("bash") or "/bin/sh", "-c", script], env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        agent.pid, agent.ticks = agent.process.pid, guard.Processes.started(agent.process.pid)
        guard.write_whole(agent.file, "%d %d\n" % (agent.pid, agent.ticks or 0))
        say("the agent of task %s runs as %s" % (self.task, self.worker))

    def kill(self, agent, why, code):
        say("killing task %s: %s" % (self.task, why))
        self.processes.kill([agent.pid] if agent.lives() else [])
        agent.wait()
        # Until the pod is seen to be gone the task is this worker's: so nobody takes it for adrift before.
        leave(code)

    def end(self, agent):
        status = agent.process.returncode if agent.process is not None else None
        say("the agent of task %s has ended%s" % (self.task, "" if status is None else " with status %d" % status))
        if status is not None and status > 0 and not os.path.exists(self.started_file):
            # No agent ever saw it: nobody else would say so. A shell that was killed says nothing of the task.
            self.try_call("tasks.failed", {"task": self.task, "force": True, "status_reason": "setup script ended with %d" % status,
                                           "status_message": "the setup script ended with %d before the task began" % status})
        self.processes.kill([])
        self.unregister()
        leave(ENDED)

    def attend(self):
        """Beside a container that runs the task by itself: the worker has it for as long as the pod lives."""
        while not self.told.is_heard():
            self.keep_reporting(True)
            self.told.wait(guard.TICK_SECONDS)
        self.unregister()


class Slot:
    """As much of a guard as an Agent looks at."""

    def __init__(self, run):
        self.settings = run.settings
        self.processes = run.processes


def complete(settings_folder, secrets):
    """Puts values of the mounted Secret where they belong. All are read before the first is written; nothing here prints one."""
    with open(settings_folder + "/secrets.json", encoding="utf-8") as file:
        files = json.load(file)
    texts = {name: "".join(piece if isinstance(piece, str) else value(secrets, piece[0], piece[1]) for piece in pieces)
             for name, pieces in files.items()}
    for name, text in texts.items():
        with open("%s/%s" % (settings_folder, name), "a", encoding="utf-8", newline="") as file:
            file.write(text)


def value(secrets, reference, quoting):
    """As it stands in its file, less the blanks and line ends after it, as with every secret in a file."""
    key = reference.partition(":")[2]
    try:
        with open("%s/%s" % (secrets, key), encoding="utf-8", newline="") as file:
            text = file.read().rstrip()
    except FileNotFoundError:
        raise SystemExit("%s: the pod's Secret has no such key" % reference)
    except UnicodeDecodeError:
        raise SystemExit("%s: what is kept there is not UTF-8" % reference)
    except OSError as unread:
        raise SystemExit("%s: can't be read (%s)" % (reference, unread.strerror))
    if quoting == "line" and any(character < " " for character in text):
        raise SystemExit("%s: the secret holds a line break, and must be one line" % reference)
    if quoting == "shell":
        return text.replace("'", "'\\''")
    if quoting == "json":
        return json.dumps(text, ensure_ascii=False)[1:-1]
    return text


def adopt_orphans():
    """Where this is not the first process of all, as in a pod whose containers share one. Linux alone has it."""
    try:
        import ctypes
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def first(mode):
    """Runs the mode until it ends by its own will, and is the parent of whoever has none."""
    child = None
    told = False

    def pass_on(*_):
        nonlocal told
        told = True
        if child is not None:
            try:
                os.kill(child.pid, signal.SIGTERM)
            except OSError:
                pass

    signal.signal(signal.SIGTERM, pass_on)
    adopt_orphans()
    while True:
        child = subprocess.Popen([sys.executable, os.path.abspath(__file__), mode])
        if told:
            pass_on()
        status = bury(child.pid)
        # Python's own word for a defect is 1, too: of a claim it says the same.
        if status in (ENDED, BOOT_FAILED, TOLD) or mode == "claim" and status == NOT_CLAIMED:
            return status
        child = None
        if told:
            guard.Processes(Settings(os.environ["MUSTER_ROOT"])).kill([])
            return TOLD
        say("the guard ended with %d, starts again" % status)
        time.sleep(1)


def bury(child):
    """Waits for every process that ends here, until it is this one: its exit status, or less than 0 for a signal."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def main(words):
    root = os.environ["MUSTER_ROOT"]
    mode = words[-1] if words else ""
    if words[:1] == ["first"]:
        return first(mode)
    if mode == "secrets":
        complete(root + "/etc/muster", os.environ["MUSTER_SECRETS"])
        return 0
    settings = Settings(root)
    if mode == "run":
        PodGuard(settings).run()
    elif mode == "task":
        TaskRun(settings).run()
    elif mode == "claim":
        return ENDED if TaskRun(settings).claim() else NOT_CLAIMED
    elif mode == "attend":
        TaskRun(settings).attend()
        return ENDED
    elif mode == "wanted":
        return 0 if TaskRun(settings).is_wanted() else 1
    print("pod.py first MODE, run, task, claim, attend, wanted or secrets")
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
