#!/bin/sh
# Prepares the system that it runs on to be an image of Muster's machines: docker, and the agent where the boot script looks for it. Run as root by Packer.
# MUSTER_ROOT is unset there; the project's tests run the script in a folder of their own.
set -eu
root="${MUSTER_ROOT:-}"
opt="$root/opt/muster"
version="${AGENT_VERSION:?the exact version of clearml-agent}"

install() {
    if command -v apt-get > /dev/null; then
        export DEBIAN_FRONTEND=noninteractive
        apt-get -q update
        apt-get -q -y install "$@"
    else
        dnf -q -y install "$@"
    fi
}

# A fresh system may still be at work on its packages.
if command -v cloud-init > /dev/null; then cloud-init status --wait > /dev/null || echo "cloud-init ended with an error"; fi

if command -v apt-get > /dev/null; then
    install git curl python3 python3-venv python3-pip
    command -v docker > /dev/null || install docker.io
else
    install git python3 python3-pip
    command -v docker > /dev/null || install docker
fi
[ -n "$root" ] || systemctl enable docker

if [ "${GPU:-true}" = true ]; then
    # From NVIDIA or Amazon, together with the driver that it fits: not put together here.
    command -v nvidia-ctk > /dev/null || { echo "the base has no NVIDIA container toolkit; take one that has, such as Amazon's Deep Learning Base, or build with gpu=false" >&2; exit 1; }
    nvidia-ctk runtime configure --runtime=docker
fi

mkdir -p "$opt"
python3 -m venv --clear "$opt/venv"
"$opt/venv/bin/pip" install -q --disable-pip-version-check "clearml-agent==$version"
# As the boot script will: an image where it doesn't find the agent is none.
set -- "$opt"/venv/lib/python3*/site-packages/"clearml_agent-$version.dist-info"
[ -d "$1" ] || { echo "pip has installed another version than $version" >&2; exit 1; }
"$opt/venv/bin/clearml-agent" --version

for image in ${CONTAINERS:-}; do
    docker pull -q "$image"
done

# What belongs to this machine alone: the next one is to be told who it is, and to read its own user data.
if command -v cloud-init > /dev/null; then cloud-init clean --logs; fi
