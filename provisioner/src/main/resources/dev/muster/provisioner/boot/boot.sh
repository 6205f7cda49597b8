#!/bin/sh
# Muster: makes this machine a ClearML worker, and ends the machine when that fails or is over. Runs once, as root, by cloud-init.
# MUSTER_ROOT and MUSTER_METADATA are unset on a machine; the project's tests run the script in a folder of their own.
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

# In one line, whatever a program had to say.
fail() {
    say "MUSTER-BOOT-FAILED step=$step reason=$(printf '%s' "$*" | tr -s '[:cntrl:]' ' ')"
    sync
    shutdown -h now
    exit 1
}

# Networks are slow to come up on a fresh machine.
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
@PROPERTIES@
MUSTER_PROPERTIES
base64 -d > "$etc/agent.env" <<'MUSTER_FILE' || fail "can't write the environment"
@ENVIRONMENT@
MUSTER_FILE
base64 -d > "$etc/clearml.conf" <<'MUSTER_FILE' || fail "can't write clearml.conf"
@CONF@
MUSTER_FILE
base64 -d > "$etc/init.sh" <<'MUSTER_FILE' || fail "can't write the init script"
@INIT@
MUSTER_FILE
base64 -d > "$etc/checkpoint.sh" <<'MUSTER_FILE' || fail "can't write the checkpoint hook"
@CHECKPOINT@
MUSTER_FILE
base64 -d > "$etc/gcs.json" <<'MUSTER_FILE' || fail "can't write the key of Google's storage"
@GCS_KEY@
MUSTER_FILE
cat > "$opt/guard.py" <<'MUSTER_GUARD' || fail "can't write the guard"
@GUARD@
MUSTER_GUARD

# By the clock that nobody sets.
cut -d ' ' -f 1 /proc/uptime > "$etc/booted-at"

# A proxy, a package index or a certificate authority that the fleet names is needed before the agents are. Not here itself: it might name our variables.
as_agents() { (. "$etc/agent.env"; "$@"); }

# What fails for want of it says so itself.
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

@SECRETS@
# The first thing that can be wrong for every machine alike, and costs the least to find out.
clearml_answers() {
    reason=$(as_agents python3 "$opt/guard.py" check 2>&1)
    checked=$?
    # 2: trying again may help.
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
    # Where the system's Python has no venv and may not be changed, a virtualenv in a folder of its own does.
    as_agents python3 -m pip install -q --disable-pip-version-check --target "$opt/virtualenv" virtualenv &&
        PYTHONPATH="$opt/virtualenv" python3 -m virtualenv -q "$opt/venv"
}
# An image may bring it, which saves a minute of each boot.
agent_is_there() {
    set -- "$opt"/venv/lib/python3*/site-packages/clearml_agent-@AGENT_VERSION@.dist-info
    [ -d "$1" ]
}
if agent_is_there; then
    say "MUSTER-BOOT the image has clearml-agent @AGENT_VERSION@"
else
    if ! venv "$opt/venv"; then
        if command -v apt-get > /dev/null; then install python3-venv python3-pip; else install python3 python3-pip; fi
        venv --clear "$opt/venv" || virtualenv_by_pip || fail "python3 can't make a virtual environment: $(tail -n 1 "$opt/venv.log")"
    fi
    step=agent
    patiently as_agents "$opt/venv/bin/pip" install -q --disable-pip-version-check 'clearml-agent==@AGENT_VERSION@' || fail "pip can't install clearml-agent @AGENT_VERSION@"
fi
[ -n "${checked:-}" ] || check_clearml
# Without containers the agent clones repositories on the machine itself. Amazon Linux comes without.
[ "$(property docker)" = true ] || command -v git > /dev/null || install git

step=init
if [ -s "$etc/init.sh" ]; then
    as_agents sh "$etc/init.sh" || fail "init_script ended with $?"
fi

step=start
cat > "$opt/guard.sh" <<'MUSTER_RUN'
#!/bin/sh
# Starts the guard, which starts the agents. It may die and be started again while they go on.
etc="${MUSTER_ROOT:-}/etc/muster"
guard="${MUSTER_ROOT:-}/opt/muster/guard.py"
if grep -q '^shell-profile=true' "$etc/boot.properties" && [ -r "$HOME/.bashrc" ]; then
    # Written for bash, mostly.
    exec bash -c '. "$HOME/.bashrc"; . "$1"; exec python3 "$2" run' guard "$etc/agent.env" "$guard"
fi
. "$etc/agent.env"
exec python3 "$guard" run
MUSTER_RUN

if [ -d /run/systemd/system ] && [ -z "$root" ]; then
    # The guard alone is restarted; its agents live on beside it.
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
    # An agent that is asked to end writes "completed" on its task; one that is killed writes nothing, and the task can be put back.
    # Stopped before docker, so that no container hears of the shutdown first.
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
    # No systemd: this script stays and does its part.
    while :; do
        sh "$opt/guard.sh"
        say "MUSTER-GUARD ended with $?, starts again"
        sleep 1
    done
fi
