"""One engine for all tests of this folder, with the images of the code that is upgraded from and of this one's."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.system import ROOT
from tests.containers.engine import Engine, NoEngine
from tests.containers.installation import Installation
from tests.containers.people import ForeignPerson

OLD, NEW = "0-old", "1-new"
FOLDER = ROOT / "var" / "containers"


def nothing(_: str) -> None:
    """Nobody reads the transcript."""


def _old_code() -> Path:
    """The code that is upgraded from: the last tag's, or of GM_UPGRADE_FROM; without either, this one's."""
    tag = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    revision = os.environ.get("GM_UPGRADE_FROM") or tag.stdout.strip()
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


@pytest.fixture(scope="module")
def person(installation: Installation) -> Callable[..., ForeignPerson]:
    """People of the module's installation."""
    return functools.partial(ForeignPerson, authority=installation.folder / "authority.pem")
