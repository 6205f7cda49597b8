#!/bin/sh
set -u
umask 077
export MUSTER_ROOT="${MUSTER_ROOT:-/muster/work}" MUSTER_POD="${MUSTER_POD:-/muster/pod}" MUSTER_SECRETS="${MUSTER_SECRETS:-/muster/secrets}"
etc="$MUSTER_ROOT/etc/muster"
opt="$MUSTER_ROOT/opt/muster"
mode="$1"
step=files

say() { printf '%s\n' "$*"; }

fail() {
    say "MUSTER-BOOT-FAILED step=$step reason=$(printf '%s' "$*" | tr -s '[:cntrl:]' ' ')"
    exit 78
}

patiently() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -ge 5 ] && return 1
        sleep "$((tries * 2))"
    done
}

as_agents() { (. "$etc/agent.env"; "$@"); }

write_files() {
    mkdir -p "$etc" "$opt" "$MUSTER_ROOT/home" || fail "can't make $etc and $opt"
    cat > "$etc/boot.properties" <<'MUSTER_PROPERTIES'
worker.prefix=lab-train:cpu:pod
agents=1
queues=fedcba9876543210fedcba9876543210
clearml.api=https://api.example
clearml.web=https://app.example
clearml.files=https://files.example
docker=false
default-image=python:3.11
cloud=pod
cpu-only=true
task=0123456789abcdef0123456789abcdef
task.queue=fedcba9876543210fedcba9876543210
MUSTER_PROPERTIES
    base64 -d > "$etc/agent.env" <<'MUSTER_FILE' || fail "can't write the environment"
ZXhwb3J0IFBMQUlOPSdpdCdcJydzIGhlcmUnCg==
MUSTER_FILE
    base64 -d > "$etc/clearml.conf" <<'MUSTER_FILE' || fail "can't write clearml.conf"
YWdlbnQucGFja2FnZV9tYW5hZ2VyLnN5c3RlbV9zaXRlX3BhY2thZ2VzOiB0cnVlCgo=
MUSTER_FILE
    base64 -d > "$etc/init.sh" <<'MUSTER_FILE' || fail "can't write the init script"

MUSTER_FILE
    base64 -d > "$etc/checkpoint.sh" <<'MUSTER_FILE' || fail "can't write the checkpoint hook"

MUSTER_FILE
    base64 -d > "$etc/gcs.json" <<'MUSTER_FILE' || fail "can't write the key of Google's storage"

MUSTER_FILE
    base64 -d > "$etc/setup.sh" <<'MUSTER_FILE' || fail "can't write the task's setup script"

MUSTER_FILE
    base64 -d > "$etc/secrets.json" <<'MUSTER_FILE' || fail "can't write the references to secrets"
eyJib290LnByb3BlcnRpZXMiOlsiY2xlYXJtbC5hY2Nlc3Mta2V5PSIsWyJrdWJlcm5ldGVzOmNs
ZWFybWwtYWNjZXNzIiwibGluZSJdLCJcbmNsZWFybWwuc2VjcmV0LWtleT0iLFsia3ViZXJuZXRl
czpjbGVhcm1sLXNlY3JldCIsImxpbmUiXSwiXG4iXX0=
MUSTER_FILE
    cat > "$opt/guard.py" <<'MUSTER_GUARD' || fail "can't write the guard"
#!/usr/bin/env python3
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
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
              "transfer-encoding", "upgrade"}
CONNECT_SECONDS = 10
ANSWER_SECONDS = 300
FRESH_SECONDS = 40
PUT_BACK_SECONDS = 10
TICK_SECONDS = 1
NOTICE_TICKS = 5
BEFORE_THE_END_SECONDS = 20
GCE_NOTICE_SECONDS = 30
RESTARTS = 5
RESTARTS_SECONDS = 600


def say(text):
    print("MUSTER-GUARD " + text, flush=True)


def share(count, agents, slot):
    if count < agents:
        return [slot % count]
    each, over = divmod(count, agents)
    first = slot * each + min(slot, over)
    return list(range(first, first + each + (slot < over)))


def write_whole(path, text):
    with open(path + ".new", "w", encoding="ascii") as new:
        new.write(text)
    os.replace(path + ".new", path)


