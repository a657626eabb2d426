"""The Compose file and the manifests as their tools read them, without those tools."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy import production_env
from deploy.embedded.system import ROOT

DEPLOY = ROOT / "deploy"
K8S = DEPLOY / "k8s"
EXAMPLE = DEPLOY / "k8s-example"


# What somebody fills in after `make secrets`.
FILLED_IN = {
    "GM_PUBLIC_URL": "https://gongmei.example.gov.cn",
    "GM_IDP_ISSUER": "https://login.example.gov.cn",
    "GM_IDP_CLIENT_ID": "gongmei",
    "GM_IDP_CLIENT_SECRET": "its secret",
    "GM_SMTP_URL": "smtps://gongmei:password@mail.example.gov.cn:465",
    "GM_MAIL_FROM": "工美资金管理系统 <noreply@example.gov.cn>",
}


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML's usual loader keeps the last one in silence."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            seen.add(key.value)
        return node


def read(text: str) -> list[dict[str, Any]]:
    """Every document of a YAML text."""
    return list(yaml.load_all(text, Strict))


@cache
def documents() -> list[dict[str, Any]]:
    """Everything of `deploy/k8s` and its example but their kustomizations, and the settings these generate."""
    files = [*sorted(K8S.rglob("*.yaml")), *sorted(EXAMPLE.rglob("*.yaml"))]
    found = [d for file in files for d in read(file.read_text(encoding="utf-8"))]
    lines = (K8S / "common" / "settings.env").read_text(encoding="utf-8").splitlines()
    data = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gongmei", "namespace": "gongmei"}, "data": data,
    }  # fmt: skip
    return [d for d in found if d["kind"] not in {"Kustomization", "Component"}] + [settings]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [d for d in documents() if d["kind"] == kind]


@cache
def _compose() -> dict[str, Any]:
    [found] = read((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def compose(**environment: str) -> dict[str, Any]:
    """The Compose file with variables of these values; a required one that has none is a `KeyError`."""
    return dict(_filled(_compose(), environment))


def environment_of(service: str, given: Mapping[str, str]) -> dict[str, str]:
    """What a container of the Compose file gets. A setting without a value comes from the file of variables, or not at all."""
    listed = compose(**given)["services"][service]["environment"]
    return {
        name: given.get(name) if value is None else value
        for name, value in listed.items()
        if value is not None or name in given
    }


_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)((?:[^{}]|\$\{[^{}]*\})*))?\}")


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, environment) for part in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        name, how, other = found.groups()
        if known := environment.get(name):
            return known
        if how == "?":
            raise KeyError(name)
        return str(_filled(other or "", environment))

    return _VARIABLE.sub(one, value)


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def file_of(path: str) -> str:
    return Path(ROOT / path).read_text(encoding="utf-8")


def filled_in() -> dict[str, str]:
    """`production.env` as `make secrets` writes it, filled in."""
    lines = [line.partition("=") for line in production_env.text().splitlines() if line and line[0] != "#"]
    return {name: value for name, _, value in lines if value} | FILLED_IN


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


def image_of(text: str) -> str:
    """An image's own name, without registry and tag."""
    return text.rpartition("/")[2].partition(":")[0]


def secret_keys(name: str) -> set[str]:
    """The keys of a secret, as the runbook lists them."""
    [row] = re.findall(rf"^\| `{name}` \| (.+?) \|", file_of("docs/operating/install.md"), flags=re.M)
    return set(re.findall("`(GM_[A-Z_]+)`", row)) | set(re.findall(r"\bGM_[A-Z_]+", row))


def in_cluster(spec: dict[str, Any], made: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A pod's service and environment: settings, the secrets of the runbook, what the container sets itself. `made`: keys and
    what somebody filled in."""
    [container] = spec["containers"]
    service = image_of(container["image"])
    values = dict(made) | {
        "GM_SIGNING_KEY": made.get(f"GM_{service.upper()}_SIGNING_KEY", ""),
        "GM_DATABASE_URL": "postgresql://service:password@db:5432/gongmei",
        "GM_MIGRATION_DATABASE_URL": "postgresql://owner:password@db:5432/gongmei",
        "GM_REDIS_URL": "redis://cache:6379/0",
        "GM_BROKER_URL": "redis://broker:6379/0",
        "GM_TRUSTED_PROXIES": "10.244.0.0/16",
    }
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        if source.get("secretRef", {}).get("optional"):
            continue
        if "configMapRef" in source:
            [settings] = of_kind("ConfigMap")
            found |= settings["data"] | {"GM_TRUSTED_KEYS": made["GM_TRUSTED_KEYS"]}
        else:
            found |= {name: values.get(name, "") for name in secret_keys(source["secretRef"]["name"])}
    return service, found | {entry["name"]: entry["value"] for entry in container.get("env", [])}
