#!/bin/sh
# Lets the standby of deploy/compose.yaml take over from a PostgreSQL that is lost. Services find it by themselves.
#
#   deploy/failover.sh production.env
#
# The lost one is stopped first and does not start again, neither by itself nor with whatever is started later: two that take
# writes would be two truths.
set -eu
cd "$(dirname "$0")/.."
[ $# = 1 ] && [ -f "$1" ] || { echo "say which file of settings: deploy/failover.sh production.env" >&2; exit 2; }
settings=$1
export COMPOSE_FILE="${COMPOSE_FILE:-deploy/compose.yaml}" COMPOSE_PROFILES="${COMPOSE_PROFILES:-standby}"
compose() { docker compose --env-file "$settings" "$@"; }
ask() { compose exec --no-TTY standby psql --host=/var/run/postgresql --username=gongmei --dbname=postgres --no-psqlrc --tuples-only --no-align --command="$1"; }
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }
set_to() { if grep -q "^$1=" "$settings"; then sed -i "s/^$1=.*/$1=$2/" "$settings"; else echo "$1=$2" >>"$settings"; fi; }

[ "$(ask 'SELECT pg_is_in_recovery()')" = t ] || { echo "no standby runs here that could take over" >&2; exit 1; }
for container in $(compose ps --all --quiet postgres); do
    docker update --restart=no "$container" >/dev/null
    docker stop --time 5 "$container" >/dev/null || docker kill "$container" >/dev/null || true
done
set_to GM_POSTGRES_REPLICAS 0
say "the lost one is stopped"
[ "$(ask 'SELECT pg_promote(true, 60)')" = t ] || { echo "the standby was not promoted; see docker compose logs standby" >&2; exit 1; }
say "the standby takes writes"
# Whatever starts with these settings from now on would wait for a standby that is none any more, a restore as well.
set_to GM_SYNCHRONOUS_STANDBY ""
set_to GM_WATCHED_DATABASE standby
grep -q '^GM_DATABASE_HOSTS=.*standby' "$settings" ||
    echo "GM_DATABASE_HOSTS=postgres,standby is missing in $settings: add it and start the services anew" >&2
