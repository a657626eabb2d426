"""`python -m deploy.bases`: ask the registries what the images that ours begin with, or run beside, are today.

Each is named with its tag, for people, and with its digest, which decides: a tag that moves changes nothing here. What has
moved is printed, and with `--write` written into the files.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

FILES = (Path("deploy/Dockerfile"), Path("deploy/compose.yaml"))
PINNED = re.compile(r"(?P<name>\w[\w./-]*(?::\d+/[\w./-]+)?:\w[\w.-]*)@(?P<digest>sha256:[0-9a-f]{64})")
# The digest of the list of platforms, where an image has several.
INSPECT = ("docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}")


def pinned(text: str) -> dict[str, str]:
    """Return the digest by name and tag of every image that a file names by both."""
    return {found["name"]: found["digest"] for found in PINNED.finditer(text)}


def moved(text: str, ask: Callable[[str], str]) -> str:
    """Return the text with the digests that `ask` tells of each name and tag."""
    known = {name: ask(name) for name in pinned(text)}
    return PINNED.sub(lambda found: f"{found['name']}@{known[found['name']]}", text)


def told(printed: str) -> str:
    """Return the digest in what `INSPECT` printed."""
    return str(json.loads(printed)["digest"])


def _asked(name: str) -> str:
    """Ask the registry. `SystemExit` in its own words where it does not answer."""
    done = subprocess.run([*INSPECT, name], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr.strip()}")
    return told(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.bases", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the new digests into the files")
    write = parser.parse_args().write
    asked: dict[str, str] = {}
    for file in FILES:
        old = file.read_text(encoding="utf-8")
        new = moved(old, lambda name: asked.get(name) or asked.setdefault(name, _asked(name)))
        before, now = pinned(old), pinned(new)
        for name in (name for name in now if now[name] != before[name]):
            print(f"{file}: {name} {before[name]} -> {now[name]}")
        if write and new != old:
            file.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
