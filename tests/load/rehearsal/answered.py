"""Read how many requests each service answered, by what it answered, from the counters that services show at `/metrics`."""

from collections import Counter

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.load.rehearsal.lateness import PORTS
from tests.system.running import RunningSystem

# By service and kind of answer.
Answered = dict[str, dict[str, float]]
REFUSED = frozenset({"429", "503"})


def counts(system: RunningSystem) -> Answered:
    """Return what each service answered since it started: `served`, `refused` for now, or `other`."""
    ports = system.description()["ports"]
    return {service: _of(f"http://127.0.0.1:{ports[port]}/metrics", service) for service, port in PORTS.items()}


def _of(url: str, service: str) -> dict[str, float]:
    answer = httpx.get(url, trust_env=False, timeout=10).raise_for_status()
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(answer.text):
        if family.name == "gm_http_requests":
            for sample in family.samples:
                if sample.name.endswith("_total") and sample.labels["service"] == service:
                    found[_kind(sample.labels["status"])] += sample.value
    return dict(found)


def _kind(status: str) -> str:
    if status in REFUSED:
        return "refused"
    return "served" if status[0] in "23" else "other"


def a_minute(first: Answered, last: Answered, seconds: float) -> Answered:
    """Return what was answered between two counts, as so many a minute."""
    return {
        service: {
            kind: round((n - first.get(service, {}).get(kind, 0.0)) * 60 / seconds) for kind, n in now.items()
        }
        for service, now in last.items()
    }