class Gate:
    """Decides which requests for a task pass, and when the machine may end. Knows no clock, no network and no process.

    A slot is one agent. It can have a task from the moment its request is answered with one until it asks again: an agent is a loop that
    ends a task before it asks for the next.
    """

    MARK, EXPIRED, AGE, NOTICE, NO_AGENTS, ENDED = "mark", "keep-until", "hard age", "notice", "no agents", "ended"
    UNHEARD, FREE, HAS = "unheard", "free", "has"

    def __init__(self, slots):
        self.shut = set()
        self.ordinal = None
        self.holds = [Gate.UNHEARD] * slots
        self.asking = [0] * slots

    def asks(self, slot):
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
            return False
        self.asking[slot] -= 1
        if has_task:
            self.holds[slot] = Gate.HAS
        return True

    def settled(self, slot):
        self.asking[slot] -= 1

    def failed(self, slot):
        self.asking[slot] -= 1

    def gone(self, slot):
        self.holds[slot] = Gate.FREE

    def marked(self, word, ordinal):
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
        return bool(self.shut & {Gate.NOTICE, Gate.ENDED})

    def may_end(self):
        return bool(self.shut) and not any(self.asking) and all(held == Gate.FREE for held in self.holds)


class Unread(Exception):
    """The metadata service didn't answer: nothing is known, which is neither a mark nor its absence."""


def fetch(url, method="GET", headers=None, seconds=5):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method=method, headers=headers or {}), timeout=seconds) as answer:
            return answer.status, answer.read().decode("utf-8", "replace").strip()
    except urllib.error.HTTPError as refused:
        return refused.code, ""
    except (OSError, http.client.HTTPException, ValueError) as broken:
        raise Unread(str(broken))


class Ec2:
    TOKEN_SECONDS = 21600

    def __init__(self, base):
        self.base = base or "http://169.254.169.254"
        self.token = None

    def value(self, name):
        return self.read("tags/instance/" + name)

    def ends_at(self):
        notice = self.read("spot/instance-action")
        if notice is None:
            return None
        try:
            said = json.loads(notice)
            return calendar.timegm(time.strptime(said["time"][:19], "%Y-%m-%dT%H:%M:%S"))
        except (ValueError, KeyError, TypeError):
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
        if not shutil.which("nvidia-smi"):
            return 0
        try:
            listed = subprocess.run(["nvidia-smi", "-L"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.SubprocessError) as silent:
            say("nvidia-smi doesn't list GPUs (%s)" % silent)
            return 0
        return sum(line.startswith(b"GPU") for line in listed.stdout.splitlines())

    def has_gpu_on_its_bus(self):
        bus = self.root + "/sys/bus/pci/devices"
        try:
            for device in os.listdir(bus):
                with open("%s/%s/vendor" % (bus, device), encoding="ascii") as vendor, open("%s/%s/class" % (bus, device), encoding="ascii") as kind:
                    if vendor.read().strip() in ("0x10de", "0x1002") and kind.read()[:4] in ("0x03", "0x12"):
                        return True
        except OSError:
            pass
        return False

    def is_too_old(self):
        return self.hard_age is not None and self.age() >= self.hard_age

    def age(self):
        with open("/proc/uptime", encoding="ascii") as file:
            now = float(file.read().split()[0])
        return now - self.booted_at if now >= self.booted_at else now

    def container_words(self):
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
        try:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return not readable or bool(self.connection.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    def read_body(self):
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
                if is_kept and isinstance(broken, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)):
                    continue
                raise
            if answer.will_close:
                self.upstream.close()
                self.upstream = None
            return answer.status, [(name, value) for name, value in answer.getheaders()
                                   if name.lower() not in HOP_BY_HOP | {"content-length"}], content

    def unreachable(self, broken):
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
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, guard, slot, port):
        self.guard = guard
        self.slot = slot
        super().__init__(("127.0.0.1", port), Door)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request, client_address):
        kind, broken, _ = sys.exc_info()
        if not isinstance(broken, OSError):
            say("a call of agent %d failed here: %s: %s" % (self.slot, kind.__name__, broken))


