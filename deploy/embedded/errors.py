"""Name what a person running the system on one machine can mend, each in one clear line."""

import re
from pathlib import Path

# What libraries say after the reason: the statement, its values, where to read more, the supervisor's own words.
_AFTER = re.compile(r"\[SQL: |\[parameters: |\(Background on this error at: |-- supervisor: ")
# A line that names an error: a traceback's last, what a database driver says by itself, or a server's last words.
_REASON = re.compile(
    r"(?:[\w.]+\.)?\w*(?:Error|Exception|Violation)\b|\((?:[\w]+\.)+\w+\) |.*\b(?:FATAL|PANIC): |\*\*\* FATAL"
)


class CannotRun(Exception):
    """The message says what is wrong and what to do."""


def reason(output: str, log: Path) -> str:
    """Return in one line why a command failed, from what it said, and where the rest stands."""
    lines = [line for line in output.splitlines() if line.strip() and not _AFTER.match(line)]
    named = [line for line in lines if _REASON.match(line)]
    last = (named or lines or ["no output"])[-1].strip()
    return f"{last[:500]} (log: {log})"
