#!/usr/bin/env python3
"""Muster's guard: starts this machine's ClearML agents, stands between them and ClearML, and ends the machine.

Each agent talks to a port of its own on loopback. Every call goes through unchanged, but a request for the next task passes only while the
machine is not marked to end: under a mark it is answered at once as an empty queue answers. So no agent takes a task from the moment the
mark is read, and when none can have one any more, the guard kills the agents and powers the machine off. It reports nothing to anybody.

    guard.py run      the guard itself; it may die and be started again at any time: agents and their tasks go on
    guard.py check    exits 0 if ClearML answers and takes the key, else prints why; 2 if trying again may help
    guard.py kill     agents and tasks end at once, so that none of them reports anything; for a system that goes down

Needs Python's standard library alone, 3.6 or later. MUSTER_ROOT and MUSTER_METADATA are unset on a machine; tests set them.
"""
import base64
import calendar
import http.client
import http.server
import json
import os
import select
import shlex
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import zlib

POP = "/queues.get_next_task"
EMPTY = json.dumps({"meta": {"result_code": 200, "result_subcode": 0, "result_msg": "OK"}, "data": {}}).encode()
# Named by HTTP as the business of one connection only.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
              "transfer-encoding", "upgrade"}
CONNECT_SECONDS = 10
ANSWER_SECONDS = 300
# Muster takes a task that is in no queue and on no worker for lost after 60 s. What came later than this is left to it: handed to an agent or
# put back here, it might run twice. Agents give up after 30 s.
FRESH_SECONDS = 40
PUT_BACK_SECONDS = 10
TICK_SECONDS = 1
# Amazon advises a look at the notice every 5 s.
NOTICE_TICKS = 5
BEFORE_THE_END_SECONDS = 20
# Google announces 30 s ahead and tells no time.
GCE_NOTICE_SECONDS = 30
# An agent that dies is started again; one that dies this often in this time is not.
RESTARTS = 5
RESTARTS_SECONDS = 600


def say(text):
    print("MUSTER-GUARD " + text, flush=True)


def share(count, agents, slot):
    """Which of so many GPUs a slot has. What is left over goes to the first slots, one each; where there are too few, slots have one together."""
    if count < agents:
        return [slot % count]
    each, over = divmod(count, agents)
    first = slot * each + min(slot, over)
    return list(range(first, first + each + (slot < over)))


def write_whole(path, text):
    """Whoever reads it after a crash finds what it was before, or all of this."""
    with open(path + ".new", "w", encoding="ascii") as new:
        new.write(text)
    os.replace(path + ".new", path)


class Gate:
    """Decides which requests for a task pass, and when the machine may end. Knows no clock, no network and no process.

    A slot is one agent. It can have a task from the moment its request is answered with one until it asks again: an agent is a loop that
    ends a task before it asks for the next.
    """

    # Reasons to be shut. The first two can be taken back.
    MARK, EXPIRED, AGE, NOTICE, NO_AGENTS, ENDED = "mark", "keep-until", "hard age", "notice", "no agents", "ended"
    # What a slot may hold. Unheard: nothing is known of it, as after a start of the guard beside agents that went on.
    UNHEARD, FREE, HAS = "unheard", "free", "has"

    def __init__(self, slots):
        self.shut = set()
        self.ordinal = None
        self.holds = [Gate.UNHEARD] * slots
        self.asking = [0] * slots

    def asks(self, slot):
        """True: the request passes, and answered() or failed() follows. False: it is answered as by an empty queue."""
        self.holds[slot] = Gate.FREE
        if self.shut:
            return False
        self.asking[slot] += 1
        return True

    def answered(self, slot, has_task, is_there):
        """A request that passed was answered. False: the task is not for the agent, and settled() follows.

        is_there: whoever asked still listens, and not in vain.
        """
        if has_task and (not is_there or self.is_ending()):
            # Stays in flight until it is settled, so that the machine isn't gone before.
            return False
        self.asking[slot] -= 1
        if has_task:
            # Also under a mark: ClearML has given it away, so this machine does it.
            self.holds[slot] = Gate.HAS
        return True

    def settled(self, slot):
        """The task that nobody took is in its queue again, or left to whoever watches the queue."""
        self.asking[slot] -= 1

    def failed(self, slot):
        """A request that passed came to nothing. What ClearML may have given away is adrift; whoever watches the queue rescues it."""
        self.asking[slot] -= 1

    def gone(self, slot):
        """The agent has ended, and so has all that it started."""
        self.holds[slot] = Gate.FREE

    def marked(self, word, ordinal):
        """The mark was read. True: end at once, whatever runs. Marks are read again and again, and late: only a newer one says anything."""
        if self.ordinal is not None and ordinal <= self.ordinal:
            return False
        self.ordinal = ordinal
        if word == "drain-now":
            self.shut.add(Gate.ENDED)
            return True
        if word == "drain":
            self.shut.add(Gate.MARK)
        else:
            self.shut.discard(Gate.MARK)
        return False

    def close(self, reason):
        self.shut.add(reason)

    def reopen(self, reason):
        self.shut.discard(reason)

    def is_ending(self):
        """Nothing opens it again: what comes now is not begun."""
        return bool(self.shut & {Gate.NOTICE, Gate.ENDED})

    def may_end(self):
        """It is to end, and nothing that passed here keeps it."""
        return bool(self.shut) and not any(self.asking) and all(held == Gate.FREE for held in self.holds)


