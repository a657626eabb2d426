"""Checkers of the field: Spectral on the API's description, the Nu HTML checker on every page, Lighthouse on a telephone.

They come from npm with `deploy/bootstrap.sh test-all`, where Node and Java are.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.demo.client import authorities
from deploy.embedded.system import ROOT
from tests.e2e.conftest import chromium
from tests.e2e.places import ACCOUNTS, PAGE, Place, places, prepare
from tests.e2e.portal import FORM
from tests.system.running import RunningSystem

MODULES = ROOT / ".tools" / "node" / "node_modules"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (MODULES.is_dir() and shutil.which("node") and shutil.which("java")),
        reason="no Node or no Java here: Spectral, Nu and Lighthouse are not asked",
    ),
]
# A page may move so much by itself while it is loaded, in shares of the window.
LARGEST_SHIFT = 0.05


def node(command: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MODULES / ".bin" / command), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CHROME_PATH": chromium()},
    )


@pytest.fixture(scope="module")
def every(system: RunningSystem) -> list[Place]:
    return places(prepare(system), [section.key for section in FORM.sections])


def test_spectral_finds_nothing_in_the_description(system: RunningSystem, tmp_path: Path) -> None:
    document = system.person("qiye1").call("GET", "/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / ".spectral.yaml").write_text("extends: ['spectral:oas']\n", encoding="utf-8")
    done = node("spectral", "lint", "openapi.json", "--format", "json", "--quiet", folder=tmp_path)
    found = json.loads(done.stdout)
    assert [(f["code"], f["message"], f["path"]) for f in found] == []


def test_nu_finds_nothing_in_any_page(system: RunningSystem, every: list[Place], tmp_path: Path) -> None:
    seen = {}
    for who in (None, *ACCOUNTS.values()):
        cookies = system.person(who).cookies if who else None
        with httpx.Client(
            base_url=system.url, cookies=cookies, headers=PAGE, trust_env=False, verify=authorities(), timeout=30
        ) as browser:
            for place in (p for p in every if p.who == who):
                answer = browser.get(place.path, follow_redirects=True)
                if answer.headers.get("content-type", "").startswith("text/html"):
                    file = tmp_path / f"{len(seen)}.html"
                    file.write_bytes(answer.content)
                    seen[file.name] = f"{place.path} as {who}"
    assert len(seen) > 60
    jar = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-Xss1m", "-jar", str(jar), "--format", "json", "--exit-zero-always", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stderr)["messages"]
    found = {
        f"{seen[Path(m['url']).name]}: {m['message']}: {m.get('extract', '')}"
        for m in said
        if m["type"] == "error" or m.get("subType") == "warning"
    }
    assert found == set(), "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("who", "path"),
    [
        (None, "/publicity"),
        (None, "/help"),
        ("qiye1", "/projects"),
        ("qiye1", "/applications/{id}/sections/company"),
    ],
)
def test_lighthouse_is_content(
    system: RunningSystem, every: list[Place], tmp_path: Path, who: str | None, path: str
) -> None:
    headers = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in system.person(who).cookies.jar)} if who else {}
    draft = next(p.path.split("/")[2] for p in every if p.path.endswith("/sections/company") and p.who == "qiye1")
    done = node(
        "lighthouse", system.url + path.format(id=draft), "--quiet", "--output=json", "--output-path=stdout",
        "--only-categories=accessibility,best-practices,performance", f"--extra-headers={json.dumps(headers)}",
        "--chrome-flags=--headless --no-sandbox --disable-gpu", folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    scores = {name: category["score"] for name, category in report["categories"].items()}
    failed = [
        (id, audit["title"], audit.get("displayValue"))
        for id, audit in report["audits"].items()
        if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary"
    ]
    assert scores["accessibility"] == 1.0, failed
    # The embedded system speaks plain HTTP on this machine.
    assert scores["best-practices"] == 1.0, failed
    assert report["audits"]["cumulative-layout-shift"]["numericValue"] <= LARGEST_SHIFT