class Processes:
    def __init__(self, settings):
        self.settings = settings
        self.machine = settings.machine()

    def mark(self, slot):
        return "%s/%d" % (self.machine, slot)

    def of(self, slot=None):
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
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else int(fields[19])
        except (OSError, IndexError):
            return None

    def containers(self, slot=None):
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
        if self.process is not None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                say("agent %d doesn't end" % self.slot)

    def look(self, now):
        if self.is_given_up or self.lives():
            return
        processes, gate = self.guard.processes, self.guard.gate
        if self.pid is not None:
            say("agent %d has ended%s" % (self.slot, "" if self.process is None else " with status %d" % self.process.returncode))
            self.pid = self.process = None
            self.deaths = [then for then in self.deaths if now - then < RESTARTS_SECONDS] + [now]
            self.not_before = now + min(60, 2 ** len(self.deaths))
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
            environment["CLEARML_AGENT_EXTRA_DOCKER_ARGS"] += " " + " ".join(map(shlex.quote, settings.container_words()))
        words = [settings.opt + "/venv/bin/clearml-agent", "daemon", "--foreground", "--force-current-version", "--queue"]
        words += settings.values["queues"].split() + self.gpus()
        if settings.is_set("docker"):
            words += ["--docker", settings.values["default-image"]]
        try:
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
            say("agent %d uses no GPU: the machine has none" % self.slot)
            return ["--cpu-only"]
        if settings.agents == 1:
            return []
        own = share(count, settings.agents, self.slot)
        say("agent %d has GPU %s of %d%s" % (self.slot, ",".join(map(str, own)), count,
                                             ", not alone: there are more agents than GPUs" if count < settings.agents else ""))
        return ["--gpus", ",".join(map(str, own))]


class Guard:
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

MUSTER_GUARD
    cat > "$opt/pod.py" <<'MUSTER_POD_PY' || fail "can't write the guard of pods"
#!/usr/bin/env python3
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

GRACE_SECONDS = 30
BEFORE_THE_END_SECONDS = 5
REPORT_SECONDS = 30
AGENT_REPORTS_SECONDS = 60
WORKER_SECONDS = 600
CALL_SECONDS = 30
SETTLE_SECONDS = 3
ENDED, NOT_CLAIMED, BOOT_FAILED, TOLD = 0, 1, 78, 128 + signal.SIGTERM
NOT_QUEUED, NO_QUEUE = 703, 701
SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.S)


def unquoted(text):
    return ESCAPE.sub(lambda found: chr(int(found.group(1) or found.group(2) or found.group(3), 16)) if not found.group(4)
                      else SHORT.get(found.group(4), found.group(4)), text)


class Pod:
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
        return None


class Settings(guard.Settings):
    def metadata(self):
        return Pod(os.environ["MUSTER_POD"])

    def login(self):
        return "Basic " + base64.b64encode(":".join(
            (self.values["clearml.access-key"], self.values["clearml.secret-key"])).encode()).decode()


class Signal:
    def __init__(self):
        self.event = threading.Event()
        self.at = None
        signal.signal(signal.SIGTERM, self.heard)

    def heard(self, *_):
        if self.at is None:
            self.at = time.monotonic()
            os.write(1, b"MUSTER-GUARD the pod is told to end\n")
        self.event.set()

    def is_heard(self):
        return self.at is not None

    def wait(self, seconds):
        self.event.wait(max(0, seconds))

    def seconds_left(self):
        grace = float(os.environ.get("MUSTER_GRACE", GRACE_SECONDS))
        return self.at + max(grace - BEFORE_THE_END_SECONDS, grace / 2) - time.monotonic()


def run_hook(settings, told):
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
    sys.stdout.flush()
    os._exit(code)


class Lost(Exception):
    """A call was sent, and nobody knows what became of it."""


