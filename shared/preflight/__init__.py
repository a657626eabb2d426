"""Check before deadline night what is fit for it and what is not, each in one line, with what to do about it.

Every service looks at what it alone can see, with its own settings: `python -m services.<service> preflight`.
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How fit something is."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


LABELS = {Level.GOOD: "适合", Level.WARNING: "注意", Level.BAD: "不适合"}


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do unless it is good."""

    what: str
    level: Level
    found: str
    advice: str = ""


Probe = Callable[[], Iterable[Finding]]


def good(what: str, found: str) -> Finding:
    return Finding(what, Level.GOOD, found)


def warning(what: str, found: str, advice: str) -> Finding:
    return Finding(what, Level.WARNING, found, advice)


def bad(what: str, found: str, advice: str) -> Finding:
    return Finding(what, Level.BAD, found, advice)


def look(what: str, probe: Probe, advice: str = "请检查设置与网络") -> list[Finding]:
    """Return a probe's findings; one that breaks down has found something, too."""
    findings: list[Finding] = []
    try:
        findings.extend(probe())
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        findings.append(bad(what, f"{type(error).__name__}：{reason}", advice))
    return findings


def fit(findings: Iterable[Finding]) -> bool:
    """Return the finding that nothing stands against the night."""
    return all(finding.level is not Level.BAD for finding in findings)


def table(findings: Sequence[Finding]) -> str:
    """For a terminal: aligned, the advice below its line."""
    width = max((_width(f.what) for f in findings), default=0)
    lines = []
    for finding in findings:
        label = LABELS[finding.level]
        name = finding.what + " " * (width - _width(finding.what))
        lines.append(f"  {label}{' ' * (6 - _width(label))}  {name}  {finding.found}")
        if finding.level is not Level.GOOD and finding.advice:
            lines.append(f"  {'':6}  {'':{width}}  → {finding.advice}")
    return "\n".join(lines)


def _width(text: str) -> int:
    """Columns in a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def tell(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print them; the exit code of a `preflight` command."""
    text = json.dumps([asdict(f) for f in findings], ensure_ascii=False) if as_json else table(findings)
    # The office's words, whatever the terminal's encoding.
    sys.stdout.buffer.write(text.encode() + b"\n")
    return 0 if fit(findings) else 1
