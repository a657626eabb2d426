"""Every series that an alert, an aim or a dashboard asks for is one that the running system shows, by name and by labels."""

import json
import re

import httpx
import psycopg
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.ports import free_port
from deploy.embedded.system import ROOT
from tests.system.running import RunningSystem, create, fill, submit

FOLDER = ROOT / "deploy" / "observability"
PORTS = ("GM_GATEWAY_INTERNAL_PORT", "GM_APPLICATIONS_PORT", "GM_NOTIFY_PORT")
SELECTOR = re.compile(r"\b(gm_\w+|process_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')

Sample = tuple[str, dict[str, str]]


def _selectors() -> set[tuple[str, str]]:
    asked = []
    for file in ("rules.yaml", "slo.yaml"):
        for group in yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))["groups"]:
            asked += [rule["expr"] for rule in group["rules"]]
    for file in sorted((FOLDER / "grafana").glob("*.json")):
        panels = json.loads(file.read_text(encoding="utf-8"))["panels"]
        asked += [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return {(name, matchers or "") for expr in asked for name, matchers in SELECTOR.findall(expr)}


def _fits(sample: Sample, name: str, matchers: str) -> bool:
    if sample[0] != name:
        return False
    for label, how, value in MATCHER.findall(matchers):
        # Prometheus adds those of the target itself, and nobody was answered with a fault here.
        if label in {"job", "instance", "status"}:
            continue
        have = sample[1].get(label, "")
        same = bool(re.fullmatch(value, have)) if "~" in how else have == value
        if same == how.startswith("!"):
            return False
    return True


def _scraped(system: RunningSystem) -> list[Sample]:
    found = []
    for port in PORTS:
        url = f"http://127.0.0.1:{system.description()['ports'][port]}/metrics"
        text = httpx.get(url, trust_env=False).text
        found += [
            (s.name, dict(s.labels)) for family in text_string_to_metric_families(text) for s in family.samples
        ]
    return found


def test_what_is_asked_for_is_shown(system: RunningSystem) -> None:
    person = system.person("qiye1")
    id, draft = create(person), create(person)
    fill(person, id)
    receipt = submit(person, id)["receipt"]
    path = f"/applications/{draft}/sections/social_benefit"
    etag = person.call("GET", path).json()["etag"]
    person.call("PUT", f"{path}/draft", json={"values": {"social_benefit": "一"}}, etag=etag)
    person.wait_for(f"/applications/{id}/revisions/{receipt['revision']}/pdf", 60)
    shown = _scraped(system)
    missing = {
        f"{name}{{{matchers}}}"
        for name, matchers in _selectors()
        # The synthetic applicant is a process of its own, which is not run here: `tests/faults/test_synthetic.py` reads what it shows.
        if not name.startswith("gm_synthetic_") and not any(_fits(sample, name, matchers) for sample in shown)
    }
    assert missing == set()


def test_whoever_holds_a_connection_says_who_it_is(system: RunningSystem) -> None:
    url = system.description()["environments"]["gateway"]["GM_DATABASE_URL"]
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = current_user"
        )
        names = {str(row[0]) for row in found}
    assert {"gateway serve", "applications serve", "applications relay", "notify serve", "notify worker"} <= names


@pytest.mark.slow
def test_worker_shows_its_metrics_on_a_port_of_its_own(system: RunningSystem) -> None:
    port = free_port()
    with system.worker(GM_METRICS_PORT=str(port)):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert "process_resident_memory_bytes" in text