class Refused(Exception):
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


    def call(self, endpoint, body):
        for attempt in range(2):
            if self.authorization is None:
                self.log_in()
            status, answer = self.send(endpoint, body)
            if status == 401 and attempt == 0:
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
        try:
            return self.call(endpoint, body)
        except (OSError, http.client.HTTPException, ValueError, KeyError, Lost, Refused) as broken:
            say("%s: %s" % (endpoint, broken))
            return None

    def report(self, has_task):
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


    def known_claim(self):
        try:
            with open(self.claim_file, encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def why_not(self):
        if self.told.is_heard():
            return "the pod is told to end"
        if self.settings.is_too_old():
            return Gate.AGE
        self.read_mark()
        return ", ".join(sorted(self.gate.shut)) if self.gate.shut else None

    def read_mark(self):
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
        known = self.known_claim()
        if known:
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
        print("MUSTER-BOOT-FAILED step=claim reason=" + why, flush=True)
        leave(BOOT_FAILED)

    def once(self, why):
        if why != self.unread:
            say(why)
        self.unread = why

    def ask(self):
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


    def known_task(self):
        return (self.try_call("tasks.get_by_id", {"task": self.task}) or {}).get("task") or {}

    def note_stay(self):
        since = self.known_task().get("status_changed")
        if since and not os.path.exists(self.stay_file):
            guard.write_whole(self.stay_file, str(since))

    def is_wanted(self):
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
        return os.path.exists(agent.file) or bool(self.processes.of(0))

    def put_back(self):
        say("puts back task %s, which is not begun here" % self.task)
        body = {"task": self.task, "queue": self.queue}
        if self.try_call("queues.add_task", body) is not None:
            self.try_call("queues.move_task_to_front", body)
        self.unregister()
        leave(TOLD)

    def is_orphaned(self, agent):
        by_itself = agent.process is not None and agent.process.returncode is not None and agent.process.returncode >= 0
        return not by_itself and bool(self.processes.of(0))

    def start(self, agent):
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
        leave(code)

    def end(self, agent):
        status = agent.process.returncode if agent.process is not None else None
        say("the agent of task %s has ended%s" % (self.task, "" if status is None else " with status %d" % status))
        if status is not None and status > 0 and not os.path.exists(self.started_file):
            self.try_call("tasks.failed", {"task": self.task, "force": True, "status_reason": "setup script ended with %d" % status,
                                           "status_message": "the setup script ended with %d before the task began" % status})
        self.processes.kill([])
        self.unregister()
        leave(ENDED)

    def attend(self):
        while not self.told.is_heard():
            self.keep_reporting(True)
            self.told.wait(guard.TICK_SECONDS)
        self.unregister()


class Slot:
    def __init__(self, run):
        self.settings = run.settings
        self.processes = run.processes


def complete(settings_folder, secrets):
    with open(settings_folder + "/secrets.json", encoding="utf-8") as file:
        files = json.load(file)
    texts = {name: "".join(piece if isinstance(piece, str) else value(secrets, piece[0], piece[1]) for piece in pieces)
             for name, pieces in files.items()}
    for name, text in texts.items():
        with open("%s/%s" % (settings_folder, name), "a", encoding="utf-8", newline="") as file:
            file.write(text)


def value(secrets, reference, quoting):
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
    try:
        import ctypes
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def first(mode):
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
        if status in (ENDED, BOOT_FAILED, TOLD) or mode == "claim" and status == NOT_CLAIMED:
            return status
        child = None
        if told:
            guard.Processes(Settings(os.environ["MUSTER_ROOT"])).kill([])
            return TOLD
        say("the guard ended with %d, starts again" % status)
        time.sleep(1)


def bury(child):
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

MUSTER_POD_PY
}

install() {
    [ "$(id -u)" = 0 ] || return 0
    if command -v apt-get > /dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        patiently as_agents apt-get -q update
        patiently as_agents apt-get -q -y install "$@" || say "apt-get can't install $*"
    elif command -v dnf > /dev/null; then
        patiently as_agents dnf -q -y install "$@" || say "dnf can't install $*"
    elif command -v microdnf > /dev/null; then
        patiently as_agents microdnf -y install "$@" || say "microdnf can't install $*"
    elif command -v apk > /dev/null; then
        patiently as_agents apk add -q "$@" || say "apk can't install $*"
    fi
}

find_python() {
    for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python3.7 python3.6 python /opt/conda/bin/python3 \
        /usr/libexec/platform-python /opt/muster/venv/bin/python3; do
        python=$(command -v "$python") && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2> /dev/null && return 0
    done
    return 1
}

venv() { "$python" -m venv "$@" > "$opt/venv.log" 2>&1; }

virtualenv() {
    "$python" -m virtualenv -q --clear "$opt/venv" > /dev/null 2>&1 || {
        as_agents "$python" -m pip install -q --disable-pip-version-check --target "$opt/virtualenv" virtualenv >> "$opt/venv.log" 2>&1 &&
            PYTHONPATH="$opt/virtualenv" "$python" -m virtualenv -q --clear "$opt/venv" >> "$opt/venv.log" 2>&1
    }
}