class Unread(Exception):
    """The metadata service didn't answer: nothing is known, which is neither a mark nor its absence."""


def fetch(url, method="GET", headers=None, seconds=5):
    """Status and text; loopback and link-local addresses, so never through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method=method, headers=headers or {}), timeout=seconds) as answer:
            return answer.status, answer.read().decode("utf-8", "replace").strip()
    except urllib.error.HTTPError as refused:
        return refused.code, ""
    except (OSError, http.client.HTTPException, ValueError) as broken:
        raise Unread(str(broken))


class Ec2:
    """EC2's metadata service, version 2: marks are instance tags."""

    TOKEN_SECONDS = 21600

    def __init__(self, base):
        self.base = base or "http://169.254.169.254"
        self.token = None

    def value(self, name):
        return self.read("tags/instance/" + name)

    def ends_at(self):
        """When the cloud takes the machine back, in seconds since 1970; None if it hasn't said so."""
        notice = self.read("spot/instance-action")
        if notice is None:
            return None
        try:
            said = json.loads(notice)
            return calendar.timegm(time.strptime(said["time"][:19], "%Y-%m-%dT%H:%M:%S"))
        except (ValueError, KeyError, TypeError):
            # A notice that can't be read is still one: the usual two minutes.
            return time.time() + 120

    def read(self, path):
        for attempt in range(2):
            if self.token is None:
                status, token = fetch(self.base + "/latest/api/token", "PUT",
                                      {"X-aws-ec2-metadata-token-ttl-seconds": str(self.TOKEN_SECONDS)})
                if status != 200:
                    raise Unread("no token: HTTP %d" % status)
                self.token = token
            status, text = fetch(self.base + "/latest/meta-data/" + path, headers={"X-aws-ec2-metadata-token": self.token})
            if status == 200:
                return text
            if status == 404:
                return None
            self.token = None
        raise Unread("HTTP %d" % status)


class Gce:
    """Compute Engine's metadata server: marks are instance attributes."""

    def __init__(self, base):
        self.base = (base or "http://metadata.google.internal") + "/computeMetadata/v1/instance/"
        self.preempted_at = None

    def value(self, name):
        return self.read("attributes/" + name)

    def ends_at(self):
        if self.preempted_at is None and self.read("preempted") == "TRUE":
            self.preempted_at = time.time()
        return None if self.preempted_at is None else self.preempted_at + GCE_NOTICE_SECONDS

    def read(self, path):
        status, text = fetch(self.base + path, headers={"Metadata-Flavor": "Google"})
        if status == 200:
            return text
        if status == 404:
            return None
        raise Unread("HTTP %d" % status)


