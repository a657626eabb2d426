"""Read what operations of the API were seen to take, answer and refuse: the recorded contract."""

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PREFIX = "/api/v1"
# Whatever the operation: what the gateway, or the code that all services share, refuses. Not noted with each.
EVERYWHERE = "*"


@dataclass
class Operation:
    """One operation: its codes by status; by each status of success an `answer`, with the `body` it followed if there was one."""

    refusals: dict[str, list[str]] = field(default_factory=dict)
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)


@cache
def _read() -> str:
    file = Path(__file__).with_suffix(".json")
    return file.read_text(encoding="utf-8") if file.exists() else "{}"


def known() -> dict[str, Operation]:
    """Return the operations by `METHOD path`, as `recorded.json` beside this file has them."""
    return {name: Operation(**found) for name, found in json.loads(_read()).items()}
