"""Publish a form: its file goes into the catalogue, and its digest into `PUBLISHED`. From then on it never changes.

`PUBLISHED` is in the form of `sha256sum`: whoever does not trust this code checks it with `sha256sum --check PUBLISHED`.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from services.applications.forms.authoring.lint import lint_file
from services.applications.forms.authoring.source import Fault
from services.applications.forms.definition import Form

LIST = "PUBLISHED"


class NotPublished(ValueError):
    """A form that cannot be published; the message says why."""


def published(catalogue: Path) -> dict[str, str]:
    """Digests by file, as they were when each was published."""
    file = catalogue / LIST
    lines = file.read_text("ascii").splitlines() if file.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines if line)}


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def digest_of(text: str) -> str:
    """Return the digest of a text as its file would have it."""
    return hashlib.sha256(text.encode()).hexdigest()


def broken(catalogue: Path) -> list[str]:
    """Return what is not as it was published: changed files, lost files, files that were never published."""
    known = published(catalogue)
    there = {str(file.relative_to(catalogue)): file for file in sorted(catalogue.glob("*/*.yaml"))}
    return [
        *(f"{name}: 发布后被改动；已发布的不能改，请恢复原样，另写新的一版"
          for name, file in there.items() if name in known and digest(file) != known[name]),
        *(f"{name}: 已经发布，文件却不见了，请找回" for name in known if name not in there),
        *(f"{name}: 放在发布目录里，却没有发布过，请移走后用 publish 发布" for name in there if name not in known),
    ]  # fmt: skip


def publish(file: Path, form: Form, catalogue: Path) -> Path:
    """Put a form into the catalogue for good; where it stands then. `NotPublished` when it has faults, does not follow
    the newest version of its type, or is there with another content."""
    faults = [fault for fault in lint_file(file) if fault.severity == "error"]
    if faults:
        raise NotPublished("\n".join(said(file, fault) for fault in faults))
    name = f"{form.fund_type}/{form.version}.yaml"
    target = catalogue / name
    known = published(catalogue)
    before = {int(Path(n).stem): d for n, d in known.items() if n.startswith(f"{form.fund_type}/")}
    if not is_next(form.fund_type, form.version, digest(file), before):
        return target
    if target.exists() and digest(target) != digest(file):
        raise NotPublished(f"{target} 已经存在，内容不同")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.write_bytes(file.read_bytes())
    known[name] = digest(target)
    lines = [f"{known[n]}  {n}\n" for n in sorted(known)]
    (catalogue / LIST).write_text("".join(lines), encoding="ascii")
    return target


def is_next(fund_type: str, version: int, sha256: str, known: Mapping[int, str]) -> bool:
    """Tell whether a form is its type's next version after those `known` (digests by version); False where this very text is
    published already. `NotPublished` for anything else."""
    if version in known:
        if known[version] == sha256:
            return False
        raise NotPublished(f"{fund_type}/{version}.yaml 已经发布，不能再改；请把 version 加 1，作为新的一版")
    if version != (wanted := max(known, default=0) + 1):
        raise NotPublished(f"“{fund_type}”的下一版应是 version: {wanted}，文件里写的是 {version}")
    return True


def said(file: Path, fault: Fault) -> str:
    """Return a fault as editors read it, on one line: file, line, severity, message."""
    return f"{file}:{fault.line}: {fault.severity}: {' '.join(fault.message.split())}"
