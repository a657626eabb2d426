"""Who watches an installation: exporters, Prometheus and Alertmanager, and ClamAV before the store. Each is started, and what it
says is compared with what alerts, dashboards and their tests ask for."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml

from deploy.demo.files import pdf
from deploy.embedded.system import ROOT
from tests.containers.conftest import FOLDER, NEW, nothing
from tests.containers.engine import Engine
from tests.containers.installation import PORTAL, Installation
from tests.containers.people import ForeignPerson
from tests.system.clamd_server import EICAR
from tests.system.running import create, fill, submit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

OBSERVABILITY = ROOT / "deploy" / "observability"
# Of servers and machine; our own are looked at by tests/e2e/test_observed_series.py.
SELECTOR = re.compile(r"\b((?:pg|redis|node|probe)_\w+)(\{[^}]*\})?")
# No such answer, no such series.
FAULTS = re.compile(r'status=~?"(429\|)?5')
OURS = ("gateway", "applications", "notify", "relay", "documents", "notify-worker")


@pytest.fixture(scope="module")
def installation(engine: Engine) -> Iterator[Installation]:
    made = Installation(engine, FOLDER / "watched", NEW, project="watched", profiles=("observability", "clamav"))
    made.prepare()
    made.set(GM_CLAMD_URL="tcp://clamav:3310", GM_PROBED_URL="https://portal:8443/healthz")
    made.compose("down", "--volumes", "--timeout", "5")
    made.up()
    made.execute("applications", "python", "-m", "services.applications", "seed")
    try:
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "10")


def _until(answer: Callable[[], Any], good: Callable[[Any], bool], seconds: float) -> Any:
    """The first answer that is good."""
    until = time.monotonic() + seconds
    while True:
        found = answer()
        if good(found):
            return found
        assert time.monotonic() < until, found
        time.sleep(2)


def _prometheus(installation: Installation) -> Callable[..., Any]:
    url = f"http://{installation.address('prometheus')}:9090/api/v1"

    def ask(path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{url}/{path}", params=parameters, trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return ask


def test_every_replica_worker_and_server_is_scraped(installation: Installation) -> None:
    ask = _prometheus(installation)
    expected = Counter({service: len(installation.running(service)) for service in OURS})
    expected.update({"alertmanager": 1, "prometheus": 1, "postgres": 1, "valkey": 2, "machine": 1, "portal": 1})
    assert expected["gateway"] == expected["documents"] == expected["relay"] == 2

    def up() -> Counter[str]:
        targets = ask("targets", state="active")["activeTargets"]
        return Counter(t["labels"]["job"] for t in targets if t["health"] == "up")

    with installation.engine.inside():
        _until(up, lambda found: found == expected, 180)
        groups = ask("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    assert len(groups) > 5


def _asked() -> set[str]:
    texts = [
        rule["expr"]
        for file in ("rules.yaml", "slo.yaml")
        for group in yaml.safe_load((OBSERVABILITY / file).read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    for file in sorted((OBSERVABILITY / "grafana").glob("*.json")):
        panels = json.loads(file.read_text(encoding="utf-8"))["panels"]
        texts += [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return {name + labels for text in texts for name, labels in SELECTOR.findall(text)}


def test_what_is_asked_of_servers_is_shown(installation: Installation) -> None:
    """And the alerts' tests play series that have these labels."""
    ask = _prometheus(installation)
    asked = _asked()
    assert len(asked) > 10
    tests = [
        test
        for file in OBSERVABILITY.glob("rules_test*.yaml")
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
    ]
    played = {s["series"] for test in tests for s in test["input_series"] if SELECTOR.match(s["series"])}
    assert {SELECTOR.findall(one)[0][0] for one in asked} <= {SELECTOR.findall(one)[0][0] for one in played}
    with installation.engine.inside():
        _until(lambda: ask("query", query="pg_up")["result"], lambda found: bool(found), 120)
        missing = {one for one in asked if not ask("query", query=one)["result"]}
        unlike = set()
        for series in played:
            name, labels = SELECTOR.findall(series)[0]
            shown = [set(found["metric"]) for found in ask("query", query=name)["result"]]
            if not any(set(re.findall(r"(\w+)=", labels)) <= one for one in shown):
                unlike.add(series)
    assert (missing, unlike) == (set(), set())


def test_alerts_reach_alertmanager(installation: Installation) -> None:
    """A certificate for a day is too short; the database and the cache are stopped."""
    url = f"http://{installation.address('alertmanager')}:9093/api/v2/alerts"

    def firing() -> set[tuple[str, str]]:
        found = httpx.get(url, trust_env=False, timeout=30).json()
        return {(a["labels"]["alertname"], a["labels"].get("instance", "")) for a in found}

    with installation.engine.inside():
        probed = "https://portal:8443/healthz"
        _until(firing, lambda found: {("Watchdog", ""), ("CertificateEnds", probed)} <= found, 180)
        assert not {name for name, _ in firing()} & {"PostgresDown", "ValkeyDown", "PortalAway", "ServiceDown"}
        installation.compose("stop", "--timeout", "30", "cache", "postgres")
        down = {("ValkeyDown", "cache"), ("PostgresDown", "postgres-exporter:9187")}
        _until(firing, lambda found: down <= found, 240)
    installation.up("--no-recreate")


def test_infected_file_is_refused_on_the_whole_way(
    installation: Installation, person: Callable[..., ForeignPerson]
) -> None:
    with installation.engine.inside():
        one = person(PORTAL, "qiye1", nothing)
        one.sign_in()
        id = create(one)

        def sent(body: bytes) -> httpx.Response:
            return one.send(
                "POST", f"/applications/{id}/attachments", params={"section": "company", "slot": "business_license"},
                headers={"X-CSRF-Token": one.csrf_token}, files={"file": ("执照.pdf", body)},
            )  # fmt: skip

        refused = sent(pdf() + b"% " + EICAR + b"\n")
        assert (refused.status_code, refused.json()["type"]) == (422, "file_infected"), refused.text
        assert "Eicar-Test-Signature" in refused.json()["detail"]
        taken = sent(pdf())
        assert taken.status_code in (200, 201), taken.text
        assert taken.json()["scanned_at"] is not None
        one.close()


def test_every_panel_shows_something(installation: Installation, person: Callable[..., ForeignPerson]) -> None:
    """Once somebody has submitted and a backup was made; what shows faults alone may be empty. Grafana's own image is not to be had here."""
    ask = _prometheus(installation)
    panels = [
        (panel["title"], target["expr"])
        for file in sorted((OBSERVABILITY / "grafana").glob("*.json"))
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
        for target in panel.get("targets", [])
    ]
    assert len(panels) > 20
    installation.compose("run", "--rm", "backup", "create", "--to", "/backups")
    with installation.engine.inside():
        one = person(PORTAL, "qiye1", nothing)
        one.sign_in()
        id = create(one)
        fill(one, id)
        submit(one, id)

        def empty() -> set[str]:
            return {
                title
                for title, expr in panels
                if not FAULTS.search(expr) and not ask("query", query=expr)["result"]
            }

        _until(empty, lambda found: not found, 300)
        one.close()
