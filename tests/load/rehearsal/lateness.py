"""Read how late event loops came back to what was due, from the histograms that services show at `/metrics`."""

from itertools import pairwise

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.system.running import RunningSystem

PORTS = {"gateway": "GM_GATEWAY_INTERNAL_PORT", "applications": "GM_APPLICATIONS_PORT"}
# How often something that is due was noted as late as a bucket's upper edge, or less.
Histogram = dict[float, float]


def histograms(system: RunningSystem) -> dict[str, Histogram]:
    """The histogram of each service since it started; none of one that has several processes behind its port."""
    said = system.description()
    alone = {service: port for service, port in PORTS.items() if service in said["processes"]}
    return {service: _of(f"http://127.0.0.1:{said['ports'][port]}/metrics") for service, port in alone.items()}


def _of(url: str) -> Histogram:
    answer = httpx.get(url, trust_env=False, timeout=10).raise_for_status()
    [found] = [f for f in text_string_to_metric_families(answer.text) if f.name == "gm_loop_lag_seconds"]
    return {float(s.labels["le"]): s.value for s in found.samples if s.name.endswith("_bucket")}


def between(before: Histogram, after: Histogram, share: float) -> float:
    """Seconds that so large a share of what was due in the meantime did not exceed, by straight lines within a bucket; 0 when
    nothing was noted, and the last edge for what lies beyond it."""
    counted = [(0.0, 0.0), *sorted((edge, n - before.get(edge, 0.0)) for edge, n in after.items())]
    wanted = counted[-1][1] * share
    for (lower, below), (upper, n) in pairwise(counted):
        if n >= wanted > below:
            return lower if upper == float("inf") else lower + (upper - lower) * (wanted - below) / (n - below)
    return 0.0
