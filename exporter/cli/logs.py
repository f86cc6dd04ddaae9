"""Log lines as logfmt or JSON on stderr, by the standard library and structlog.

Modules log with `logging` and put what varies into `extra`; only this module knows the format.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Literal

import structlog
from structlog.typing import Processor

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
"""Messages that anybody who reaches the port can cause: how each begins, and what is logged instead."""


LogLevel = Literal["debug", "info", "warn", "error"]
LogFormat = Literal["logfmt", "json"]


def configure(level: LogLevel, format_: LogFormat) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(format_))
    handler.addFilter(Repeated(time.monotonic))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in LOUD_LIBRARIES:  # at INFO they log URLs, jobs and connections, each many times an hour
        logging.getLogger(name).setLevel(logging.WARNING)


class Repeated(logging.Filter):
    """Passes each message of `REPEATED` once a minute, without a traceback, with its `count` since the last."""

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


def formatter(format_: LogFormat) -> logging.Formatter:
    """Makes the formatter: ts, level, msg, then the fields of `extra`."""
    renderer: Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if format_ == "logfmt":
        renderer = _logfmt
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            _in_order,
            renderer,
        ],
    )


def _in_order(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    first = {key: event.pop(key) for key in ("ts", "level", "msg")}
    return {**first, **event}


def _logfmt(_logger: object, _method: str, event: MutableMapping[str, object]) -> str:
    """Writes one line; structlog's own renderer leaves tabs and carriage returns unescaped."""
    return " ".join(f"{key}={_value(value)}" for key, value in event.items())


def _value(value: object) -> str:
    """Quotes a value as in JSON where logfmt requires it."""
    text = "" if value is None else str(value)
    printable = text.isprintable()
    if printable and NEEDS_QUOTES.isdisjoint(text):
        return text
    return json.dumps(text, ensure_ascii=not printable)
