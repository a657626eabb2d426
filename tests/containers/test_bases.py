"""What an image begins with stays what it was when its tag moves, until `python -m deploy.bases --write` says otherwise."""

import re

import pytest

from deploy import bases
from tests.containers.conftest import REGISTRY
from tests.containers.engine import Engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BASE = f"{REGISTRY}/office/base:1.0"


def _push(engine: Engine, text: str) -> None:
    """An image that says this, under the same tag."""
    made = engine.do(
        "docker", "create", "--env", f"SAYS={text}", "stand-in/valkey:1.0", "sh", "-c", "echo $SAYS"
    ).strip()
    engine.do("docker", "commit", made, BASE)
    engine.do("docker", "rm", made)
    engine.do("docker", "push", BASE)
    engine.do("docker", "rmi", BASE)


def _said(engine: Engine, dockerfile: str) -> str:
    """What an image of that file says."""
    script = (
        f"mkdir -p /tmp/base && cd /tmp/base && printf '%s' '{dockerfile}' >Dockerfile && docker build --quiet ."
    )
    image = engine.do("sh", "-c", script).strip().splitlines()[-1]
    return engine.do("docker", "run", "--rm", "--network", "none", image).strip()


def test_tag_that_moves_changes_nothing_until_it_is_asked(engine: Engine, registry: str) -> None:
    def ask(name: str) -> str:
        digest = bases.told(engine.do(*bases.INSPECT, name))
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
        return digest

    _push(engine, "old")
    file = bases.moved(f"ARG BASE={BASE}@sha256:{'0' * 64}\nFROM ${{BASE}}\n", ask)
    assert _said(engine, file) == "old"
    _push(engine, "new")
    assert _said(engine, file) == "old"
    assert bases.pinned(file)[BASE] != ask(BASE)
    assert _said(engine, bases.moved(file, ask)) == "new"
    # What a registry never had is not replaced by anything else.
    code, words = engine.tried(*bases.INSPECT, f"{registry}/office/other:1.0")
    assert (code, "not found" in words) == (1, True), words
