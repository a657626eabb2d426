"""Compose file, manifests and images: they fit their schemas and one another, and every service is told what it needs."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.embedded.plan import _SETTINGS as SETTINGS
from deploy.embedded.plan import known_settings
from deploy.embedded.system import ROOT

DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
# The oldest that the manifests are meant for.
KUBERNETES = "1.33.0"
OURS = ("gateway", "applications", "relay", "documents", "notify", "notify-worker")


@cache
def documents(*names: str) -> list[dict[str, Any]]:
    files = [K8S / name for name in names] if names else sorted(K8S.rglob("*.yaml"))
    found = [d for file in files for d in yaml.safe_load_all(file.read_text(encoding="utf-8"))]
    return [d for d in found if d["kind"] != "Kustomization"]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [d for d in documents() if d["kind"] == kind]


def pods() -> list[tuple[str, dict[str, Any], dict[str, str]]]:
    """Name, pod spec and labels of everything that runs."""
    found = []
    for made in of_kind("Deployment") + of_kind("Job"):
        template = made["spec"]["template"]
        found.append((made["metadata"]["name"], template["spec"], template["metadata"]["labels"]))
    for made in of_kind("CronJob"):
        template = made["spec"]["jobTemplate"]["spec"]["template"]
        found.append((made["metadata"]["name"], template["spec"], template["metadata"]["labels"]))
    return found


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8")))


def targets() -> set[str]:
    return set(re.findall(r"^FROM \S+ AS (\S+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.M))


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
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "gongmei"


def test_every_manifest_is_listed_and_every_image_is_built() -> None:
    for folder in (K8S, K8S / "common", K8S / "migrate"):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
        files = {f.name for f in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in listed["resources"] if name.endswith(".yaml")} == files
    images = {c["image"] for _, spec, _ in pods() for c in spec["containers"]}
    ours = {s["image"] for s in compose()["services"].values() if s["image"].startswith("gongmei/")}
    assert images == ours == {f"gongmei/{name}" for name in targets() if f"gongmei/{name}" in images}


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


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_containers_here_are_careful_too(name: str) -> None:
    service = compose()["services"][name]
    assert ("limits" in service.get("deploy", {}).get("resources", {})) or name == "store-owner"
    if service["image"].startswith("gongmei/"):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == "10001:10001" or name == "store-owner"
        assert "healthcheck" in service or service["restart"] == "no"


def test_every_process_stands_a_disruption_and_scales() -> None:
    names = {d["metadata"]["name"] for d in of_kind("Deployment")}
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


def required(service: str) -> set[str]:
    fields = SETTINGS[service].model_fields
    return {f"GM_{name.upper()}" for name, field in fields.items() if field.is_required()}


@pytest.mark.parametrize("service", ["gateway", "applications", "documents", "notify"])
def test_every_service_is_told_what_it_needs(service: str) -> None:
    """By the Compose file, and in a cluster by the settings and the secret that the runbook lists."""
    told = set(compose()["services"][service]["environment"])
    assert required(service) <= told
    [settings] = of_kind("ConfigMap")
    runbook = (ROOT / "docs" / "operating" / "install.md").read_text(encoding="utf-8")
    [secret] = re.findall(rf"^\| `gongmei-{service}` \| (.+?) \|", runbook, flags=re.M)
    listed = set(re.findall("GM_[A-Z_]+", secret))
    assert required(service) <= listed | set(settings["data"])
    assert (told | listed | set(settings["data"])) - {"GM_READY_FILE"} <= known_settings()
