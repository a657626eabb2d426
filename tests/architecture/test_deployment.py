"""Compose file, manifests and images: they fit their schemas and one another, and every service is told what it needs."""

import base64
import copy
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy import bases, production_env
from deploy.embedded.plan import _SETTINGS as SETTINGS
from deploy.embedded.plan import known_settings
from deploy.embedded.system import ROOT
from services.gateway import preflight
from services.gateway.settings import GatewaySettings
from shared.preflight import Level
from shared.settings import load
from tests.architecture import keda
from tests.architecture.manifests import (
    DEPLOY,
    EXAMPLE,
    K8S,
    compose,
    dockerfile,
    documents,
    environment_of,
    file_of,
    filled_in,
    image_of,
    in_cluster,
    of_kind,
    pods,
    read,
)

# The oldest that the manifests are meant for.
KUBERNETES = "1.33.0"
OURS = ("gateway", "applications", "relay", "documents", "notify", "notify-worker")
# What Compose does not pass on, and why.
NOT_IN_COMPOSE = {
    "GM_GATEWAY_HOST": "the image's own",
    "GM_GATEWAY_PORT": "the image's own; in Compose it names the port of this machine",
    "GM_GATEWAY_INTERNAL_HOST": "the image's own",
    "GM_GATEWAY_INTERNAL_PORT": "the image's own",
    "GM_APPLICATIONS_HOST": "the image's own",
    "GM_APPLICATIONS_PORT": "the image's own",
    "GM_NOTIFY_HOST": "the image's own",
    "GM_NOTIFY_PORT": "the image's own",
    "GM_STUB_IDP": "production refuses it",
    "GM_MIGRATION_DATABASE_URL": "the tables' owner is for migrations alone",
    "GM_MIGRATE_BEFORE_CLOSE": "asked by migrations alone",
    "GM_METRICS_PORT": "of relay and workers alone",
    "GM_SYNTHETIC_URL": "of the synthetic applicant's container alone",
    "GM_READY_FILE": "where a process has a probe that looks for it",
    "GM_REUSE_PORT": "every container has ports of its own",
}


SERVICES = compose(**filled_in())["services"]


def ours(service: dict[str, Any]) -> bool:
    """Of our code; the database's image is made here as well, of somebody else's server."""
    return str(service["image"]).startswith("gongmei/") and image_of(service["image"]) != "postgres"


def targets() -> set[str]:
    return set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile(), flags=re.M))


