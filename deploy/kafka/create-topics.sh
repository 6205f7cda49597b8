#!/bin/sh
# Makes Muster's topics, as ../topics.txt lists them; those that are there already stay as they are.
#
#     create-topics.sh KAFKA:PORT [further arguments of kafka-topics.sh, such as --command-config admin.properties]
#
# REPLICATION and MIN_ISR are those of a cluster of three brokers: with 3 and 2 one broker may fail, and nothing that was confirmed is lost.
# On one broker both are 1. MUSTER_TOPICS_PREFIX is the installation's muster.topics.prefix.
set -eu

replication=${REPLICATION:-3}
min_isr=${MIN_ISR:-2}
prefix=${MUSTER_TOPICS_PREFIX-muster.}
[ $# -ge 1 ] || { echo "usage: create-topics.sh KAFKA:PORT [arguments of kafka-topics.sh]" >&2; exit 2; }
kafka=$1
shift
list=$(cd "$(dirname "$0")/.." && pwd)/topics.txt

sed '/^#/d; /^$/d' "$list" | while read -r name partitions settings; do
    config=
    for setting in $settings min.insync.replicas="$min_isr"; do
        config="$config --config $setting"
    done
    # shellcheck disable=SC2086 # settings have no spaces
    kafka-topics.sh --bootstrap-server "$kafka" "$@" --create --if-not-exists --topic "$prefix${name#muster.}" --partitions "$partitions" \
        --replication-factor "$replication" $config < /dev/null
done