class Settings:
    """What the boot script left in /etc/muster."""

    def __init__(self, root):
        self.root = root
        self.etc = root + "/etc/muster"
        self.opt = root + "/opt/muster"
        self.values = {}
        with open(self.etc + "/boot.properties", encoding="utf-8") as lines:
            for line in lines:
                key, equals, value = line.rstrip("\n").partition("=")
                if equals:
                    self.values[key] = value
        self.agents = int(self.values.get("agents", "1"))
        self.api = self.values["clearml.api"].rstrip("/")
        self.cloud = self.values.get("cloud", "ec2")
        self.hard_age = float(self.values["hard-age"]) if "hard-age" in self.values else None
        try:
            with open(self.etc + "/booted-at", encoding="ascii") as file:
                self.booted_at = float(file.read())
        except (OSError, ValueError):
            self.booted_at = 0

    def machine(self):
        with open(self.etc + "/cloud-id", encoding="utf-8") as file:
            return file.read().strip()

    def worker(self, slot):
        worker = self.values["worker.prefix"] + ":" + self.machine()
        return worker if self.agents == 1 else "%s.%d" % (worker, slot)

    @staticmethod
    def gpus():
        """How many NVIDIA's own tool lists."""
        if not shutil.which("nvidia-smi"):
            return 0
        try:
            listed = subprocess.run(["nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.SubprocessError) as silent:
            say("nvidia-smi doesn't list GPUs (%s)" % silent)
            return 0
        return sum(line.startswith(b"GPU") for line in listed.stdout.splitlines())

    def has_gpu_on_its_bus(self):
        """One of NVIDIA's or AMD's, whatever drivers the image has."""
        bus = self.root + "/sys/bus/pci/devices"
        try:
            for device in os.listdir(bus):
                with open("%s/%s/vendor" % (bus, device), encoding="ascii") as vendor, open("%s/%s/class" % (bus, device), encoding="ascii") as kind:
                    # Display controllers and processing accelerators.
                    if vendor.read().strip() in ("0x10de", "0x1002") and kind.read()[:4] in ("0x03", "0x12"):
                        return True
        except OSError:
            pass
        return False

    def is_too_old(self):
        return self.hard_age is not None and self.age() >= self.hard_age

    def age(self):
        """Seconds since the boot script ran; where the system was started again, since then at least. What sets the time of day doesn't matter."""
        with open("/proc/uptime", encoding="ascii") as file:
            now = float(file.read().split()[0])
        return now - self.booted_at if now >= self.booted_at else now

    def container_words(self):
        """Arguments of docker run that every container needs; clearml.conf has them, too."""
        words = []
        for name in ("api", "files", "web"):
            words += ["-e", "CLEARML_%s_HOST=%s" % (name.upper(), self.values["clearml." + name])]
        key = "/etc/muster/gcs.json"
        if os.path.exists(self.etc + "/gcs.json") and os.path.getsize(self.etc + "/gcs.json"):
            words += ["-v", "%s:%s:ro" % (key, key)]
        return words

    def is_set(self, key):
        return self.values.get(key) == "true"

    def metadata(self):
        base = os.environ.get("MUSTER_METADATA")
        return Gce(base) if self.cloud == "gce" else Ec2(base)


class ClearML:
    """Connections to the real server, through a proxy where the environment names one for it."""

    def __init__(self, settings):
        self.url = urllib.parse.urlsplit(settings.api)
        self.path = self.url.path
        self.port = self.url.port or (443 if self.url.scheme == "https" else 80)
        proxies = {} if urllib.request.proxy_bypass(self.url.hostname) else urllib.request.getproxies()
        self.proxy = urllib.parse.urlsplit(proxies[self.url.scheme]) if self.url.scheme in proxies else None
        self.keys = (settings.values.get("clearml.access-key", ""), settings.values.get("clearml.secret-key", ""))

    def connect(self):
        host, port = (self.proxy.hostname, self.proxy.port or 3128) if self.proxy else (self.url.hostname, self.port)
        if self.url.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        if self.proxy:
            # Also for plain http, so that one way serves both.
            headers = {}
            if self.proxy.username:
                login = "%s:%s" % tuple(urllib.parse.unquote(part or "") for part in (self.proxy.username, self.proxy.password))
                headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
            connection.set_tunnel(self.url.hostname, self.port, headers=headers)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.settimeout(ANSWER_SECONDS)
        return connection

    def call(self, endpoint, body, authorization, seconds=30):
        """Status and the answer's "data". OSError or HTTPException if there is no answer, ValueError if it is not ClearML's."""
        connection = self.connect()
        try:
            connection.sock.settimeout(seconds)
            connection.request("POST", self.path + "/" + endpoint, json.dumps(body),
                               {"Content-Type": "application/json", "Authorization": authorization})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read().decode("utf-8"))["data"]
        except (KeyError, TypeError):
            raise ValueError("an answer without data")
        finally:
            connection.close()

    def check(self):
        """None if all is well; else why not, and whether trying again may help."""
        try:
            login = "Basic " + base64.b64encode(":".join(self.keys).encode()).decode()
            status, _ = self.call("auth.login", {}, login)
        except ssl.SSLError as refused:
            return "%s has a certificate that this machine doesn't trust (%s)" % (self.url.geturl(), refused.reason), False
        except ValueError:
            return "%s answers, but not as ClearML's API does; check machineHosts.api" % self.url.geturl(), False
        except (OSError, http.client.HTTPException) as broken:
            return "this machine can't reach %s (%s)" % (self.url.geturl(), broken), True
        if status in (401, 403):
            return "%s refuses the access key" % self.url.geturl(), False
        if status != 200:
            return "%s answers a login with HTTP %d" % (self.url.geturl(), status), status >= 500
        return None


class Door(http.server.BaseHTTPRequestHandler):
    """One agent's connection. A thread each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    upstream = None

    def log_message(self, format, *args):
        pass

    def handle_one_request(self):
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if self.parse_request():
            try:
                self.serve()
                self.wfile.flush()
            except OSError:
                # The agent is gone, or gave up.
                self.close_connection = True

    def finish(self):
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass

    def serve(self):
        body = self.read_body()
        if body is None:
            self.reply(400, [], b"")
            self.close_connection = True
        elif urllib.parse.urlsplit(self.path).path.endswith(POP):
            self.serve_pop(body)
        else:
            try:
                status, headers, answer = self.forward(body, [])
            except (OSError, http.client.HTTPException) as broken:
                self.unreachable(broken)
            else:
                self.reply(status, headers, answer)

    def serve_pop(self, body):
        guard, slot = self.server.guard, self.server.slot
        with guard.lock:
            passes = guard.gate.asks(slot)
        if not passes:
            self.reply(200, [("Content-Type", "application/json")], EMPTY)
            return
        asked = time.monotonic()
        try:
            # Not compressed: this answer is read here.
            status, headers, answer = self.forward(body, [("Accept-Encoding", "identity")])
            task = self.task_of(status, headers, answer)
        except (OSError, http.client.HTTPException) as broken:
            with guard.lock:
                guard.gate.failed(slot)
            self.unreachable(broken)
            return
        is_fresh = time.monotonic() - asked < FRESH_SECONDS
        with guard.lock:
            is_taken = guard.gate.answered(slot, task is not None, is_fresh and self.is_there())
        if is_taken:
            self.reply(status, headers, answer)
        else:
            try:
                if is_fresh:
                    guard.put_back(task, self.queue_of(body), self.headers.get("Authorization", ""), asked + FRESH_SECONDS)
                else:
                    say("task %s came too late and is left to be rescued" % task)
            finally:
                with guard.lock:
                    guard.gate.settled(slot)
            self.reply(200, [("Content-Type", "application/json")], EMPTY)

    @staticmethod
    def task_of(status, headers, answer):
        """The id of the task that the answer brings; None if it brings none; "" if it may, and can't be read."""
        if status != 200:
            return None
        try:
            for name, value in headers:
                if name.lower() == "content-encoding" and value.lower() in ("gzip", "deflate"):
                    answer = zlib.decompress(answer, zlib.MAX_WBITS | 32)
            return (json.loads(answer.decode("utf-8"))["data"].get("entry") or {}).get("task")
        except (ValueError, KeyError, AttributeError, TypeError, zlib.error):
            return ""

    def queue_of(self, body):
        try:
            asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            return json.loads(body.decode("utf-8"))["queue"] if body else asked["queue"][0]
        except (ValueError, KeyError, TypeError):
            return None

    def is_there(self):
        """False if the agent has closed its end: it died, or waited too long and asks again on another connection."""
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return not readable or bool(self.connection.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    def read_body(self):
        """None if it can't be told where the request ends."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while True:
                size = int(self.rfile.readline(1024).split(b";")[0].strip() or b"x", 16)
                if size == 0:
                    while self.rfile.readline(65537).strip():
                        pass
                    return b"".join(parts)
                parts.append(self.rfile.read(size))
                self.rfile.readline(1024)
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(int(length)) if length.isdigit() else None

    def forward(self, body, instead):
        """Status, headers and body of ClearML's answer. OSError or HTTPException if there is none."""
        own = {name.lower() for name, _ in instead}
        clearml = self.server.guard.clearml
        for is_kept in (self.upstream is not None, False):
            if self.upstream is None:
                self.upstream = clearml.connect()
            try:
                self.upstream.putrequest(self.command, clearml.path + self.path, skip_host=True, skip_accept_encoding=True)
                self.upstream.putheader("Host", clearml.url.netloc.rpartition("@")[2])
                for name, value in self.headers.items():
                    if name.lower() not in HOP_BY_HOP | own | {"host", "content-length"}:
                        self.upstream.putheader(name, value)
                for name, value in instead:
                    self.upstream.putheader(name, value)
                if body or self.command in ("POST", "PUT", "PATCH"):
                    self.upstream.putheader("Content-Length", str(len(body)))
                self.upstream.endheaders(body or None)
                answer = self.upstream.getresponse()
                content = answer.read()
            except BaseException as broken:
                self.upstream.close()
                self.upstream = None
                # The server closes connections that were idle; nothing of the request was read then, so it is sent again.
                if is_kept and isinstance(broken, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)):
                    continue
                raise
            if answer.will_close:
                self.upstream.close()
                self.upstream = None
            return answer.status, [(name, value) for name, value in answer.getheaders()
                                   if name.lower() not in HOP_BY_HOP | {"content-length"}], content

    def unreachable(self, broken):
        # Agents try again after a 502.
        self.reply(502, [("Content-Type", "text/plain")], ("ClearML can't be reached: %s\n" % broken).encode())

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Doors(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The port of one slot."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, guard, slot, port):
        self.guard = guard
        self.slot = slot
        super().__init__(("127.0.0.1", port), Door)

    def server_bind(self):
        # Without the look-up of the host's name, which can hang.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request, client_address):
        kind, broken, _ = sys.exc_info()
        if not isinstance(broken, OSError):
            say("a call of agent %d failed here: %s: %s" % (self.slot, kind.__name__, broken))


class Processes:
    """The agents and all that they started, found by a variable that processes inherit, so that it outlives the guard."""

    def __init__(self, settings):
        self.settings = settings
        self.machine = settings.machine()

    def mark(self, slot):
        return "%s/%d" % (self.machine, slot)

    def of(self, slot=None):
        """Ids of living processes of one agent, or of all."""
        wanted = ("MUSTER_AGENT=%s/" % self.machine if slot is None else "MUSTER_AGENT=" + self.mark(slot)).encode()
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open("/proc/%s/environ" % name, "rb") as file:
                        variables = file.read().split(b"\0")
                except OSError:
                    continue
                if any(variable == wanted or slot is None and variable.startswith(wanted) for variable in variables) and self.started(int(name)):
                    found.append(int(name))
        return found

    @staticmethod
    def started(pid):
        """When, in the kernel's ticks: with the id it names one process for ever. None if it has ended."""
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else int(fields[19])
        except (OSError, IndexError):
            return None

    def containers(self, slot=None):
        """Ids of running containers with a task; None if docker doesn't say."""
        if not self.settings.is_set("docker") or not shutil.which("docker"):
            return []
        label = "clearml-parent-worker-id" + ("" if slot is None else "=" + self.settings.worker(slot))
        try:
            listed = subprocess.run(["docker", "ps", "-q", "--no-trunc", "--filter", "label=" + label], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, timeout=30, check=True)
            return listed.stdout.decode().split()
        except (OSError, subprocess.SubprocessError):
            return None

    def kill(self, agents):
        """Agents first: one that sees its task end would report it. SIGKILL, since an agent that is asked to end writes "completed"."""
        for pid in agents:
            self.send_kill(pid)
        for _ in range(20):
            living = self.of()
            for pid in living:
                self.send_kill(pid)
            if not living:
                break
            time.sleep(0.05)
        containers = self.containers()
        if containers:
            try:
                subprocess.run(["docker", "kill"] + containers, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
            except (OSError, subprocess.SubprocessError):
                say("docker can't kill the tasks' containers")

    @staticmethod
    def send_kill(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


class Agent:
    """One slot's agent: started, found again after a restart of the guard, started again when it dies."""

    def __init__(self, guard, slot):
        self.guard = guard
        self.slot = slot
        self.process = None
        self.pid = None
        self.ticks = None
        self.deaths = []
        self.is_given_up = False
        self.not_before = 0
        self.file = "%s/agent-%d.pid" % (guard.settings.etc, slot)
        try:
            with open(self.file, encoding="ascii") as file:
                pid, ticks = (int(word) for word in file.read().split())
            if Processes.started(pid) == ticks:
                self.pid, self.ticks = pid, ticks
        except (OSError, ValueError):
            pass

    def lives(self):
        if self.process is not None:
            return self.process.poll() is None
        return self.pid is not None and Processes.started(self.pid) == self.ticks

    def wait(self):
        """For the end of one that was killed, which takes the kernel a moment."""
        if self.process is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                say("agent %d doesn't end" % self.slot)

    def look(self, now):
        """Starts it if it is not there and may be. Once a tick."""
        if self.is_given_up or self.lives():
            return
        processes, gate = self.guard.processes, self.guard.gate
        if self.pid is not None:
            say("agent %d has ended%s" % (self.slot, "" if self.process is None else " with status %d" % self.process.returncode))
            self.pid = self.process = None
            self.deaths = [then for then in self.deaths if now - then < RESTARTS_SECONDS] + [now]
            self.not_before = now + min(60, 2 ** len(self.deaths))
        # A task outlives its agent and is waited for; another agent beside it would take a second one.
        if processes.of(self.slot) or processes.containers(self.slot) != []:
            return
        with self.guard.lock:
            gate.gone(self.slot)
            is_shut = bool(gate.shut)
        if len(self.deaths) >= RESTARTS:
            say("agent %d is given up after %d ends" % (self.slot, len(self.deaths)))
            self.is_given_up = True
        elif not is_shut and now >= self.not_before:
            self.start()

    def start(self):
        settings = self.guard.settings
        environment = dict(os.environ)
        # Loopback needs no proxy, whatever the environment says.
        for name in ("no_proxy", "NO_PROXY"):
            environment[name] = ",".join(part for part in (environment.get(name), "127.0.0.1") if part)
        environment.update({
            "MUSTER_AGENT": self.guard.processes.mark(self.slot),
            "CLEARML_WORKER_ID": settings.worker(self.slot),
            "CLEARML_CONFIG_FILE": settings.etc + "/clearml.conf",
            "CLEARML_API_HOST": "http://127.0.0.1:%d" % self.guard.ports[self.slot],
            "CLEARML_WEB_HOST": settings.values["clearml.web"],
            "CLEARML_FILES_HOST": settings.values["clearml.files"],
            "CLEARML_API_ACCESS_KEY": settings.values["clearml.access-key"],
            "CLEARML_API_SECRET_KEY": settings.values["clearml.secret-key"],
        })
        if environment.get("CLEARML_AGENT_EXTRA_DOCKER_ARGS"):
            # With it an agent passes over those of clearml.conf, which tell containers where ClearML is.
            environment["CLEARML_AGENT_EXTRA_DOCKER_ARGS"] += " " + " ".join(map(shlex.quote, settings.container_words()))
        words = [settings.opt + "/venv/bin/clearml-agent", "daemon", "--foreground", "--force-current-version", "--queue"]
        words += settings.values["queues"].split() + self.gpus()
        if settings.is_set("docker"):
            # Last: --docker takes every word that follows.
            words += ["--docker", settings.values["default-image"]]
        try:
            # A session of its own: what ends the guard doesn't reach it.
            self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as missing:
            say("agent %d can't be started: %s" % (self.slot, missing))
            self.is_given_up = True
            return
        self.pid, self.ticks = self.process.pid, Processes.started(self.process.pid)
        write_whole(self.file, "%d %d\n" % (self.pid, self.ticks or 0))
        say("agent %d runs as %s" % (self.slot, settings.worker(self.slot)))

    def gpus(self):
        settings = self.guard.settings
        if settings.is_set("cpu-only"):
            return ["--cpu-only"]
        count = settings.gpus()
        if count == 0:
            if not settings.is_set("docker") or settings.has_gpu_on_its_bus():
                return []
            # Docker starts no container that is to have GPUs where there are none.
            say("agent %d uses no GPU: the machine has none" % self.slot)
            return ["--cpu-only"]
        if settings.agents == 1:
            return []
        own = share(count, settings.agents, self.slot)
        say("agent %d has GPU %s of %d%s" % (self.slot, ",".join(map(str, own)), count,
                                             ", not alone: there are more agents than GPUs" if count < settings.agents else ""))
        return ["--gpus", ",".join(map(str, own))]


class Guard:
    """The whole: ports, agents, and a look at the machine's marks once a second."""

    def __init__(self, settings):
        self.settings = settings
        self.lock = threading.Lock()
        self.gate = Gate(settings.agents)
        self.clearml = ClearML(settings)
        self.metadata = settings.metadata()
        self.processes = Processes(settings)
        self.ports = []
        self.agents = [Agent(self, slot) for slot in range(settings.agents)]
        self.ends_at = None
        self.unread = None

    def run(self):
        self.open_ports()
        ticks = 0
        while True:
            began = time.monotonic()
            self.look(ticks)
            ticks += 1
            time.sleep(max(0.05, TICK_SECONDS - (time.monotonic() - began)))

    def open_ports(self):
        """The same ports after a restart: agents know them."""
        file = self.settings.etc + "/guard.ports"
        try:
            with open(file, encoding="ascii") as known:
                wanted = [int(word) for word in known.read().split()]
        except (OSError, ValueError):
            wanted = [0] * self.settings.agents
        for slot in range(self.settings.agents):
            for attempt in range(60):
                try:
                    doors = Doors(self, slot, wanted[slot])
                    break
                except OSError as taken:
                    # Somebody's outgoing connection may have it for a moment.
                    say("port %d is taken: %s" % (wanted[slot], taken))
                    time.sleep(1)
            else:
                raise SystemExit("MUSTER-GUARD port %d stays taken" % wanted[slot])
            self.ports.append(doors.server_port)
            threading.Thread(target=doors.serve_forever, daemon=True).start()
        write_whole(file, " ".join(str(port) for port in self.ports) + "\n")

    def look(self, ticks):
        try:
            self.read_marks()
            if ticks % NOTICE_TICKS == 0 and self.ends_at is None:
                self.read_notice()
            self.unread = None
        except Unread as why:
            if self.unread is None:
                say("the metadata service doesn't answer (%s); marks stay as they were" % why)
            self.unread = why
        now = time.monotonic()
        for agent in self.agents:
            agent.look(now)
        if all(agent.is_given_up for agent in self.agents):
            self.close(Gate.NO_AGENTS)
        if self.settings.is_too_old():
            self.close(Gate.AGE)
        if self.ends_at is not None and time.time() >= self.ends_at - BEFORE_THE_END_SECONDS:
            self.end("the cloud takes the machine back")
        with self.lock:
            may_end = self.gate.may_end()
        if may_end and self.is_quiet():
            with self.lock:
                # A mark may have been taken back while processes were looked at.
                if not self.gate.may_end():
                    return
                why = ", ".join(sorted(self.gate.shut))
                self.gate.close(Gate.ENDED)
            self.end(why)

    def read_marks(self):
        word, colon, ordinal = (self.metadata.value("muster-mark") or "none:0").partition(":")
        if colon and ordinal.isdigit() and word in ("none", "drain", "drain-now", "released"):
            with self.lock:
                before = bool(self.gate.shut)
                is_now = self.gate.marked(word, int(ordinal))
                after = bool(self.gate.shut)
            if before != after:
                say("the gate is %s by the mark %s:%s" % ("shut" if after else "open", word, ordinal))
            if is_now:
                self.end("the mark says so")
        until = (self.metadata.value("muster-keep-until") or "").partition("@")[0]
        if until.isdigit() and int(until) < time.time():
            self.close(Gate.EXPIRED)
        else:
            with self.lock:
                self.gate.reopen(Gate.EXPIRED)

    def read_notice(self):
        self.ends_at = self.metadata.ends_at()
        if self.ends_at is not None:
            say("the cloud takes the machine back in %d s" % (self.ends_at - time.time()))
            self.close(Gate.NOTICE)
            hook = self.settings.etc + "/checkpoint.sh"
            if os.path.exists(hook) and os.path.getsize(hook) > 0:
                environment = dict(os.environ, MUSTER_ENDS_AT=str(int(self.ends_at)))
                subprocess.Popen(["/bin/sh", hook], env=environment, stdin=subprocess.DEVNULL, start_new_session=True)

    def close(self, reason):
        with self.lock:
            is_new = reason not in self.gate.shut
            self.gate.close(reason)
        if is_new:
            say("the gate is shut: " + reason)

    def is_quiet(self):
        """Nothing runs but agents. What docker doesn't tell may be a task."""
        agents = {agent.pid for agent in self.agents if agent.lives()}
        return self.processes.containers() == [] and set(self.processes.of()) <= agents

    def end(self, why):
        self.close(Gate.ENDED)
        say("powering off: " + why)
        self.processes.kill([agent.pid for agent in self.agents if agent.lives()])
        for agent in self.agents:
            agent.wait()
        while True:
            subprocess.call(["shutdown", "-h", "now"])
            time.sleep(30)

    def put_back(self, task, queue, authorization, until):
        """Nobody will begin this task here. One call does it, so that a crash leaves it either in its queue or to be rescued."""
        if not task or not queue:
            say("a task came that nobody takes, and its answer can't be read; it is left to be rescued")
            return
        say("puts back task %s, which nobody here takes" % task)
        body = {"task": task, "queue": queue}
        while time.monotonic() < until:
            try:
                status, _ = self.clearml.call("queues.add_task", body, authorization, PUT_BACK_SECONDS)
            except (OSError, http.client.HTTPException, ValueError):
                status = 0
            if status == 200:
                try:
                    self.clearml.call("queues.move_task_to_front", body, authorization, PUT_BACK_SECONDS)
                except (OSError, http.client.HTTPException, ValueError):
                    say("task %s waits at the end of its queue" % task)
                return
            if 400 <= status < 500 and status != 429:
                # Already there, or gone.
                say("ClearML doesn't put back task %s: HTTP %d" % (task, status))
                return
            time.sleep(1)


def main(words):
    settings = Settings(os.environ.get("MUSTER_ROOT", ""))
    if words == ["check"]:
        trouble = ClearML(settings).check()
        if trouble:
            print(trouble[0])
            return 2 if trouble[1] else 1
        return 0
    if words == ["kill"]:
        guard = Guard(settings)
        guard.processes.kill([agent.pid for agent in guard.agents if agent.lives()])
        return 0
    if words == ["run"]:
        Guard(settings).run()
    print(__doc__ or "guard.py run, check or kill")
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
