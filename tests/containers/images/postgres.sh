#!/bin/sh
# At the first start a cluster with the user, password and database of the variables; then the server. Root becomes its user.
set -eu
if [ "$(id -u)" = 0 ]; then
    chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql
    exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p -m 700 "$PGDATA"
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    # shellcheck disable=SC2086
    initdb --username "$POSTGRES_USER" --pwfile /tmp/password --auth-host scram-sha-256 --auth-local trust $POSTGRES_INITDB_ARGS
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    # As long as only the socket answers, nobody takes the server for ready.
    pg_ctl --wait --options "-c listen_addresses=''" start
    createdb --username "$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --wait --mode fast stop
fi
exec "$@"
