"""Log lines: each record is one line in its format and can be read back."""

import inspect
import json
import logging
import re
from asyncio import selector_events
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http import h11_impl

from exporter.cli.logs import LOUD_LIBRARIES, REPEATED, LineFormatter, LogFormat, Repeated, configure
from exporter.web.server import connection

FORMATS = pytest.mark.parametrize("format_", get_args(LogFormat))
PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)')

texts = st.text(st.characters(exclude_categories=[]), max_size=30)


def record(message: str, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    """Makes a record as a module logs it."""
    trace = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("exporter.polling.poller", logging.WARNING, __file__, 1, message, (), trace)
    made.__dict__.update(extra)
    return made


def parsed(line: str, format_: LogFormat) -> Mapping[str, object]:
    """Parses a line as Loki does; fails if a part of it is not a pair."""
    if format_ == "json":
        found: dict[str, object] = json.loads(line)
        return found
    assert PAIR.sub("", line) == ""
    return {key: json.loads(value) if value.startswith('"') else value for key, value in PAIR.findall(line)}


@FORMATS
@given(message=texts, reason=texts)
def test_what_is_logged_reads_back(format_: LogFormat, message: str, reason: str) -> None:
    """Quotes, line ends, control characters and every script: one line with complete values."""
    line = LineFormatter(format_).format(record(message, reason=reason))

    assert not {"\n", "\r"} & set(line)
    assert {"level": "warning", "msg": message, "reason": reason}.items() <= parsed(line, format_).items()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param("ok", "reason=ok", id="a word"),
        pytest.param("", "reason=", id="nothing"),
        pytest.param("Ångström", "reason=Ångström", id="unicode"),
        pytest.param("two words", 'reason="two words"', id="a blank"),
        pytest.param("été à Paris", 'reason="été à Paris"', id="unicode with blanks"),
        pytest.param('said "no"', r'reason="said \"no\""', id="quotes"),
        pytest.param("a=b", 'reason="a=b"', id="an equals sign"),
        pytest.param("C:\\x", r'reason="C:\\x"', id="a backslash"),
        pytest.param("one\ntwo", r'reason="one\ntwo"', id="a line end"),
        pytest.param("one\rtwo", r'reason="one\rtwo"', id="a carriage return"),
        pytest.param("one\ttwo", r'reason="one\ttwo"', id="a tab"),
        pytest.param("\x1b[31m", r'reason="\u001b[31m"', id="a colour for a terminal"),
        pytest.param("one\u2028two", r'reason="one\u2028two"', id="a line separator"),
        pytest.param(None, "reason=", id="none"),
        pytest.param(3, "reason=3", id="a number"),
        pytest.param(0.25, "reason=0.25", id="a fraction"),
    ],
)
def test_logfmt_quotes_what_must_be_quoted(value: object, written: str) -> None:
    """And nothing else, because people read it."""
    line = LineFormatter("logfmt").format(record("polled", reason=value))

    assert line.endswith(f" level=warning msg=polled {written}")


@FORMATS
def test_a_line_starts_with_time_level_and_message(format_: LogFormat) -> None:
    """In this order, for the eye; the time is UTC."""
    found = parsed(LineFormatter(format_).format(record("polled", source="production", days=4)), format_)

    moment = datetime.fromisoformat(str(found["ts"]))
    assert ["ts", "level", "msg", "source", "days"] == list(found)
    assert moment.utcoffset() == datetime.now(UTC).utcoffset()


@FORMATS
def test_a_day_is_a_date(format_: LogFormat) -> None:
    """Not what Python calls it."""
    found = parsed(LineFormatter(format_).format(record("history read", first=date(2026, 10, 1))), format_)

    assert found["first"] == "2026-10-01"


@FORMATS
def test_an_exception_is_one_line(format_: LogFormat) -> None:
    """With its whole traceback, for bug reports."""
    with pytest.raises(ValueError, match="slip") as caught:
        raise ValueError('a "slip"\nof two lines')

    line = LineFormatter(format_).format(record("poll broke", caught.value))

    told = str(parsed(line, format_)["exception"])
    assert "\n" not in line
    assert told.startswith("Traceback (most recent call last):\n")
    assert told.endswith('ValueError: a "slip"\nof two lines')


def test_a_process_logs_to_stderr_from_a_severity_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is for the results of commands; arguments of the message are filled in."""
    configure("warn", "json")
    logging.getLogger("exporter.polling.poller").info("polled")
    logging.getLogger("exporter.polling.poller").warning("%d polls failed", 3)

    out, err = capsys.readouterr()
    assert out == ""
    assert ["3 polls failed"] == [json.loads(line)["msg"] for line in err.splitlines()]


def test_libraries_do_not_talk_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    """They would log headers with the key; their warnings stay."""
    configure("debug", "logfmt")
    for name in LOUD_LIBRARIES:
        logging.getLogger(name).debug("quiet")
        logging.getLogger(f"{name}.inner").info("quiet")
        logging.getLogger(name).warning("heard")
    logging.getLogger("exporter").debug("heard")

    lines = capsys.readouterr().err.splitlines()
    assert ["heard"] * (len(LOUD_LIBRARIES) + 1) == [parsed(line, "logfmt")["msg"] for line in lines]


@pytest.mark.parametrize("message", REPEATED)
def test_what_a_client_can_have_logged_at_will_is_one_line_a_minute(message: str) -> None:
    """With the number since the previous line, and without a traceback; other messages pass."""
    minutes = 0.0
    handler = Repeated(lambda: minutes * 60)
    written = []
    for second in range(180):
        minutes = second / 60
        each = record(f"{message}\nsocket: <...>", OSError("too many open files"))
        if handler.filter(each):
            written.append((each.getMessage(), each.__dict__["count"], each.exc_info))
        assert handler.filter(record("polled"))
    assert written == [(REPEATED[message], count, None) for count in (1, 60, 60)]


def test_messages_of_libraries_are_still_what_they_were() -> None:
    """They are recognised by their beginning, which a new release may change."""
    told = [inspect.getsource(each) for each in (h11_impl, selector_events, connection)]
    assert [
        message for message in REPEATED if not any(f'"{message}"' in f"{text}".replace("'", '"') for text in told)
    ] == []
