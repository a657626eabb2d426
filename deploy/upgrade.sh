#!/bin/sh
# Brings a running system of deploy/compose.yaml to the release that the file of settings names, without a failed request.
#
#   deploy/upgrade.sh production.env
#
# Schemas first, which the old release understands (docs/operating/install.md). Then service by service: as many new
# containers beside the old ones, and when they are healthy the old ones are told to leave, one after another. New ones that
# do not become healthy are taken away again, and the old ones go on.
set -eu
cd "$(dirname "$0")/.."
[ $# = 1 ] && [ -f "$1" ] || { echo "say which file of settings: deploy/upgrade.sh production.env" >&2; exit 2; }
settings=$1
export COMPOSE_FILE="${COMPOSE_FILE:-deploy/compose.yaml}"
compose() { docker compose --env-file "$settings" "$@"; }
say() { printf '%s  %s\n' "$(date +%T)" "$*"; }

# Tonight's backup is of the new release as well.
for image in $(compose --profile operations config --images | sort -u); do
    docker image inspect "$image" >/dev/null 2>&1 || { echo "$image is not here; pull or build it first" >&2; exit 1; }
done

for schema in gateway applications notify; do
    say "migrating $schema"
    compose run --rm --no-deps --quiet-pull "$schema-migrate" || { echo "the schema of $schema stays as it was; so does everything" >&2; exit 1; }
done

# Whoever reads messages before whoever writes them: a new kind of notice or paper finds somebody who knows it.
for service in notify notify-worker documents applications relay gateway; do
    old=$(compose ps --quiet "$service")
    [ -n "$old" ] || { say "$service does not run here"; continue; }
    say "$service: new ones beside $(echo "$old" | wc -l)"
    if ! compose up --detach --no-deps --no-build --no-recreate --quiet-pull --wait --wait-timeout 180 \
        --scale "$service=$(($(echo "$old" | wc -l) * 2))" "$service"; then
        for container in $(compose ps --all --quiet "$service"); do
            echo "$old" | grep -q "$container" || { docker logs --tail 20 "$container"; docker rm --force "$container" >/dev/null; }
        done
        echo "$service: the new ones did not become healthy and are gone; the old ones go on" >&2
        exit 1
    fi
    # The balancer looks every half second who is there.
    sleep 2
    for container in $old; do
        say "$service: one of the old ones leaves"
        docker stop --time 60 "$container" >/dev/null
        docker rm "$container" >/dev/null
    done
done
if [ -n "$(compose --profile synthetic ps --quiet synthetic)" ]; then
    say "synthetic: one takes the other's place"
    compose --profile synthetic up --detach --no-deps --no-build --quiet-pull synthetic
fi
say "every service runs the release of $settings"
