"""A registry of the office's own, by the runbook: built and pushed in one place, pulled and started in another."""

import json

import pytest

from tests.containers.conftest import FOLDER, REGISTRY
from tests.containers.engine import IMAGES, PYTHON, Engine
from tests.containers.installation import STAND_INS, Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

RELEASE = "2-pushed"
OURS = {f"{REGISTRY}/office/{name}:{RELEASE}" for name in IMAGES} | {f"{REGISTRY}/office/postgres:18.1"}


def _made(engine: Engine, name: str, **values: str) -> Installation:
    """A checkout with a `production.env` in which the registry is named."""
    made = Installation(engine, FOLDER / name, RELEASE, project=name)
    made.prepare()
    made.set(GM_IMAGES=f"{REGISTRY}/office", **values)
    return made


def _here(engine: Engine) -> set[str]:
    return set(engine.do("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())


def test_images_of_a_registry_are_pulled_and_start(engine: Engine, registry: str) -> None:
    pushing = _made(engine, "pushing", GM_PYTHON_IMAGE=PYTHON)
    pushing.compose("--profile", "operations", "build", "--quiet", seconds=1500)
    pushing.compose("--profile", "operations", "push", "--quiet")
    # The mirror of what comes from elsewhere.
    mirrored = {name: image.replace("stand-in", f"{registry}/mirror") for name, image in STAND_INS.items()}
    for name, image in STAND_INS.items():
        engine.do("docker", "tag", image, mirrored[name])
        engine.do("docker", "push", "--quiet", mirrored[name])
    engine.do("docker", "rmi", *OURS, *mirrored.values())

    pulling = _made(engine, "pulling", **mirrored)
    try:
        pulling.compose("--profile", "operations", "pull", "--quiet")
        assert _here(engine) >= OURS
        pulling.up()
        running = {c["Image"] for c in pulling.containers()}
        assert {image for image in running if "/office/" in image} == OURS - {
            f"{REGISTRY}/office/operations:{RELEASE}"
        }
        assert {image.partition("/")[0] for image in running} == {REGISTRY, "stand-in"}
        for image in OURS - {f"{REGISTRY}/office/postgres:18.1"}:
            [found] = json.loads(engine.do("docker", "image", "inspect", image))
            assert found["Config"]["Labels"]["org.opencontainers.image.version"] == RELEASE
    finally:
        pulling.compose("down", "--volumes", "--timeout", "5")
        engine.tried("docker", "rmi", *OURS, *mirrored.values())
