"""Say what goes first when there is not enough for everybody: 提交申请 and the page that leads to it, then 暂存 and whatever else is
written, then what is only looked at, then what can wait: documents, exports, the bureau's lists, what workers report. Decided at the
first door; it travels inwards in the token of each call."""

import re
from contextvars import ContextVar
from enum import IntEnum


class Priority(IntEnum):
    """Smaller goes first. A transfer is a file on its way, which takes as long as a person's line needs: transfers have
    places of their own, so that slow lines never stand in anybody's way."""

    SUBMIT = 0
    WRITE = 1
    READ = 2
    LATER = 3
    TRANSFER = 4


_SUBMIT = re.compile(r"/applications/[^/]+/submit")
_TRANSFER = re.compile(
    r"/(applications|review/applications)/[^/]+/(attachments(/.*)?|files(/.*)?|workbook)|/review/dossiers/[^/]+/file"
)
# A picture beside a file's name is looked at when there is time.
_THUMBNAIL = re.compile(r"/applications/[^/]+/attachments/[^/]+/thumbnail")
# What the bureau looks at, and what a worker asks for to begin.
_LATER = re.compile(r"/(review|expert)(/.*)?|/internal/jobs/[^/]+/start")
_DOCUMENT = re.compile(r"/.*(/pdf|/preview|\.pdf|/exports?(/.*|\.\w+)?)")
# Never held up: whether we live, what we measure, streams that stay open (they count themselves), styles and scripts.
_FREE = re.compile(r"/(healthz|readyz|metrics|events|static/.*|internal/switches)")
READS = frozenset({"GET", "HEAD", "OPTIONS"})


# A body above this takes a person's line a while: it is a file, whatever form it comes in.
LARGE = 256 * 1024


def priority_of(method: str, path: str, length: int | None = 0) -> Priority | None:
    """Return a request's rank; None for what is never held up. `length`: of its body, None when it does not say."""
    path = path.removeprefix("/api/v1")
    if _FREE.fullmatch(path):
        return None
    if _SUBMIT.fullmatch(path):
        return Priority.SUBMIT
    if _THUMBNAIL.fullmatch(path):
        return Priority.LATER
    if _TRANSFER.fullmatch(path) or length is None or length > LARGE:
        return Priority.TRANSFER
    safe = method in READS
    if _DOCUMENT.fullmatch(path) or (_LATER.fullmatch(path) and (safe or path.endswith("/start"))):
        return Priority.LATER
    # Workers report what they made; people's own writing goes first.
    return Priority.READ if safe or path.startswith("/internal/") else Priority.WRITE


_carried: ContextVar[Priority | None] = ContextVar("priority", default=None)


def carry(priority: Priority) -> None:
    """Let the calls that this task makes have the priority of the request that it answers."""
    _carried.set(priority)


def carried() -> Priority | None:
    """Return the priority that this task's calls have; None where nobody's request is answered."""
    return _carried.get()
