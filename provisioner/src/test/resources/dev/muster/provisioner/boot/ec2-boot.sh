#!/bin/sh
set -u
umask 077
root="${MUSTER_ROOT:-}"
etc="$root/etc/muster"
opt="$root/opt/muster"
metadata="${MUSTER_METADATA:-http://169.254.169.254}"
step=files

say() {
    printf '%s\n' "$*"
    if [ -z "$root" ] && [ -w /dev/console ]; then printf '%s\n' "$*" > /dev/console; fi
}

fail() {
    say "MUSTER-BOOT-FAILED step=$step reason=$(printf '%s' "$*" | tr -s '[:cntrl:]' ' ')"
    sync
    shutdown -h now
    exit 1
}

patiently() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -ge 5 ] && return 1
        sleep "$((tries * 2))"
    done
}

mkdir -p "$etc" "$opt" || fail "can't make $etc and $opt"
cat > "$etc/boot.properties" <<'MUSTER_PROPERTIES'
worker.prefix=lab-train:gpu:g5.xlarge
agents=2
queues=q1 q2
clearml.api=https://api.example
clearml.web=https://app.example
clearml.files=https://files.example
docker=true
default-image=python:3.11
cloud=ec2
cpu-only=true
hard-age=180000
shell-profile=true
clearml.access-key=ACCESS
MUSTER_PROPERTIES
base64 -d > "$etc/agent.env" <<'MUSTER_FILE' || fail "can't write the environment"
ZXhwb3J0IFBMQUlOPSdpdCdcJydzIGhlcmUnCg==
MUSTER_FILE
base64 -d > "$etc/clearml.conf" <<'MUSTER_FILE' || fail "can't write clearml.conf"
YWdlbnQuZXh0cmFfZG9ja2VyX2FyZ3VtZW50czogWyItZSIsICJDTEVBUk1MX1dFQl9IT1NUPWh0
dHBzOi8vYXBwLmV4YW1wbGUiXQphZ2VudC5lbmFibGVfZ2l0X2Fza19wYXNzOiBmYWxzZQpzZGsu
YXdzLnMzLnVzZV9jcmVkZW50aWFsc19jaGFpbjogdHJ1ZQpzZGsuYXdzLnMzLmtleTogIkFLSUEi
CnNkay5hd3MuczMuc2VjcmV0OiAiS0VZIgpzZGsuYXdzLnMzLnJlZ2lvbjogImV1LXdlc3QtMSIK
c2RrLmF3cy5zMy5jcmVkZW50aWFsczogW3tidWNrZXQ6ICJtb2RlbHMiLCBob3N0OiAibWluaW86
OTAwMCIsIGtleTogIk9ORSIsIHNlY3JldDogIlRXTyIsIG11bHRpcGFydDogZmFsc2UsIHNlY3Vy
ZTogZmFsc2V9XQpzZGsuZ29vZ2xlLnN0b3JhZ2UucHJvamVjdDogImxhYiIKc2RrLmdvb2dsZS5z
dG9yYWdlLmNyZWRlbnRpYWxzX2pzb246ICIvZXRjL211c3Rlci9nY3MuanNvbiIKc2RrLmF6dXJl
LnN0b3JhZ2UuY29udGFpbmVyczogW3thY2NvdW50X25hbWU6ICJsYWIiLCBhY2NvdW50X2tleTog
ImsiLCBjb250YWluZXJfbmFtZTogImMifV0KYWdlbnQueDogMQphZ2VudC5leHRyYV9kb2NrZXJf
YXJndW1lbnRzOiAke2FnZW50LmV4dHJhX2RvY2tlcl9hcmd1bWVudHN9IFsiLWUiLCAiQ0xFQVJN
TF9BUElfSE9TVD1odHRwczovL2FwaS5leGFtcGxlIiwgIi1lIiwgIkNMRUFSTUxfRklMRVNfSE9T
VD1odHRwczovL2ZpbGVzLmV4YW1wbGUiLCAiLWUiLCAiQ0xFQVJNTF9XRUJfSE9TVD1odHRwczov
L2FwcC5leGFtcGxlIiwgIi12IiwgIi9ldGMvbXVzdGVyL2djcy5qc29uOi9ldGMvbXVzdGVyL2dj
cy5qc29uOnJvIl0K
MUSTER_FILE
base64 -d > "$etc/init.sh" <<'MUSTER_FILE' || fail "can't write the init script"
ZWNobyBpbml0Cg==
MUSTER_FILE
base64 -d > "$etc/checkpoint.sh" <<'MUSTER_FILE' || fail "can't write the checkpoint hook"
ZWNobyBjaGVja3BvaW50Cg==
MUSTER_FILE
base64 -d > "$etc/gcs.json" <<'MUSTER_FILE' || fail "can't write the key of Google's storage"
eyJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCJ9
MUSTER_FILE
cat > "$opt/guard.py" <<'MUSTER_GUARD' || fail "can't write the guard"
…
MUSTER_GUARD

cut -d ' ' -f 1 /proc/uptime > "$etc/booted-at"

as_agents() { (. "$etc/agent.env"; "$@"); }

install() {
    if command -v apt-get > /dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        patiently as_agents apt-get -q update
        patiently as_agents apt-get -q -y install "$@" || say "apt-get can't install $*"
    elif command -v dnf > /dev/null; then
        patiently as_agents dnf -q -y install "$@" || say "dnf can't install $*"
    fi
}

