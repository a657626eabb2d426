#!/bin/sh
# Ends when every migration job is complete, and at once, with its last lines, when one has failed.
set -eu
label=app.kubernetes.io/component=migration
kubectl() { command kubectl --namespace "${GM_NAMESPACE:-gongmei}" "$@"; }
until_seconds=$(($(date +%s) + ${GM_WAIT_SECONDS:-900}))
while [ "$(date +%s)" -lt "$until_seconds" ]; do
    states=$(kubectl get job --selector "$label" --output \
        'jsonpath={range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.status=="True")].type}{"\n"}{end}')
    if failed=$(printf '%s\n' "$states" | grep Failed); then
        for job in $(printf '%s\n' "$failed" | cut -d ' ' -f 1); do
            echo "$job failed:" >&2
            kubectl logs "job/$job" --tail 20 >&2 || true
        done
        exit 1
    fi
    if [ -n "$states" ] && ! printf '%s\n' "$states" | grep -qv Complete; then exit 0; fi
    sleep 2
done
echo "not complete after ${GM_WAIT_SECONDS:-900} s:" >&2
kubectl get job --selector "$label" >&2
exit 1
