"""Alert rules and dashboards: they can be read, they fire when they should, and they speak of metrics that exist."""

import importlib
import json
import re
import shutil
import subprocess
import warnings
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from prometheus_client import REGISTRY

from deploy.embedded.system import ROOT
from tests.architecture.manifests import compose, filled_in

FOLDER = ROOT / "deploy" / "observability"
DASHBOARDS = sorted((FOLDER / "grafana").glob("*.json"))
MEASURING = (
    "services.gateway.synthetic.process",
    "shared.http.app", "shared.observability.metrics", "services.applications.operations.metrics", "services.notify.metrics",
    "services.gateway.internal",
)  # fmt: skip
# Prometheus's own, and the client library's about its process.
GIVEN = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}


def _promtool(*arguments: str) -> None:
    _tool("promtool", *arguments)


def _tool(name: str, *arguments: str) -> None:
    found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".tools" / "bin"))
    if not found:
        pytest.skip(f"no {name} here; deploy/bootstrap.sh test fetches it where apt has it")
    done = subprocess.run([found, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_go_to_whom_the_settings_name(tmp_path: Path) -> None:
    given = filled_in() | {
        "GM_ALERTS_URL": "https://duty.example.cn/a",
        "GM_ALERTS_HEARTBEAT_URL": "https://watch.example.cn/b",
    }
    made = compose(**given)
    text = made["services"]["alertmanager"]["environment"]["WRITTEN"]
    found = yaml.safe_load(text)
    urls = {r["name"]: r["webhook_configs"][0]["url"] for r in found["receivers"]}
    assert urls == {"office": given["GM_ALERTS_URL"], "heartbeat": given["GM_ALERTS_HEARTBEAT_URL"]}
    [heartbeat] = found["route"]["routes"]
    assert heartbeat["receiver"] == "heartbeat"
    assert heartbeat["repeat_interval"] == "1m"
    # Whom Prometheus tells is a service of that name and port.
    [told] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))["alerting"]["alertmanagers"]
    assert {t.partition(":")[0] for s in told["static_configs"] for t in s["targets"]} <= made["services"].keys()
    file = tmp_path / "alertmanager.yaml"
    file.write_text(text, encoding="utf-8")
    _tool("amtool", "check-config", str(file))


def test_every_target_is_a_service_of_compose() -> None:
    services = compose(**filled_in())["services"]
    scraped = yaml.safe_load((FOLDER / "prometheus.yaml").read_text(encoding="utf-8"))["scrape_configs"]
    asked = "".join(str(job) for job in scraped)
    assert set(re.findall(r"'(?:redis://)?([a-z-]+):\d+'", asked)) - {"localhost"} <= services.keys()
    ours = {job["job_name"] for job in scraped if "dns_sd_configs" in job}
    for job in scraped:
        for found in job.get("dns_sd_configs", []):
            [name] = found["names"]
            assert name == job["job_name"]
            given = services[name]["environment"]
            ports = {"gateway": 8090, "applications": 8081, "notify": 8082}
            assert found["port"] == int(given.get("GM_METRICS_PORT", ports.get(name)))
    # Whoever is there in ServiceDown is one that is asked; the synthetic applicant is not run everywhere, and has an alert of its own.
    [down] = [r for r in _rules() if r.get("alert") == "ServiceDown"]
    assert set(re.findall(r'absent\(up\{job="([\w-]+)"', down["expr"])) == ours - {"synthetic"}
    [watcher] = [r for r in _rules() if r.get("alert") == "WatcherDown"]
    [watched] = re.findall(r'job=~"([^"]+)"', watcher["expr"])
    assert ours | set(watched.split("|")) == {job["job_name"] for job in scraped}
    # The portal is opened at the address that people use, or at another one of the same proxy.
    made = compose(**filled_in())["services"]["prometheus"]["environment"]["WRITTEN"]
    assert yaml.safe_load(made) == [{"targets": ["https://gongmei.example.gov.cn/healthz"]}]


def _rules() -> list[dict[str, Any]]:
    """Alerts and what they are recorded from."""
    groups = [
        group
        for file in ("rules.yaml", "slo.yaml")
        for group in yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))["groups"]
    ]
    return [rule for group in groups for rule in group["rules"]]


