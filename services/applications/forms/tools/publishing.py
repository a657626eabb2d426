"""Publishing: a form's file goes into the catalogue, and its digest into `PUBLISHED`. From then on it never changes.

`PUBLISHED` is in the form of `sha256sum`: whoever does not trust this code checks it with `sha256sum --check PUBLISHED`.
"""

import hashlib
from pathlib import Path

from services.applications.forms.definition import Form
from services.applications.forms.source import Fault
from services.applications.forms.tools.lint import lint_file

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


def broken(catalogue: Path) -> list[str]:
    """What is not as it was published: changed files, lost files, files that were never published."""
    known = published(catalogue)
    there = {str(file.relative_to(catalogue)): file for file in sorted(catalogue.glob("*/*.yaml"))}
    return [
        *(f"{name}: has changed since it was published; a change needs a new version"
          for name, file in there.items() if name in known and digest(file) != known[name]),
        *(f"{name}: was published and is gone" for name in known if name not in there),
        *(f"{name}: stands in the catalogue and was never published" for name in there if name not in known),
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
    if name in known:
        if known[name] == digest(file):
            return target
        raise NotPublished(f"{name} is published and never changes again; give the form a new version")
    versions = [int(Path(n).stem) for n in known if n.startswith(f"{form.fund_type}/")]
    if form.version != (wanted := max(versions, default=0) + 1):
        raise NotPublished(f"the next version of {form.fund_type} is {wanted}, not {form.version}")
    if target.exists() and digest(target) != digest(file):
        raise NotPublished(f"{target} stands there already, with another content")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.write_bytes(file.read_bytes())
    known[name] = digest(target)
    lines = [f"{known[n]}  {n}\n" for n in sorted(known)]
    (catalogue / LIST).write_text("".join(lines), encoding="ascii")
    return target


def said(file: Path, fault: Fault) -> str:
    """A fault as editors read it: file, line, severity, message."""
    return f"{file}:{fault.line}: {fault.severity}: {fault.message}"
