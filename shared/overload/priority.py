"""What goes first when there is not enough for everybody: 提交申请, then 暂存 and whatever else is written, then what is
only looked at, then PDFs. One rule for both services that people's requests pass through."""

import re
from enum import IntEnum


class Priority(IntEnum):
    """Smaller goes first. A transfer is a file on its way, which takes as long as a person's line needs: transfers have
    places of their own, so that slow lines never stand in anybody's way."""

    SUBMIT = 0
    WRITE = 1
    READ = 2
    DOCUMENT = 3
    TRANSFER = 4


_SUBMIT = re.compile(r"/applications/[^/]+/submit")
_TRANSFER = re.compile(r"/(applications|review/applications)/[^/]+/attachments(/.*)?")
_DOCUMENT = re.compile(r"/.*(/pdf|/preview|\.pdf|/exports?(/.*|\.\w+)?)")
# Never held up: whether we live, what we measure, streams that stay open (they count themselves), styles and scripts.
_FREE = re.compile(r"/(healthz|readyz|metrics|events|static/.*|internal/switches)")
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


# A body above this takes a person's line a while: it is a file, whatever form it comes in.
LARGE = 256 * 1024


def priority_of(method: str, path: str, length: int | None = 0) -> Priority | None:
    """Return a request's rank; None for what is never held up. `length`: of its body, None when it does not say."""
    path = path.removeprefix("/api/v1")
    if _FREE.fullmatch(path):
        return None
    if method == "POST" and _SUBMIT.fullmatch(path):
        return Priority.SUBMIT
    if _TRANSFER.fullmatch(path) or length is None or length > LARGE:
        return Priority.TRANSFER
    if _DOCUMENT.fullmatch(path):
        return Priority.DOCUMENT
    # Workers report what they made; people's own writing goes first.
    return Priority.READ if method in _READS or path.startswith("/internal/") else Priority.WRITE
