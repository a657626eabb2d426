"""One engine for all tests of this folder, with the images of the code that is upgraded from and of this one's."""

import functools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.system import ROOT
from tests.containers.engine import Engine, NoEngine
from tests.containers.installation import Installation
from tests.containers.people import ForeignPerson

OLD, NEW = "0-old", "1-new"
REGISTRY = "127.0.0.1:5000"
FOLDER = ROOT / "var" / "containers"


def nothing(_: str) -> None:
    """Nobody reads the transcript."""


def _last_release() -> str:
    """The commit that wrote the newest dated heading of CHANGELOG.md; a clone may have no tags. Empty without the history."""
    dated = re.search(r"^## \[\d.*$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.M)
    assert dated, "CHANGELOG.md has no release"
    command = ["git", "log", "--format=%H", f"-S{dated[0]}", "--", "CHANGELOG.md"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    return found[-1] if found else ""


def _old_code() -> Path:
    """The code that is upgraded from: the last release's, or of GM_UPGRADE_FROM; without either, this one's."""
    revision = os.environ.get("GM_UPGRADE_FROM") or _last_release()
    if not revision:
        return ROOT
    place = FOLDER / "old"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)
    return place


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    made = Engine()
    try:
        made.make()
        with made.running("machine"):
            made.base()
            made.build_stand_ins()
            made.build_database()
            made.build(OLD, _old_code())
            made.build(NEW)
            made.prune()
        with made.running("own"):
            made.clear()
            yield made
    except NoEngine as reason:
        pytest.skip(f"no container engine can be had here: {reason}")


@pytest.fixture
def registry(engine: Engine) -> Iterator[str]:
    """One whose images nobody here has yet."""
    engine.tried("docker", "rm", "--force", "--volumes", "registry")
    engine.do(
        "docker", "run", "--detach", "--name", "registry", "--publish", f"{REGISTRY}:5000", "stand-in/registry:1.0"
    )
    until = time.monotonic() + 60
    while engine.tried("docker", "exec", "registry", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000")[0]:
        assert time.monotonic() < until
        time.sleep(0.5)
    yield REGISTRY
    engine.do("docker", "rm", "--force", "--volumes", "registry")


@pytest.fixture(scope="module")
def person(installation: Installation) -> Callable[..., ForeignPerson]:
    """People of the module's installation."""
    return functools.partial(ForeignPerson, authority=installation.folder / "authority.pem")