make_venv() {
    venv "$opt/venv" && return 0
    virtualenv && return 0
    if command -v apt-get > /dev/null; then install python3-venv python3-pip; else install python3-pip; fi
    venv --clear "$opt/venv" || virtualenv
}

find_agent() {
    set -- /opt/muster/venv/lib/python3*/site-packages/clearml_agent-3.0.3.dist-info
    if [ -d "$1" ]; then
        ln -sfn /opt/muster/venv "$opt/venv"
        return 0
    fi
    [ "$(cd / && "$python" -c 'from clearml_agent.version import __version__; print(__version__)' 2> /dev/null)" = '3.0.3' ] || return 1
    mkdir -p "$opt/venv/bin" && printf '#!/bin/sh\nexec "%s" -m clearml_agent "$@"\n' "$python" > "$opt/venv/bin/clearml-agent" && chmod 700 "$opt/venv/bin/clearml-agent"
}

clearml_answers() {
    reason=$(as_agents "$python" "$opt/guard.py" check 2>&1)
    checked=$?
    [ "$checked" -ne 2 ] || [ "$mode" != run ]
}

boot() {
    write_files
    cut -d ' ' -f 1 /proc/uptime > "$etc/booted-at"
    step=pod
    tr -d '\n' < "$MUSTER_POD/uid" > "$etc/cloud-id" || fail "the pod's uid can't be read at $MUSTER_POD/uid"
    [ -s "$etc/cloud-id" ] || fail "the pod's uid is empty at $MUSTER_POD/uid"
    say "MUSTER-BOOT machine=$(cat "$etc/cloud-id") worker=$(sed -n 's/^worker.prefix=//p' "$etc/boot.properties" | head -n 1):$(cat "$etc/cloud-id")"

    step=python
    if ! find_python; then
        install python3
        find_python || fail "the image has no Python 3.6 or later, and user $(id -u) can't install one; take an image with python3"
    fi
    printf '%s\n' "$python" > "$etc/python"

    step=secrets
    reason=$("$python" "$opt/pod.py" secrets 2>&1) || fail "$reason"

    step=clearml
    patiently clearml_answers
    if [ "$checked" -eq 1 ] || { [ "$checked" -ne 0 ] && [ "$mode" = run ]; }; then fail "$reason"; fi
    if [ "$mode" = claim ]; then
        chmod a+x "$MUSTER_ROOT/etc" "$etc" || fail "can't show clearml.conf"
        chmod a+r "$etc/clearml.conf" "$etc/gcs.json" || fail "can't show clearml.conf"
    fi
    case "$mode" in claim | attend) return 0 ;; esac

    step=packages
    if find_agent; then
        say "MUSTER-BOOT the image has clearml-agent 3.0.3"
    else
        make_venv || fail "$python can't make a virtual environment: $(tail -n 1 "$opt/venv.log"); take an image with python3-venv, virtualenv, pip or clearml-agent 3.0.3"
        step=agent
        patiently as_agents "$opt/venv/bin/pip" install -q --disable-pip-version-check 'clearml-agent==3.0.3' || fail "pip can't install clearml-agent 3.0.3"
    fi
    command -v git > /dev/null || install git

    step=init
    if [ -s "$etc/init.sh" ]; then
        as_agents sh "$etc/init.sh" || fail "init_script ended with $?"
    fi
    say "MUSTER-BOOT-DONE machine=$(cat "$etc/cloud-id")"
}

if [ ! -w /tmp ] && [ -z "${TMPDIR:-}" ]; then mkdir -p "$MUSTER_ROOT/tmp" && export TMPDIR="$MUSTER_ROOT/tmp"; fi
if [ -z "${HOME:-}" ] || [ ! -w "$HOME" ]; then export HOME="$MUSTER_ROOT/home"; fi
trap 'say "MUSTER-BOOT is told to end"; exit 143' TERM
boot &
wait $! || exit $?
trap - TERM

python=$(cat "$etc/python")
if grep -q '^shell-profile=true' "$etc/boot.properties" && [ -r "$HOME/.bashrc" ] && command -v bash > /dev/null; then
    exec bash -c '. "$HOME/.bashrc"; . "$1"; exec "$2" "$3" first "$4"' pod "$etc/agent.env" "$python" "$opt/pod.py" "$mode"
fi
. "$etc/agent.env"
exec "$python" "$opt/pod.py" first "$mode"
