"""Log one JSON object a line, with the request's id when there is one."""

import json
import logging
import re
import sys
from contextvars import ContextVar

from shared import clock
from shared.text.masking import scrub

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
# What opens something, as it stands in the text of an error of aiohttp: with every header of the call.
_CREDENTIALS = re.compile(r"\b((?:Bearer|Basic) )[\w.~+/=-]{8,}|\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_PLAIN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLine(logging.Formatter):
    """A record as one line; what was passed as `extra` becomes fields of its own."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": clock.now().isoformat(timespec="milliseconds"),
            "service": self.service,
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in record.__dict__.items() if k not in _PLAIN and not k.startswith("_")}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Whatever was logged, by us or by a library: nobody's numbers stand in a log, and no token.
        return scrub(_CREDENTIALS.sub(lambda found: f"{found[1] or ''}***", _encode(line)))


def configure(service: str, level: str) -> None:
    """Send everything this process logs to standard error, as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Looked up for every line otherwise, and no line of ours says them.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # Its access lines repeat what our own middleware says with a request id.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    # Names every plugin it has at each start.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    # Says each rendered font's name at INFO.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