def settings_in(monkeypatch: pytest.MonkeyPatch, service: str, environment: dict[str, str]) -> BaseSettings:
    """A service's settings as its process reads them, or the lines it ends with."""
    for name in [name for name in os.environ if name.startswith("GM_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load(SETTINGS[service])


def test_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="GM_AUDIT_KEY stands twice"):
        read("x: &x {GM_AUDIT_KEY: one, GM_AUDIT_KEY: two}")
    # A merge may be overridden.
    assert read("a: &a {k: 1}\nb: {<<: *a, k: 2}\nc: *a")[0]["b"] == {"k": 2}


WITH_SETTINGS = sorted(
    name
    for name, service in SERVICES.items()
    if ours(service) and image_of(service["image"]) in SETTINGS and name != "folders"
)


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_compose_gives_settings_that_production_takes(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = filled_in()
    environment = environment_of(name, given)
    found = settings_in(monkeypatch, image_of(SERVICES[name]["image"]), environment)
    assert found.model_dump()["environment"] == "production"
    assert (found.model_dump().get("migration_database_url") is not None) == name.endswith("-migrate")
    # What nobody fills in may as well stand there empty, as in the file that is made.
    empty = {key: "" for key in production_env.TEXT.split() if re.fullmatch("GM_[A-Z_]+=", key)}
    blank = environment_of(name, {n.rstrip("="): v for n, v in empty.items()} | given)
    assert settings_in(monkeypatch, image_of(SERVICES[name]["image"]), blank) == found
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("service", sorted(SETTINGS))
def test_every_setting_is_reachable_from_compose(service: str) -> None:
    told = {name for name in WITH_SETTINGS if image_of(SERVICES[name]["image"]) == service}
    fields = {f"GM_{name.upper()}" for name in SETTINGS[service].model_fields}
    for name in told:
        passed_on = set(SERVICES[name]["environment"])
        missing = fields - passed_on - NOT_IN_COMPOSE.keys()
        assert missing <= {"GM_BACKUP_FOLDER", "GM_DRAIN_SECONDS"}, name
    assert {"GM_BACKUP_FOLDER", "GM_DRAIN_SECONDS"} & fields <= set(SERVICES[service]["environment"])
    # The gateway has no worker: who takes connections is asked at /readyz.
    if service != "gateway":
        assert fields & {"GM_READY_FILE"} <= set().union(*(SERVICES[name]["environment"] for name in told))


def test_what_compose_does_not_pass_on_is_a_setting() -> None:
    assert NOT_IN_COMPOSE.keys() <= known_settings() | {"GM_READY_FILE"}
    named = {name for service in WITH_SETTINGS for name in SERVICES[service]["environment"]}
    assert named - {"SSL_CERT_FILE", "GM_READY_FILE"} <= known_settings()


@pytest.mark.parametrize(
    ("name", "spec"),
    [(n, s) for n, s, _ in pods() if n not in {"backup", "restore"}],
    ids=[n for n, _, _ in pods() if n not in {"backup", "restore"}],
)
def test_manifests_give_settings_that_production_takes(
    name: str, spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service, environment = in_cluster(spec, filled_in())
    found = settings_in(monkeypatch, service, environment)
    assert found.model_dump()["environment"] == "production"
    assert capsys.readouterr().err == ""
    assert environment.keys() <= known_settings() | {"GM_READY_FILE"}, name


def test_keys_are_made_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.production_env"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [*command, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert run().returncode == 0
    file = tmp_path / "production.env"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_text()
    again = run()
    assert (again.returncode, file.read_text()) == (1, before)
    assert "stays as it is" in again.stderr
    printed = run("-").stdout
    assert printed != before
    names = re.findall(r"^(GM_\w+)=", before, flags=re.M)
    assert names == re.findall(r"^(GM_\w+)=", printed, flags=re.M)
    assert len(names) == len(set(names))
    # Whatever Compose cannot do without is in it.
    wanted = set(re.findall(r"\$\{(GM_\w+):\?\}", file_of("deploy/compose.yaml")))
    assert wanted <= set(names)
    for name in ("GM_MASTER_KEY", "GM_RECEIPT_KEY", "GM_AUDIT_KEY", "GM_PERSONAL_KEYS"):
        [value] = re.findall(rf"^{name}=(.+)$", before, flags=re.M)
        assert len(base64.urlsafe_b64decode(value + "=")) == 32


def test_compose_file_fits_its_schema() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "check-jsonschema"),
            "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifests_fit_the_schemas_of_kubernetes() -> None:
    own = [d for d in documents() if not d["apiVersion"].startswith("keda.sh/")]
    assert len(own) > 30
    for document in own:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        # What belongs to the whole cluster.
        assert document["kind"] in {"Namespace", "PriorityClass"} or document["metadata"]["namespace"] == "gongmei"


def test_scalers_are_as_keda_takes_them() -> None:
    found = [d for d in documents() if d["apiVersion"].startswith("keda.sh/")]
    assert Counter(d["kind"] for d in found) == {"ScaledObject": 2, "TriggerAuthentication": 1}
    for document in found:
        jsonschema.validate(document, keda.SCHEMAS[document["kind"]])
    known = {d["metadata"]["name"] for d in found if d["kind"] == "TriggerAuthentication"}
    for scaled in of_kind("ScaledObject"):
        spec = scaled["spec"]
        assert spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
        names = [trigger["name"] for trigger in spec["triggers"]]
        assert len(set(names)) == len(names)
        assert {trigger["authenticationRef"]["name"] for trigger in spec["triggers"]} <= known


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.update(maxReplicas=12),
        lambda spec: spec["triggers"][0]["metadata"].update(targetQueryValue=10),
        lambda spec: spec["triggers"][0]["metadata"].pop("query"),
        lambda spec: spec["triggers"][0].update(metricType="Utilization"),
        lambda spec: spec["fallback"].pop("replicas"),
    ],
)
def test_what_keda_would_refuse_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    scaled = copy.deepcopy(of_kind("ScaledObject")[0])
    change(scaled["spec"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(scaled, keda.SCALED_OBJECT)


def test_every_manifest_is_listed_and_every_image_is_built() -> None:
    for folder in (K8S, K8S / "common", K8S / "migrate", K8S / "restore", EXAMPLE):
        [listed] = read((folder / "kustomization.yaml").read_text(encoding="utf-8"))
        files = {f.name for f in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in listed["resources"] if name.endswith(".yaml")} == files
    images = {image_of(c["image"]) for _, spec, _ in pods() for c in spec["containers"]}
    assert images == {image_of(s["image"]) for s in SERVICES.values() if ours(s)}
    assert images <= targets()
    built = {s["build"]["target"] for s in SERVICES.values() if "build" in s}
    assert built == images | {"postgres"}


def test_ingress_takes_what_the_gateway_takes() -> None:
    [ingress] = of_kind("Ingress")
    size = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) > GatewaySettings.model_fields["max_form_mb"].default
    [path] = [p for rule in ingress["spec"]["rules"] for p in rule["http"]["paths"]]
    backend = path["backend"]["service"]
    [service] = [d for d in of_kind("Service") if d["metadata"]["name"] == backend["name"]]
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    # What the example changes is there to be changed.
    [own] = read((EXAMPLE / "settings" / "kustomization.yaml").read_text(encoding="utf-8"))
    [settings] = of_kind("ConfigMap")
    [changed] = own["configMapGenerator"]
    assert {text.partition("=")[0] for text in changed["literals"]} <= settings["data"].keys()


# kubectl 1.21 brought kustomize 4.
COMPONENTS_SINCE = 21


@pytest.mark.parametrize(
    "folder",
    [K8S, K8S / "migrate", K8S / "restore", EXAMPLE, EXAMPLE / "migrate"],
    ids=lambda f: str(f.relative_to(DEPLOY)),
)
def test_kustomizations_can_be_built(folder: Path) -> None:
    """By kubectl itself: every pod is told settings whose name follows from what they say, so that a change rolls it."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl here, and Debian's is too old to be fetched")
    version = subprocess.run(
        [kubectl, "version", "--client", "-o", "json"], capture_output=True, text=True, check=True
    )
    if int(re.findall(r'"minor": "(\d+)', version.stdout)[0]) < COMPONENTS_SINCE:
        pytest.skip("this kubectl is older than folders and components in a kustomization")
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = read(done.stdout)
    [name] = [d["metadata"]["name"] for d in built if d["kind"] == "ConfigMap"]
    assert re.fullmatch(r"gongmei-\w{10}", name)
    told = set(re.findall(r"configMapRef:\n\s+name: (\S+)", done.stdout))
    assert told == {name}
    if EXAMPLE in (folder, folder.parent):
        assert all(
            "image: registry.example.gov.cn/" in line for line in done.stdout.splitlines() if " image: " in line
        )


LISTENING = ("gateway", "applications", "relay")


def test_connections_of_a_whole_cluster_fit_into_what_the_runbook_demands() -> None:
    """Every process at its most, one more of each while it is rolled."""
    most = {
        d["spec"]["scaleTargetRef"]["name"]: d["spec"]["maxReplicas"] for d in of_kind("HorizontalPodAutoscaler")
    }
    most |= {d["spec"]["scaleTargetRef"]["name"]: d["spec"]["maxReplicaCount"] for d in of_kind("ScaledObject")}
    together = 0
    for name, spec, labels in pods():
        if name in OURS and labels.get("database") == "yes":
            [deployment] = [d for d in of_kind("Deployment") if d["metadata"]["name"] == name]
            fields = SETTINGS[image_of(spec["containers"][0]["image"])].model_fields
            # The gateway watches sessions by one of its own, applications and relay what forms are published.
            pool = fields["database_pool_size"].default + (name in LISTENING)
            together += pool * (most.get(name, deployment["spec"].get("replicas", 0)) + 1)
    [demanded] = re.findall(r"`max_connections` of at least (\d+)", file_of("docs/operating/install.md"))
    # Migrations, a backup, KEDA, an operator; what PostgreSQL keeps for its owner.
    assert together + 20 <= int(demanded) < together + 70


def test_papers_yield_to_people() -> None:
    value = {d["metadata"]["name"]: d["value"] for d in of_kind("PriorityClass")}
    given = {name: value[spec["priorityClassName"]] for name, spec, _ in pods() if name in OURS}
    assert max(given["documents"], given["notify-worker"]) < min(
        given["gateway"], given["applications"], given["relay"]
    )


def test_every_process_of_a_cluster_is_scraped() -> None:
    [policy] = [d for d in of_kind("NetworkPolicy") if d["metadata"]["name"] == "metrics"]
    open_ports = {str(p["port"]) for rule in policy["spec"]["ingress"] for p in rule["ports"]}
    [who] = policy["spec"]["podSelector"]["matchExpressions"]
    assert set(who["values"]) == set(OURS)
    for deployment in of_kind("Deployment"):
        template = deployment["spec"]["template"]
        notes = template["metadata"]["annotations"]
        [container] = template["spec"]["containers"]
        ports = {str(p["containerPort"]) for p in container.get("ports", [])}
        ports |= {e["value"] for e in container.get("env", []) if e["name"] == "GM_METRICS_PORT"}
        assert notes["prometheus.io/scrape"] == "true"
        assert notes["prometheus.io/port"] in ports & open_ports


def test_images_may_lie_in_a_registry_of_ones_own() -> None:
    services = compose(**filled_in(), GM_IMAGES="registry.example.gov.cn/gongmei", GM_RELEASE="1.2.3")["services"]
    here = {n: s["image"] for n, s in services.items() if ours(SERVICES[n])}
    assert set(here.values()) == {
        f"registry.example.gov.cn/gongmei/{image_of(SERVICES[n]['image'])}:1.2.3" for n in here
    }
    assert services["postgres"]["image"].startswith("registry.example.gov.cn/gongmei/postgres:")
    version = re.findall(r'^version = "(.+)"$', file_of("pyproject.toml"), flags=re.M)[0]
    assert {s["image"].rpartition(":")[2] for s in SERVICES.values() if ours(s)} == {version}


def test_bases_and_tools_are_pinned() -> None:
    """By a version for people and by a digest, which decides."""
    known = bases.pinned(dockerfile()) | bases.pinned(file_of("deploy/compose.yaml"))
    assert re.findall(r"^ARG (?:PYTHON|POSTGRES)=(\S+)$", dockerfile(), flags=re.M) == [
        f"{name}@{digest}" for name, digest in bases.pinned(dockerfile()).items()
    ]
    assert re.search(r'pip install --no-cache-dir "uv==[\d.]+"', dockerfile())
    for name, service in SERVICES.items():
        image = service["image"]
        assert re.search(r":v?\d+\.\d+", image), name
        assert image.startswith("gongmei/") or image.rpartition("@")[0] in known, name
        # What Compose builds with is what the file says, and its label what the image is called.
        for argument, value in service.get("build", {}).get("args", {}).items():
            assert image.endswith(f":{value}") if argument == "VERSION" else value in dockerfile(), name


def test_bases_move_where_their_tag_has_moved() -> None:
    text = f"ARG BASE=127.0.0.1:5000/a/b:1@sha256:{'0' * 64}\nimage: ${{X:-c/d:v2.1@sha256:{'1' * 64}}}\n"
    assert bases.pinned(text) == {"127.0.0.1:5000/a/b:1": f"sha256:{'0' * 64}", "c/d:v2.1": f"sha256:{'1' * 64}"}
    now = {"127.0.0.1:5000/a/b:1": f"sha256:{'2' * 64}", "c/d:v2.1": f"sha256:{'1' * 64}"}
    assert bases.moved(text, now.__getitem__) == text.replace("0" * 64, "2" * 64)


@pytest.mark.parametrize(("name", "spec"), [(n, s) for n, s, _ in pods()], ids=[n for n, _, _ in pods()])
def test_nobody_is_root_and_nothing_is_writable(name: str, spec: dict[str, Any]) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
        if name in OURS:
            assert "startupProbe" in container
            assert "readinessProbe" in container


# What a container may do beside nothing, and why.
CAPABILITIES = {
    "folders": ["CHOWN", "FOWNER"],
    "archive-folder": ["CHOWN", "FOWNER"],
    # Reads root's certificate, and goes on as nobody.
    "tls": ["SETUID", "SETGID"],
}
# Their images change users themselves, which needs capabilities that differ between their releases.
AS_THEY_COME = {"postgres", "clamav"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_containers_here_are_careful_too(name: str) -> None:
    service = SERVICES[name]
    assert "limits" in service["deploy"]["resources"]
    assert service["logging"]["options"] == {"max-size": "20m", "max-file": "5"}
    if name not in AS_THEY_COME:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == CAPABILITIES.get(name, [])
    if ours(service):
        assert service["user"] == "10001:10001" or name == "folders"
        assert "healthcheck" in service or service["restart"] == "no"


def test_ports_of_this_machine_lead_to_proxies_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    # Dashboards are for whoever is on this machine.
    assert published.pop("grafana") == ["127.0.0.1:3000:3000"]
    assert published.keys() == {"balancer", "tls"}
    assert published["balancer"] == ["127.0.0.1:8080:8080"]
    inside = {n for n, s in SERVICES.items() if "front" in s.get("networks", [])}
    # Whatever stands there is believed about where a request comes from.
    assert inside == {"balancer", "tls", "gateway"}
    [subnet] = compose(**filled_in())["networks"]["front"]["ipam"]["config"]
    assert environment_of("gateway", filled_in())["GM_TRUSTED_PROXIES"] == subnet["subnet"]


def test_every_process_stands_a_disruption_and_scales() -> None:
    # Nobody waits for the synthetic applicant: one comes after the other.
    names = {d["metadata"]["name"] for d in of_kind("Deployment")} - {"synthetic"}
    assert names == set(OURS)
    assert {d["metadata"]["name"] for d in of_kind("PodDisruptionBudget")} == names
    by_cpu = {d["spec"]["scaleTargetRef"]["name"] for d in of_kind("HorizontalPodAutoscaler")}
    by_age = {d["spec"]["scaleTargetRef"]["name"] for d in of_kind("ScaledObject")}
    assert by_cpu == {"gateway", "applications", "notify"}
    assert by_age == {"documents", "notify-worker"}
    for deployment in of_kind("Deployment"):
        # A scaler and a fixed number would undo one another.
        scaled = deployment["metadata"]["name"] in by_cpu | by_age
        assert ("replicas" in deployment["spec"]) != scaled


def test_graceful_end_is_longer_than_what_is_in_hand() -> None:
    """20 s for requests (`run_app`) and soft shutdown (`shared.celery`), after leaving the services' lists."""
    for deployment in of_kind("Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        [container] = spec["containers"]
        pause = int(container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [0, 0])[1])
        assert spec["terminationGracePeriodSeconds"] >= pause + 20 + 10


def test_policies_and_services_speak_of_pods_that_exist() -> None:
    labels = [labels for _, _, labels in pods()]
    for policy in of_kind("NetworkPolicy"):
        for key, value in policy["spec"]["podSelector"].get("matchLabels", {}).items():
            assert any(one.get(key) == value for one in labels), policy["metadata"]["name"]
    named = set(re.findall(r"values: \[([^\]]+)\]", (K8S / "network.yaml").read_text(encoding="utf-8")))
    assert {n.strip() for values in named for n in values.split(",")} <= set(OURS)
    for service in of_kind("Service"):
        wanted = service["spec"]["selector"].items()
        [[spec]] = [[s for _, s, have in pods() if wanted <= have.items()]]
        ports = {p["name"] for c in spec["containers"] for p in c["ports"]}
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= ports


def test_runbook_names_the_sum_of_all_limits() -> None:
    """Of what runs all the time, with the proxy that ends TLS."""
    memory, processors = 0.0, 0.0
    for service in SERVICES.values():
        if service.get("restart") == "unless-stopped" and service.get("profiles", ["tls"]) == ["tls"]:
            limits, several = service["deploy"]["resources"]["limits"], int(service["deploy"].get("replicas", 1))
            number, unit = re.fullmatch(r"(\d+)([mg])", limits["memory"]).groups()  # type: ignore[union-attr]
            memory += int(number) * {"m": 1 / 1024, "g": 1}[unit] * several
            processors += float(limits["cpus"]) * several
    assert f"{memory:.1f} GB of memory and {processors} cores" in file_of("docs/operating/install.md")


KUBECTL = """#!/bin/sh
case "$*" in
*logs*) echo "what the job said" ;;
*) n=$(cat "$STATES.turn" 2>/dev/null || echo 1); echo $((n + 1)) >"$STATES.turn"; sed -n "${n}p" "$STATES" | tr ';' '\\n' ;;
esac
"""


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        # What `kubectl get job` prints, look by look.
        (["a ;b ", "a Complete;b ", "a SuccessCriteriaMet Complete;b Complete"], 0, ""),
        (["a Complete;b ", "a Complete;b FailureTarget Failed"], 1, "b failed:\nwhat the job said\n"),
        (["", "a ", "a "], 1, "not complete after 1 s"),
    ],
)
def test_waiting_for_migrations_ends_when_one_failed(
    states: list[str], code: int, said: str, tmp_path: Path
) -> None:
    """No cluster stands here: its command is played by what it prints."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "states").write_text("\n".join(states) + "\n")
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin", "STATES": str(tmp_path / "states"),
        "GM_WAIT_SECONDS": "1" if said.startswith("not") else "60",
    }  # fmt: skip
    done = subprocess.run(
        [str(K8S / "wait-for-migration.sh")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done
    assert done.stderr.startswith(said)


def test_preflight_names_a_proxy_that_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = environment_of("gateway", filled_in())
    for proxies, named in ((environment["GM_TRUSTED_PROXIES"], set[str]()), ("", {"代理"})):
        settings = settings_in(monkeypatch, "gateway", environment | {"GM_TRUSTED_PROXIES": proxies})
        assert isinstance(settings, GatewaySettings)
        assert {f.what for f in preflight._environment(settings) if f.level is not Level.GOOD} == named


def test_connections_of_all_containers_fit_into_the_database() -> None:
    """Also while an upgrade has twice as many of one service."""
    pools = {
        name: SETTINGS[image_of(service["image"])].model_fields["database_pool_size"].default
        for name, service in SERVICES.items()
        if name in {"gateway", "applications", "relay", "notify", "notify-worker"}
    }
    # The gateway watches sessions by one of its own, applications and relay what forms are published.
    pools = {name: size + (name in LISTENING) for name, size in pools.items()}
    together = {name: pool * SERVICES[name]["deploy"].get("replicas", 1) for name, pool in pools.items()}
    [most] = re.findall(r"^max_connections = (\d+)$", file_of("deploy/postgres/postgresql.conf"), flags=re.M)
    # Migrations, a backup, an operator; what PostgreSQL keeps for its owner.
    assert sum(together.values()) + max(together.values()) + 20 <= int(most)
