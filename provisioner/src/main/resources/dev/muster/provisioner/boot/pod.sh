#!/bin/sh
# Muster: makes this pod a ClearML worker, or what runs one task. Runs as the container's first process, as whatever user the image has.
# MUSTER_ROOT, MUSTER_POD and MUSTER_SECRETS are unset in a pod; the project's tests run the script in folders of their own.
set -u
umask 077
export MUSTER_ROOT="${MUSTER_ROOT:-/muster/work}" MUSTER_POD="${MUSTER_POD:-/muster/pod}" MUSTER_SECRETS="${MUSTER_SECRETS:-/muster/secrets}"
etc="$MUSTER_ROOT/etc/muster"
opt="$MUSTER_ROOT/opt/muster"
# run: an agent pod; task: one task; claim: takes the task for the container that comes after; attend: reports the worker beside that one.
mode="$1"
step=files

say() { printf '%s\n' "$*"; }

# In one line, whatever a program had to say.
fail() {
    say "MUSTER-BOOT-FAILED step=$step reason=$(printf '%s' "$*" | tr -s '[:cntrl:]' ' ')"
    exit 78
}

# Networks are slow to come up in a fresh pod.
patiently() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -ge 5 ] && return 1
        sleep "$((tries * 2))"
    done
}

# A proxy, a package index or a certificate authority that the fleet names is needed before the agents are. Not here itself: it might name our variables.
as_agents() { (. "$etc/agent.env"; "$@"); }

write_files() {
    mkdir -p "$etc" "$opt" "$MUSTER_ROOT/home" || fail "can't make $etc and $opt"
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
    base64 -d > "$etc/setup.sh" <<'MUSTER_FILE' || fail "can't write the task's setup script"
@SETUP@
MUSTER_FILE
    base64 -d > "$etc/secrets.json" <<'MUSTER_FILE' || fail "can't write the references to secrets"
@PIECES@
MUSTER_FILE
    cat > "$opt/guard.py" <<'MUSTER_GUARD' || fail "can't write the guard"
@GUARD@
MUSTER_GUARD
    cat > "$opt/pod.py" <<'MUSTER_POD_PY' || fail "can't write the guard of pods"
@POD@
MUSTER_POD_PY
}

# What fails for want of it says so itself. Only root installs.
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
    # The image's own first: what is installed there is there for it.
    for python in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 python3.7 python3.6 python /opt/conda/bin/python3 \
        /usr/libexec/platform-python /opt/muster/venv/bin/python3; do
        python=$(command -v "$python") && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2> /dev/null && return 0
    done
    return 1
}

venv() { "$python" -m venv "$@" > "$opt/venv.log" 2>&1; }

# Where Python has no venv: a virtualenv that the image has, or that its pip gets into a folder of its own.
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

# An image may bring it, which saves a minute of each boot.
find_agent() {
    set -- /opt/muster/venv/lib/python3*/site-packages/clearml_agent-@AGENT_VERSION@.dist-info
    if [ -d "$1" ]; then
        ln -sfn /opt/muster/venv "$opt/venv"
        return 0
    fi
    [ "$(cd / && "$python" -c 'from clearml_agent.version import __version__; print(__version__)' 2> /dev/null)" = '@AGENT_VERSION@' ] || return 1
    mkdir -p "$opt/venv/bin" && printf '#!/bin/sh\nexec "%s" -m clearml_agent "$@"\n' "$python" > "$opt/venv/bin/clearml-agent" && chmod 700 "$opt/venv/bin/clearml-agent"
}

clearml_answers() {
    reason=$(as_agents "$python" "$opt/guard.py" check 2>&1)
    checked=$?
    # 2: trying again may help. What runs one task waits for it later.
    [ "$checked" -ne 2 ] || [ "$mode" != run ]
}

boot() {
    write_files
    # By the clock that nobody sets.
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

    # The first thing that can be wrong for every pod alike, and costs the least to find out.
    step=clearml
    patiently clearml_answers
    if [ "$checked" -eq 1 ] || { [ "$checked" -ne 0 ] && [ "$mode" = run ]; }; then fail "$reason"; fi
    if [ "$mode" = claim ]; then
        # For the container that comes after, as whoever it runs.
        chmod a+x "$MUSTER_ROOT/etc" "$etc" || fail "can't show clearml.conf"
        chmod a+r "$etc/clearml.conf" "$etc/gcs.json" || fail "can't show clearml.conf"
    fi
    case "$mode" in claim | attend) return 0 ;; esac

    step=packages
    if find_agent; then
        say "MUSTER-BOOT the image has clearml-agent @AGENT_VERSION@"
    else
        make_venv || fail "$python can't make a virtual environment: $(tail -n 1 "$opt/venv.log"); take an image with python3-venv, virtualenv, pip or clearml-agent @AGENT_VERSION@"
        step=agent
        patiently as_agents "$opt/venv/bin/pip" install -q --disable-pip-version-check 'clearml-agent==@AGENT_VERSION@' || fail "pip can't install clearml-agent @AGENT_VERSION@"
    fi
    # The agent clones repositories in the pod itself.
    command -v git > /dev/null || install git

    step=init
    if [ -s "$etc/init.sh" ]; then
        as_agents sh "$etc/init.sh" || fail "init_script ended with $?"
    fi
    say "MUSTER-BOOT-DONE machine=$(cat "$etc/cloud-id")"
}

# Many images run as a user who has no home, some on a file system that can't be written.
if [ ! -w /tmp ] && [ -z "${TMPDIR:-}" ]; then mkdir -p "$MUSTER_ROOT/tmp" && export TMPDIR="$MUSTER_ROOT/tmp"; fi
if [ -z "${HOME:-}" ] || [ ! -w "$HOME" ]; then export HOME="$MUSTER_ROOT/home"; fi
# A first process hears no signal that it doesn't ask for. There is no task yet: with this process the others go, too.
trap 'say "MUSTER-BOOT is told to end"; exit 143' TERM
boot &
wait $! || exit $?
trap - TERM

python=$(cat "$etc/python")
if grep -q '^shell-profile=true' "$etc/boot.properties" && [ -r "$HOME/.bashrc" ] && command -v bash > /dev/null; then
    # Written for bash, mostly.
    exec bash -c '. "$HOME/.bashrc"; . "$1"; exec "$2" "$3" first "$4"' pod "$etc/agent.env" "$python" "$opt/pod.py" "$mode"
fi
. "$etc/agent.env"
exec "$python" "$opt/pod.py" first "$mode"
