"""Log lines as logfmt or JSON on stderr, of `logging` messages with what varies in `extra`."""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

RECORD_FIELDS = logging.makeLogRecord({}).__dict__.keys()  # fields of every record; all others come from `extra`
NEEDS_QUOTES = frozenset(' "=\\')
LOUD_LIBRARIES = ("apscheduler", "httpx", "httpcore", "uvicorn", "asyncio")

SECONDS_APART = 60.0
REPEATED: Mapping[str, str] = {
    "Invalid HTTP request received.": "malformed requests refused",
    "socket.accept() out of system resource": "connections cannot be accepted: no file descriptor or memory is left; "
    "raise the limit (ulimit -n)",
    "client refused: its certificate has no name of client_allowed_sans": "clients refused: their certificates have "
    "no name of client_allowed_sans",
}
"""Messages that anybody who reaches the port can cause: the beginning of each, and the message logged instead."""

LogLevel = Literal["debug", "info", "warn", "error"]
LogFormat = Literal["logfmt", "json"]


def configure(level: LogLevel, format_: LogFormat) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(format_))
    handler.addFilter(Repeated(time.monotonic))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in LOUD_LIBRARIES:  # at INFO they log URLs, jobs and connections many times an hour
        logging.getLogger(name).setLevel(logging.WARNING)


class Repeated(logging.Filter):
    """Passes each message of `REPEATED` once a minute, without a traceback, with the `count` since the last line."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._counts = dict.fromkeys(REPEATED, 0)
        self._written: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = next((each for each in REPEATED if str(record.msg).startswith(each)), None)
        if kind is None:
            return True
        self._counts[kind] += 1
        now = self._now()
        if now - self._written.get(kind, -SECONDS_APART) < SECONDS_APART:
            return False
        record.msg, record.args, record.exc_info, record.exc_text = REPEATED[kind], (), None, None
        record.count = self._counts[kind]
        self._counts[kind], self._written[kind] = 0, now
        return True


class LineFormatter(logging.Formatter):
    """Writes one line: ts, level, msg, the fields of `extra`, and `exception` with the traceback."""

    def __init__(self, format_: LogFormat) -> None:
        super().__init__()
        self._as_json = format_ == "json"

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        extra = {key: value for key, value in record.__dict__.items() if key not in RECORD_FIELDS}
        fields = {"ts": moment, "level": record.levelname.lower(), "msg": record.getMessage(), **extra}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields, ensure_ascii=False, default=str)
        return " ".join(f"{key}={_logfmt(value)}" for key, value in fields.items())


def _logfmt(value: object) -> str:
    """Quotes a value as in JSON where logfmt requires it."""
    text = "" if value is None else str(value)
    printable = text.isprintable()
    if printable and NEEDS_QUOTES.isdisjoint(text):
        return text
    return json.dumps(text, ensure_ascii=not printable)
