#!/bin/sh
# Allows each of Muster's services what it needs at Kafka, and nothing else, as rights.txt lists it. What is allowed already stays.
#
#     allow.sh KAFKA:PORT [further arguments of kafka-acls.sh, such as --command-config admin.properties]
#
# A service is the user muster-<service>, unless PRINCIPAL_<SERVICE> names another principal, such as
# PRINCIPAL_AWS_PROVISIONER=User:CN=aws.muster.example.com. MUSTER_TOPICS_PREFIX is the installation's muster.topics.prefix.
# ONLY names one service: the others are left out.
set -eu

prefix=${MUSTER_TOPICS_PREFIX-muster.}
[ $# -ge 1 ] || { echo "usage: allow.sh KAFKA:PORT [arguments of kafka-acls.sh]" >&2; exit 2; }
[ -n "$prefix" ] || { echo "a prefix of topics is needed: without one the rights would be on everything" >&2; exit 2; }
kafka=$1
shift
list=$(cd "$(dirname "$0")" && pwd)/rights.txt

sed '/^#/d; /^$/d' "$list" | while read -r service operation kind pattern names; do
    [ -z "${ONLY:-}" ] || [ "$ONLY" = "$service" ] || continue
    principal=$(printenv "PRINCIPAL_$(echo "$service" | tr 'a-z-' 'A-Z_')" || echo "User:muster-$service")
    resources=
    for name in $names; do
        case $name in muster.*) name=$prefix${name#muster.} ;; esac
        [ "$kind" = cluster ] && resources="$resources --cluster" || resources="$resources --$kind $name"
    done
    # shellcheck disable=SC2086 # names have no spaces
    kafka-acls.sh --bootstrap-server "$kafka" "$@" --add --force --allow-principal "$principal" --operation "$operation" \
        --resource-pattern-type "$pattern" $resources < /dev/null
done