property() { sed -n "s/^$1=//p" "$etc/boot.properties" | head -n 1; }

step=metadata
identity() {
    if [ "$(property cloud)" = gce ]; then
        cloud_id=$(curl -sf -m 5 -H 'Metadata-Flavor: Google' "${MUSTER_METADATA:-http://metadata.google.internal}/computeMetadata/v1/instance/name")
    else
        token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/latest/api/token") &&
            cloud_id=$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/latest/meta-data/instance-id")
    fi
    [ -n "$cloud_id" ]
}
cloud_id=
patiently identity || fail "the metadata service doesn't tell who this machine is"
printf '%s\n' "$cloud_id" > "$etc/cloud-id"
say "MUSTER-BOOT machine=$cloud_id worker=$(property worker.prefix):$cloud_id"

step=secrets
command -v python3 > /dev/null || install python3
cat > "$opt/fetch_secrets.py" <<'MUSTER_FETCH' || fail "can't write what fetches secrets"
…
MUSTER_FETCH
cat > "$etc/secrets.json" <<'MUSTER_FILE' || fail "can't write the references to secrets"
{"endpoint":"","files":{"boot.properties":["clearml.secret-key=",["ssm:/muster/clearml#secret","line"],"\n"],"agent.env":["export CLEARML_AGENT_GIT_PASS='",["ssm:/muster/git","shell"],"'\n"]}}
MUSTER_FILE
fetched=$(as_agents python3 "$opt/fetch_secrets.py" "$etc" 2>&1) || fail "$fetched"

clearml_answers() {
    reason=$(as_agents python3 "$opt/guard.py" check 2>&1)
    checked=$?
    [ "$checked" -ne 2 ]
}
check_clearml() {
    step=clearml
    patiently clearml_answers
    [ "$checked" -eq 0 ] || fail "$reason"
}
command -v python3 > /dev/null && check_clearml

step=docker
if [ "$(property docker)" = true ]; then
    command -v docker > /dev/null || fail "tasks run in containers and the image has no docker; take an image with docker, or set boot.docker to false"
    if [ -d /run/systemd/system ] && [ -z "$root" ]; then systemctl start docker || fail "docker doesn't start"; fi
fi

step=packages
venv() { python3 -m venv "$@" > "$opt/venv.log" 2>&1; }
virtualenv_by_pip() {
    as_agents python3 -m pip install -q --disable-pip-version-check --target "$opt/virtualenv" virtualenv &&
        PYTHONPATH="$opt/virtualenv" python3 -m virtualenv -q "$opt/venv"
}
agent_is_there() {
    set -- "$opt"/venv/lib/python3*/site-packages/clearml_agent-3.0.3.dist-info
    [ -d "$1" ]
}
if agent_is_there; then
    say "MUSTER-BOOT the image has clearml-agent 3.0.3"
else
    if ! venv "$opt/venv"; then
        if command -v apt-get > /dev/null; then install python3-venv python3-pip; else install python3 python3-pip; fi
        venv --clear "$opt/venv" || virtualenv_by_pip || fail "python3 can't make a virtual environment: $(tail -n 1 "$opt/venv.log")"
    fi
    step=agent
    patiently as_agents "$opt/venv/bin/pip" install -q --disable-pip-version-check 'clearml-agent==3.0.3' || fail "pip can't install clearml-agent 3.0.3"
fi
[ -n "${checked:-}" ] || check_clearml
[ "$(property docker)" = true ] || command -v git > /dev/null || install git

step=init
if [ -s "$etc/init.sh" ]; then
    as_agents sh "$etc/init.sh" || fail "init_script ended with $?"
fi

step=start
cat > "$opt/guard.sh" <<'MUSTER_RUN'
#!/bin/sh
etc="${MUSTER_ROOT:-}/etc/muster"
guard="${MUSTER_ROOT:-}/opt/muster/guard.py"
if grep -q '^shell-profile=true' "$etc/boot.properties" && [ -r "$HOME/.bashrc" ]; then
    exec bash -c '. "$HOME/.bashrc"; . "$1"; exec python3 "$2" run' guard "$etc/agent.env" "$guard"
fi
. "$etc/agent.env"
exec python3 "$guard" run
MUSTER_RUN

if [ -d /run/systemd/system ] && [ -z "$root" ]; then
    cat > /etc/systemd/system/muster-guard.service <<'MUSTER_UNIT'
[Unit]
Description=Muster's guard and its ClearML agents
After=network-online.target docker.service
StartLimitIntervalSec=0
[Service]
Environment=HOME=/root
ExecStart=/bin/sh /opt/muster/guard.sh
Restart=always
RestartSec=1
KillMode=process
KillSignal=SIGKILL
OOMScoreAdjust=-900
StandardOutput=journal+console
StandardError=journal+console
MUSTER_UNIT
    cat > /etc/systemd/system/muster-end.service <<'MUSTER_UNIT'
[Unit]
Description=Ends Muster's ClearML agents when the system goes down
After=docker.service muster-guard.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/usr/bin/env python3 /opt/muster/guard.py kill
TimeoutStopSec=60
MUSTER_UNIT
    systemctl daemon-reload
    systemctl start --no-block muster-end muster-guard || fail "systemd can't start the guard"
    say "MUSTER-BOOT-DONE machine=$cloud_id"
else
    say "MUSTER-BOOT-DONE machine=$cloud_id"
    while :; do
        sh "$opt/guard.sh"
        say "MUSTER-GUARD ended with $?, starts again"
        sleep 1
    done
fi
