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

fail() {
    say "MUSTER-BOOT-FAILED step=$step reason=$*"
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

property() { sed -n "s/^$1=//p" "$etc/boot.properties" | head -n 1; }

step=metadata
session() { token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/latest/api/token"); }
identity() { cloud_id=$(curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$metadata/latest/meta-data/instance-id") && [ -n "$cloud_id" ]; }
patiently session || fail "no metadata token; IMDSv2 must be reachable"
patiently identity || fail "no instance id from the metadata service"
printf '%s\n' "$cloud_id" > "$etc/cloud-id"
say "MUSTER-BOOT machine=$cloud_id worker=$(property worker.prefix):$cloud_id"

step=docker
if [ "$(property docker)" = true ]; then
    command -v docker > /dev/null || fail "tasks run in containers and the image has no docker; take an image with docker, or set boot.docker to false"
    if [ -d /run/systemd/system ] && [ -z "$root" ]; then systemctl start docker || fail "docker doesn't start"; fi
fi

step=packages
if ! python3 -m venv "$opt/venv" > "$opt/venv.log" 2>&1; then
    if command -v apt-get > /dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        patiently apt-get -q update
        patiently apt-get -q -y install python3-venv python3-pip git || fail "apt-get can't install python3-venv"
    elif command -v dnf > /dev/null; then
        patiently dnf -q -y install python3 python3-pip git || fail "dnf can't install python3"
    fi
    python3 -m venv --clear "$opt/venv" || fail "python3 can't make a virtual environment: $(tail -n 1 "$opt/venv.log")"
fi

step=agent
patiently "$opt/venv/bin/pip" install -q --disable-pip-version-check 'clearml-agent==@AGENT_VERSION@' || fail "pip can't install clearml-agent @AGENT_VERSION@"

step=init
if [ -s "$etc/init.sh" ]; then
    (set -a; . "$etc/agent.env"; set +a; sh "$etc/init.sh") || fail "init_script ended with $?"
fi

step=start
cat > "$opt/agents.sh" <<'MUSTER_AGENTS'
#!/bin/sh
# Runs the agents until the last one ends, and then the machine.
set -u
root="${MUSTER_ROOT:-}"
etc="$root/etc/muster"
opt="$root/opt/muster"
property() { sed -n "s/^$1=//p" "$etc/boot.properties" | head -n 1; }

. "$etc/agent.env"
CLEARML_CONFIG_FILE="$etc/clearml.conf"
CLEARML_API_HOST=$(property clearml.api)
CLEARML_WEB_HOST=$(property clearml.web)
CLEARML_FILES_HOST=$(property clearml.files)
CLEARML_API_ACCESS_KEY=$(property clearml.access-key)
CLEARML_API_SECRET_KEY=$(property clearml.secret-key)
export CLEARML_CONFIG_FILE CLEARML_API_HOST CLEARML_WEB_HOST CLEARML_FILES_HOST CLEARML_API_ACCESS_KEY CLEARML_API_SECRET_KEY
worker="$(property worker.prefix):$(cat "$etc/cloud-id")"
agents=$(property agents)
gpus=0
if [ @CPU_ONLY@ = no ] && command -v nvidia-smi > /dev/null; then gpus=$(nvidia-smi -L | grep -c '^GPU'); fi

slot=0
while [ "$slot" -lt "$agents" ]; do
    CLEARML_WORKER_ID="$worker"
    [ "$agents" -gt 1 ] && CLEARML_WORKER_ID="$worker.$slot"
    export CLEARML_WORKER_ID
    # Queue ids hold no blanks, and are meant to become one argument each.
    set -- daemon --foreground --force-current-version --queue $(property queues)
    if [ @CPU_ONLY@ = yes ]; then
        set -- "$@" --cpu-only
    elif [ "$agents" -gt 1 ] && [ "$gpus" -ge "$agents" ]; then
        share=$((gpus / agents))
        set -- "$@" --gpus "$(seq -s , "$((slot * share))" "$((slot * share + share - 1))")"
    fi
    # Last: --docker takes every word that follows.
    [ "$(property docker)" = true ] && set -- "$@" --docker "$(property default-image)"
    "$opt/venv/bin/clearml-agent" "$@" &
    slot=$((slot + 1))
done
wait
echo "MUSTER-AGENTS-ENDED"
shutdown -h now
MUSTER_AGENTS

if [ -d /run/systemd/system ] && [ -z "$root" ]; then
    # An agent that is asked to end writes "completed" on its task; one that is killed writes nothing, and the task can be put back.
    # Stopped before docker, so that no container hears of the shutdown first.
    cat > /etc/systemd/system/muster-agents.service <<'MUSTER_UNIT'
[Unit]
Description=ClearML agents of Muster
After=network-online.target docker.service
[Service]
ExecStart=/bin/sh /opt/muster/agents.sh
ExecStopPost=-/bin/sh -c 'command -v docker > /dev/null && docker ps -q | xargs -r docker kill'
KillSignal=SIGKILL
StandardOutput=journal+console
StandardError=journal+console
MUSTER_UNIT
    systemctl daemon-reload
    systemctl start --no-block muster-agents || fail "systemd can't start the agents"
else
    sh "$opt/agents.sh" &
    [ -n "$root" ] && wait
fi
say "MUSTER-BOOT-DONE machine=$cloud_id"