def _expressions(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def _known() -> set[str]:
    for module in MEASURING:
        importlib.import_module(module)
    names = set(GIVEN)
    for metric in REGISTRY.collect():
        match metric.type:
            case "counter":
                names.add(f"{metric.name}_total")
            case "histogram":
                names |= {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
            case _:
                names.add(metric.name)
    return names


def test_rules_fire_when_they_should() -> None:
    _promtool("check", "config", "prometheus.yaml")
    _promtool("check", "rules", "rules.yaml", "slo.yaml")
    _promtool("test", "rules", "rules_test.yaml", "rules_test_long.yaml", "rules_test_day.yaml")


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.name)
def test_dashboards_ask_what_prometheus_understands(dashboard: Path, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(_expressions(dashboard))]
    assert len(rules) > 20
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    _promtool("check", "rules", str(file))


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_grafana_knows_every_property_of_a_dashboard(file: Path) -> None:
    """Its models leave out what they do not know, and refuse what has another kind of place."""
    register_default_plugins()
    with warnings.catch_warnings():
        # There is a newer kind of dashboard, which files for Grafana 12 need not be.
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.models.dashboard import Dashboard
    given = json.loads(file.read_text(encoding="utf-8"))
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    assert given == _as_far_as(given, kept)


def _as_far_as(given: Any, kept: Any) -> Any:
    """What is kept of what was given, without what the models add."""
    if isinstance(given, dict) and isinstance(kept, dict):
        return {name: _as_far_as(value, kept[name]) for name, value in given.items() if name in kept}
    if isinstance(given, list) and isinstance(kept, list):
        return [_as_far_as(one, other) for one, other in zip(given, kept, strict=True)]
    return kept


def test_grafana_finds_its_source_and_its_dashboards() -> None:
    """As Compose mounts them; no registry that has Grafana's image can be reached here, so what it would read is compared."""
    made = compose(**filled_in())["services"]
    grafana = made["grafana"]
    mounts = {v.split(":")[1]: (ROOT / "deploy" / v.split(":")[0]) for v in grafana["volumes"]}
    given = mounts["/etc/grafana/provisioning"]
    [provider] = yaml.safe_load((given / "dashboards/files.yaml").read_text(encoding="utf-8"))["providers"]
    assert sorted(mounts[provider["options"]["path"]].glob("*.json")) == DASHBOARDS
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (mounts[str(home.parent)] / home.name) in DASHBOARDS
    [source] = yaml.safe_load((given / "datasources/prometheus.yaml").read_text(encoding="utf-8"))["datasources"]
    asked = urlsplit(source["url"])
    # Its own default, which nothing changes.
    assert asked.port == 9090
    assert "web.listen-address" not in str(made[asked.hostname]["command"])
    assert set(made[asked.hostname]["networks"]) & set(grafana["networks"])
    for file in DASHBOARDS:
        dashboard = json.loads(file.read_text(encoding="utf-8"))
        variables = {v["name"]: v for v in dashboard["templating"]["list"]}
        taken: dict[tuple[int, int], int] = {}
        for panel in dashboard["panels"]:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= 24, panel["title"]
            for place in product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
                assert taken.setdefault(place, panel["id"]) == panel["id"], panel["title"]
            if panel["type"] == "row":
                continue
            named = variables[panel["datasource"]["uid"].strip("${}")]
            assert named["query"] == panel["datasource"]["type"] == source["type"]
            letters = [target["refId"] for target in panel["targets"]]
            assert letters, panel["title"]
            assert len(set(letters)) == len(letters)
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_only_metrics_that_exist_are_asked_for() -> None:
    asked = [rule["expr"] for rule in _rules()]
    for dashboard in DASHBOARDS:
        asked += _expressions(dashboard)
    named = {name for expr in asked for name in re.findall(r"\b(?:gm|process)_\w+|\bup\b", expr)}
    assert named - _known() == set()


def test_every_topic_and_route_that_is_named_exists() -> None:
    from services.applications.routes import ROUTES
    from shared.messages import TOPICS

    asked = " ".join([rule["expr"] for rule in _rules()] + [e for d in DASHBOARDS for e in _expressions(d)])
    assert set(re.findall(r'topic="(\w+)"', asked)) <= TOPICS.keys()
    assert set(re.findall(r'route="([^"]+)"', asked)) <= {route.path for route in ROUTES}


def test_runbook_says_what_to_do_about_every_alert() -> None:
    headings = {
        line.removeprefix("## ").strip().lower()
        for line in (ROOT / "docs" / "operating" / "alerts.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    }
    for rule in _rules():
        if "record" in rule:
            continue
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor) == ("docs/operating/alerts.md", rule["alert"].lower())
        assert anchor in headings, rule["alert"]
