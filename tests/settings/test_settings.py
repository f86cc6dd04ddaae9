"""The configuration is read as the operator means it, or refused in one line that says how to fix it."""

import re
import runpy
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import certifi
import pytest

from exporter.domain.calendars import Calendar
from exporter.domain.errors import ConfigError
from exporter.domain.model import Column, Days, Measure, Reading
from exporter.domain.scope import Scope
from exporter.domain.selectors import Companies
from exporter.ledger.day_status import DayRules
from exporter.platforms.api import NO_DISCOVERIES, Context, Discoveries, Platform, ReportDefaults, Request
from exporter.platforms.registry import platforms
from exporter.settings import Settings, Source, load
from exporter.settings.calendar_options import YEARS
from exporter.settings.options import options_of
from tools.options import example, walk

NO_DURATION = "is not a duration; write it with units, as in 6h or 1h30m"
ROOT = Path(__file__).parents[2]
KEY = "sk-good-key"
CANARY = "sk-CANARY-4f2a9c/7Q=="


@dataclass(frozen=True)
class FakeReport(ReportDefaults):
    """A report that has only a name."""

    name: str
    measures: tuple[Measure, ...] = ()
    day_bytes: int = 1
    asks_by_day: bool = False

    @property
    def parts(self) -> Mapping[str, tuple[Column, ...]]:
        return {}

    def plan(self, days: Days, scope: Scope, discoveries: Discoveries = NO_DISCOVERIES) -> tuple[Request, ...]:
        raise NotImplementedError

    def decode(self, body: bytes, request: Request, context: Context) -> Reading:
        raise NotImplementedError


def fake_platform(name: str, *reports: str) -> Platform:
    """Makes a platform whose base URL must not end in `/v1` and loses its last slash."""

    def base_url(written: str) -> str:
        if written.endswith("/v1"):
            raise ValueError("version 1 is gone; write the address without /v1")
        return written.rstrip("/")

    return Platform(
        name=name,
        title=name.title(),
        default_base_url=f"https://{name}.example.org/",
        base_url=base_url,
        headers=lambda key: {"Authorization": key},
        key_variable=f"{name.upper()}_API_KEY",
        url_variable=f"{name.upper()}_BASE_URL",
        reports={report: FakeReport(report) for report in reports},
    )


PLATFORMS = {
    "paradigm": fake_platform("paradigm", "chat-sessions", "tools", "users"),
    "captain": fake_platform("captain", "overview"),
}


def settings(file: Path, text: str | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Loads `text` as a file, or no file at all for None."""
    if text is None:
        return load(None, environ or {}, PLATFORMS)
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {}, PLATFORMS)


def complaints(file: Path, text: str | None, environ: Mapping[str, str] | None = None) -> list[str]:
    """Returns the lines of the error that `load` raises."""
    with pytest.raises(ConfigError) as caught:
        settings(file, text, environ)
    return str(caught.value).splitlines()


def source(file: Path, options: str = "", environ: Mapping[str, str] | None = None) -> Source:
    """Loads one good source with `options` (a flow mapping's inside) beside the required ones."""
    return settings(file, one_source(options), environ).sources["a"]


def found_at(found: object, path: str) -> object:
    """Returns a value inside a source; for reports, their names."""
    for name in path.split("."):
        found = getattr(found, name)
    return tuple(each.name for each in found) if path == "target.reports" and isinstance(found, tuple) else found


def one_source(options: str) -> str:
    """Returns a file with a source, in which `options` override the required ones."""
    return f"sources:\n  a: {{<<: {{platform: paradigm, api_key: {KEY}}}, {options}}}\n"


def test_defaults_are_those_of_the_contract(file: Path) -> None:
    """A source with only a platform and a key polls hourly, settles after 6 h, rereads 3 of 60 days."""
    a = source(file)
    assert (a.name, a.platform, a.base_url) == ("a", PLATFORMS["paradigm"], "https://paradigm.example.org")
    assert (a.key(), a.ca_file, a.proxy_url, a.target.rules.zone) == (KEY, None, None, ZoneInfo("UTC"))
    assert (a.poll.interval, a.poll.jitter, a.poll.timeout) == (timedelta(hours=1), 0.1, timedelta(seconds=60))
    assert (a.poll.max_body, a.poll.requests_per_minute) == (256 * 2**20, 60)
    assert [report.name for report in a.target.reports] == ["chat-sessions", "tools", "users"]
    assert (a.target.required, a.target.excluded, a.target.companies) == (frozenset(), (), Companies(("*",), ()))
    rules = DayRules(ZoneInfo("UTC"), timedelta(hours=6), 3, 60, timedelta(days=3), Calendar())
    assert a.target.rules == rules


VALUES = {
    "seconds": ("poll: {timeout: 90s}", "poll.timeout", timedelta(seconds=90)),
    "minutes": ("poll: {interval: 30m}", "poll.interval", timedelta(minutes=30)),
    "hours and minutes": ("poll: {interval: 1h30m}", "poll.interval", timedelta(minutes=90)),
    "days": ("max_staleness: 2d", "target.rules.max_staleness", timedelta(days=2)),
    "a week": ("max_staleness: 1w", "target.rules.max_staleness", timedelta(days=7)),
    "nothing has no unit": ("settle: 0", "target.rules.settle", timedelta(0)),
    "mebibytes": ("poll: {max_body: 1MiB}", "poll.max_body", 1048576),
    "megabytes": ("poll: {max_body: 10MB}", "poll.max_body", 10_000_000),
    "bytes": ("poll: {max_body: 4096}", "poll.max_body", 4096),
    "percent": ("poll: {jitter: 25%}", "poll.jitter", 0.25),
    "part of one": ("poll: {jitter: 0.05}", "poll.jitter", 0.05),
    "no jitter": ("poll: {jitter: 0}", "poll.jitter", 0.0),
    "expiry": ("api_key_expires: 2027-03-01", "api_key_expires", date(2027, 3, 1)),
    "no expiry": ("api_key_expires: ~", "api_key_expires", None),
    "zone": ("timezone: Europe/Paris", "target.rules.zone", ZoneInfo("Europe/Paris")),
    "named reports are required": ("reports: [users]", "target.required", frozenset({"users"})),
    "named reports alone are asked": ("reports: [users, users]", "target.reports", ("users",)),
    "auto in words": ("reports: auto", "target.reports", ("chat-sessions", "tools", "users")),
    "ids keep their zeros": (
        "companies: {include: [007, 1_0, 1e3]}",
        "target.companies.include",
        ("007", "1_0", "1e3"),
    ),
    "Norway": ("companies: {include: [no, on, null_]}", "target.companies.include", ("no", "on", "null_")),
    "selectors as they are meant": (
        'companies: {exclude: ["ID:12", "id: 13", id: 14, "Name : Nor*", id:12]}',
        "target.companies.exclude",
        ("id:12", "id:13", "id:14", "name:Nor*"),
    ),
    "commas in a file": ('companies: {include: ["A, B"]}', "target.companies.include", ("A, B",)),
    "families": ('families: {exclude: ["*_28d"]}', "target.excluded", ("*_28d",)),
    "cleaned by the platform": ("base_url: https://own.example.org/", "base_url", "https://own.example.org"),
    "plain http to loopback": ("base_url: http://127.0.0.1:8080", "base_url", "http://127.0.0.1:8080"),
    "plain http to loopback v6": ('base_url: "http://[::1]:80"', "base_url", "http://[::1]:80"),
    "plain http to localhost": ("base_url: http://api.localhost", "base_url", "http://api.localhost"),
    "@ in a path": ("base_url: https://own/@v", "base_url", "https://own/@v"),
    "plain http when allowed": ("base_url: http://own, allow_http: true", "base_url", "http://own"),
    "proxy with credentials": ("proxy_url: http://me:pw@proxy:3128", "proxy_url", "http://me:pw@proxy:3128"),
    "certificates": (f"ca_file: {certifi.where()}", "ca_file", Path(certifi.where())),
    "null is the default": ("timezone: null, poll: ~, reports: ", "target.rules.zone", ZoneInfo("UTC")),
    "empty optional is not set": ('base_url: "", ca_file: ""', "ca_file", None),
    "longest history": ("history_days: 400", "target.rules.keep_days", 400),
    "reread days that suffice": ("settle: 2d, reread_days: 3", "target.rules.reread_days", 3),
}


@pytest.mark.parametrize(("options", "path", "value"), VALUES.values(), ids=VALUES)
def test_a_value_is_read_as_meant(file: Path, options: str, path: str, value: object) -> None:
    """A text in the file becomes the typed value; YAML's guesses never change it."""
    assert found_at(source(file, options), path) == value


WRONG = {
    "no unit": ("poll: {interval: 60}", "poll.interval", f'"60" {NO_DURATION}'),
    "sexagesimal": ("poll: {interval: 1:30}", "poll.interval", f'"1:30" {NO_DURATION}'),
    "unknown unit": ("poll: {interval: 6x}", "poll.interval", f'"6x" {NO_DURATION}'),
    "negative": ("settle: -1h", "settle", f'"-1h" {NO_DURATION}'),
    "hectic": ("poll: {interval: 59s}", "poll.interval", "59s is too short; the minimum is 1m"),
    "wild": ("poll: {jitter: 60%}", "poll.jitter", "60% is too much; the maximum is 50%"),
    "ambiguous share": (
        "poll: {jitter: 10}",
        "poll.jitter",
        '"10" has no unit; write 10%, or a part of one such as 0.1',
    ),
    "no share": (
        "poll: {jitter: some}",
        "poll.jitter",
        '"some" is neither a number nor a percentage; write 0.1 or 10%',
    ),
    "no time": ("poll: {timeout: 0}", "poll.timeout", "0s leaves no time for an answer; write 60s"),
    "slow": (
        "poll: {interval: 1m, timeout: 1m30s}",
        "poll.timeout",
        "1m30s must be shorter than poll.interval, which is 1m; write timeout: 30s, or a longer interval",
    ),
    "small": (
        "poll: {max_body: 10B}",
        "poll.max_body",
        "10 bytes hold no answer; write a size such as 256MiB",
    ),
    "bits": (
        "poll: {max_body: 10Mb}",
        "poll.max_body",
        '"10Mb" is not a size; write 256MiB, 10MB, or the bytes as a whole number',
    ),
    "never asks": (
        "poll: {requests_per_minute: 0}",
        "poll.requests_per_minute",
        "0 allows no requests; the minimum is 1",
    ),
    "fraction": (
        "poll: {requests_per_minute: 1.5}",
        "poll.requests_per_minute",
        '"1.5" is not a whole number; write digits only, such as 45',
    ),
    "unknown platform": ("platform: paradime", "platform", 'no platform "paradime"; did you mean "paradigm"?'),
    "other platform": ("platform: zzz", "platform", 'no platform "zzz"; known: paradigm, captain'),
    "no URL": (
        "base_url: paradigm.example.org",
        "base_url",
        "is not a URL; write http(s):// and a host, such as https://paradigm.lighton.ai",
    ),
    "no proxy": ("proxy_url: proxy", "proxy_url", "is not a URL; write http(s):// and a host, such as http://proxy.ex"),
    "no port": (
        "base_url: https://own:port",
        "base_url",
        "is not a URL; write http(s):// and a host, such as https://paradigm.lighton.ai",
    ),
    **{
        f"{name} {written}": (f"{name}: {written}", name, "is not a URL; write http(s):// and a host, such as http")
        for name in ("base_url", "proxy_url")
        for written in ("ftp://own", "socks5://u:pa55@own", "https:///api", "https://u:pa55/@own", "own:3128")
    },
    "user": ("base_url: https://u:pa55@own", "base_url", "contains a user or password; leave them out"),
    "empty user": ("base_url: https://@own", "base_url", "contains a user or password; leave them out"),
    "query": (
        'base_url: "https://own/?a=b"',
        "base_url",
        'contains "?" or "#"; give the address only, such as https://paradigm.lighton.ai',
    ),
    "refused by the platform": (
        "base_url: https://own/v1",
        "base_url",
        "Paradigm refuses it: version 1 is gone; write the address without /v1",
    ),
    "plain http": (
        "base_url: http://own.example.org",
        "allow_http",
        "base_url is plain http, which shows the key to the network; write https, or allow_http: true",
    ),
    "plain http to an address": (
        "base_url: http://10.0.0.1",
        "allow_http",
        "base_url is plain http, which shows the key to the network; write https, or allow_http: true",
    ),
    "yes": ("allow_http: yes", "allow_http", '"yes" is neither true nor false; write one of the two'),
    "mistyped zone": (
        "timezone: europe/pari",
        "timezone",
        '"europe/pari" is not a known time zone; did you mean "Europe/Paris"?',
    ),
    "half a zone": ("timezone: Europe", "timezone", '"Europe" is not a known time zone; '),
    "line separator": ('timezone: "a\\u2028b\\x9b"', "timezone", '"a\ufffdb\ufffd" is not a known time zone; '),
    "long value": (f"timezone: {'x' * 99}", "timezone", f'"{"x" * 39}…" is not a known time zone; '),
    "offset": (
        'timezone: "+02:00"',
        "timezone",
        '"+02:00" is not a known time zone; write UTC or a name such as Europe/Paris',
    ),
    "unknown report": ("reports: [user]", "reports", 'Paradigm has no report "user"; did you mean "users"?'),
    "no report": ("reports: []", "reports", "names no report; write auto, or some of: chat-sessions, tools, users"),
    "no list": ("reports: users", "reports", 'expected a list; write [one, two], or one "- item" per line'),
    "list in a list": ("reports: [[users]]", "reports", "expected one value, not a list"),
    "null in a list": ("reports: [~]", "reports", "expected one value, not null"),
    "nobody": ("companies: {include: []}", "companies.include", 'includes no company; write ["*"] for all companies'),
    "no options": ("companies: all", "companies", "expected options of its own, one per line below it"),
    "empty": ('settle: ""', "settle", "is empty; give it a value or leave it out"),
    "settles never": ("settle: 15d, reread_days: 17", "settle", "15d is too long; the maximum is 14d"),
    "few reread days": (
        "settle: 30h, reread_days: 2",
        "reread_days",
        "2 is out of range; write 3 (settle, 1d6h, in days and 1 more) to 399",
    ),
    "reread days of the default": (
        "settle: 3d",
        "reread_days",
        "3 is out of range; write 4 (settle, 3d, in days and 1 more) to 399",
    ),
    "short history": (
        "history_days: 46",
        "history_days",
        "46 is out of range; write 47 (six weeks of baselines, a long weekend and settle, 6h, in days and 1 more)"
        " to 400",
    ),
    "history shorter than what is read again": (
        "reread_days: 70",
        "history_days",
        "60 is out of range; write 71 (reread_days and 1 more) to 400",
    ),
    "long history": (
        "history_days: 401",
        "history_days",
        "401 is out of range; write 47 (six weeks of baselines, a long weekend and settle, 6h, in days and 1 more)"
        " to 400",
    ),
    "stale at once": (
        "max_staleness: 1h",
        "max_staleness",
        "1h must be longer than poll.interval, which is 1h",
    ),
    "unknown calendar": ("calendar: defaut", "calendar", 'no calendar "defaut"; did you mean "default"?'),
    "no certificates": ("ca_file: exporter.yml", "ca_file", "contains no PEM certificate; "),
    "no such certificates": ("ca_file: none.pem", "ca_file", "cannot be read (No such file or directory); give the "),
    "long key": ("api_key: a b", "api_key", "contains a space, a line break or a character that no key has; "),
    "placeholder": ("api_key: replace-me", "api_key", "is the placeholder of an example; enter the key from the "),
    "placeholder of the manual": ("api_key: <your key>", "api_key", "contains a space, a line break or a "),
    "placeholder in brackets": ("api_key: <key>", "api_key", "is the placeholder of an example; enter the key "),
    "key as a list": ("api_key: [a]", "api_key", "expected one value, not a list"),
    "key as options": ("api_key: {a: b}", "api_key", "expected one value, not options of its own"),
    "mistyped": ("setle: 1h", "setle", 'unknown key, did you mean "settle"?'),
    "mistyped deeper": ("poll: {intervall: 1h}", "poll.intervall", 'unknown key, did you mean "interval"?'),
    "one level too high": ("interval: 1h", "interval", 'unknown key here, did you mean "poll.interval"?'),
    "unknown": ("families: {foo: 1}", "families.foo", "unknown key, known: exclude"),
    "unknown, with digits": ("families: {exclude2: 1}", "families.…", 'unknown key, did you mean "exclude"?'),
}


@pytest.mark.parametrize(("options", "path", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_with_its_place_and_its_remedy(
    file: Path, options: str, path: str, message: str
) -> None:
    """One line per problem: file and line, option, what is wrong, what to write instead."""
    (line,) = complaints(file, one_source(options))
    assert line.startswith(f"exporter.yml:2: sources.a.{path}: {message}")


PLACES = {
    "the option's own line": ("sources:\n  a:\n    platform: paradigm\n    api_key: k1\n    settle: 1\n", 5),
    "the source's, for what is missing": ("sources:\n  a:\n    api_key: k1\n", 2),
    "the other one's, for what does not fit": (
        "sources:\n  a:\n    platform: paradigm\n    settle: 5d\n    api_key: k1\n",
        4,
    ),
    "the item's in a calendar": ("sources: {}\ncalendars:\n  default:\n    holidays:\n      - 2026-02-30\n", 4),
    "an alias's, where it is used": ("calendars:\n  a: &a {}\n  b: {<<: *a, x: 1}\nsources: {}\n", 3),
}


@pytest.mark.parametrize(("text", "line"), PLACES.values(), ids=PLACES)
def test_a_problem_names_the_line_to_look_at(file: Path, text: str, line: int) -> None:
    assert complaints(file, text)[0].startswith(f"exporter.yml:{line}: ")


def test_all_problems_are_listed_in_the_order_of_the_file(file: Path) -> None:
    """One run lists all mistakes: those in the file from top to bottom, then those in the environment."""
    text = (
        "treshold: []\nsources:\n  a:\n    platform: nope\n    api_key: k1\n    api_key: k2\n"
        "    settle: soon\n  B: {platform: paradigm, api_key: k1}\n"
    )
    lines = complaints(file, text, {"CHAT_USAGE_SOURCES__A__POLL__INTERVAL": "1", "CHAT_USAGE_X": ""})
    assert [line.split(": ")[:2] for line in lines] == [
        ["exporter.yml:1", "treshold"],
        ["exporter.yml:4", "sources.a.platform"],
        ["exporter.yml:6", 'the key "api_key" is set again (first in line 5); keep one of the two'],
        ["exporter.yml:7", "sources.a.settle"],
        ["exporter.yml:8", "sources.B"],
        ["CHAT_USAGE_SOURCES__A__POLL__INTERVAL", "sources.a.poll.interval"],
        ["CHAT_USAGE_X", "x"],
    ]


UNREADABLE = {
    "tab": (
        b"sources:\n\ta: b\n",
        "exporter.yml:2:1: a tab, where YAML allows only spaces; replace each tab with two spaces",
    ),
    "bracket": (b"sources: {a: [}\n", "exporter.yml:1:15: expected the node content"),
    "two documents": (b"a: b\n---\nc: d\n", 'exporter.yml:2:1: a second document begins ("---"); keep one per file'),
    "second colon": (b"a: id: 9\n", "exporter.yml:1:6: a second colon in one line; quote the text that contains it"),
    "list on top": (b"- a\n", "exporter.yml:1:1: expected options at the top level, such as sources"),
    "text on top": (b"sources\n", "exporter.yml:1:1: expected options at the top level, such as sources"),
    "list as key": (b"sources: {[a]: b}\n", "exporter.yml:1:11: a key must be plain text"),
    "tag": (b"sources: !vault x\n", "exporter.yml:1:10: tags (!...) are not supported; quote the value"),
    "alias to nothing": (b"sources: *CANARY\n", "exporter.yml:1:10: found undefined alias ..."),
    "endless alias": (b"sources: &a {b: *a}\n", "exporter.yml:1:10: is nested too deeply"),
    "deep": (b"a: " + b"[" * 2000, "exporter.yml: is nested too deeply; options are at most six levels deep"),
    "aliases of aliases": (
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        b"c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n",
        "exporter.yml:1:35: aliases (*...) expand to too many values",
    ),
    "escape of no character": (
        b'a: "\\UFFFFFFFF"\n',
        "exporter.yml: contains an escape (\\U...) of no existing character; correct it",
    ),
    "escape of half a character": (
        b'a: b\nc: "\\ud800"\n',
        "exporter.yml:2:4: an escape (\\u...) is half a character; write",
    ),
    "key of half a character": (b'"\\udc00": b\n', "exporter.yml:1:1: an escape (\\u...) is half a character; write"),
    "control character": (b"a: b\nc: \x01\n", "exporter.yml:2: contains the control character 0x01; delete it"),
    "Latin-1": ("sources: é\n".encode("latin-1"), "exporter.yml: is not in UTF-8; save it as UTF-8"),
}


@pytest.mark.parametrize(("content", "start"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_yaml_is_refused_in_one_line(file: Path, content: bytes, start: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, {}, PLATFORMS)
    assert str(caught.value).startswith(start)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_flag(tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    with pytest.raises(ConfigError, match=re.escape(f"{path}: cannot be read (No such file or directory)")):
        load(path, {}, PLATFORMS)


@pytest.mark.parametrize("first", ["\ufeff", "# comment only\n", "---\n"], ids=["BOM", "comment", "document start"])
def test_what_editors_put_first_is_skipped(file: Path, first: str) -> None:
    assert settings(file, first + one_source("")).sources


def test_anchors_and_merge_keys_share_options(file: Path) -> None:
    """Own options override merged ones, and an anchor that is used twice is not a duplicate key."""
    shared = f"sources:\n  a: &all {{platform: paradigm, api_key: {KEY}, settle: 1h}}\n"
    found = settings(file, f"{shared}  b: {{<<: *all, settle: 2h}}\n  c: *all\n  d: {{<<: *all}}\n").sources
    assert [found[name].target.rules.settle.seconds for name in "abcd"] == [3600, 7200, 3600, 3600]


def test_merges_of_merges_do_not_multiply(file: Path) -> None:
    """Each key is kept once; otherwise ten levels of ten merges would be 10,000,000,000 options."""
    levels = [f"x0: &x0 {{platform: paradigm, api_key: {KEY}}}"]
    levels += [f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 10)}]}}" for n in range(1, 11)]
    (*unknown,) = complaints(file, "\n".join([*levels, "sources: {a: *x10}"]))
    assert len(unknown) == len(levels)


def test_other_variables_are_none_of_ours(file: Path) -> None:
    """Only CHAT_USAGE_ names count, without those that Kubernetes sets for a Service of our name."""
    links = {
        "CHAT_USAGE_EXPORTER_SERVICE_HOST": "10.0.0.1",
        "CHAT_USAGE_EXPORTER_SERVICE_PORT": "9854",
        "CHAT_USAGE_EXPORTER_SERVICE_PORT_HTTP_METRICS": "9854",
        "CHAT_USAGE_EXPORTER_PORT": "tcp://10.0.0.1:9854",
        "CHAT_USAGE_EXPORTER_PORT_9854_TCP": "tcp://10.0.0.1:9854",
        "CHAT_USAGE_EXPORTER_PORT_9854_TCP_PROTO": "tcp",
        "CHAT_USAGE_EXPORTER_PORT_9854_TCP_ADDR": "10.0.0.1",
    }
    assert settings(file, one_source(""), {"PATH": "/bin", "XCHAT_USAGE_A": "b", **links}).sources


SET = {
    "nested": ({"CHAT_USAGE_SOURCES__A__POLL__INTERVAL": "30m"}, "poll.interval", timedelta(minutes=30)),
    "before the file": ({"CHAT_USAGE_SOURCES__A__SETTLE": "1h"}, "target.rules.settle", timedelta(hours=1)),
    "lower case": ({"chat_usage_sources__a__settle": " 1h\n"}, "target.rules.settle", timedelta(hours=1)),
    "commas": ({"CHAT_USAGE_SOURCES__A__REPORTS": "tools, users,"}, "target.reports", ("tools", "users")),
    "JSON": ({"CHAT_USAGE_SOURCES__A__COMPANIES__INCLUDE": '["A, B", 17]'}, "target.companies.include", ("A, B", "17")),
    "empty list": ({"CHAT_USAGE_SOURCES__A__COMPANIES__EXCLUDE": ""}, "target.companies.exclude", ()),
    "auto": ({"CHAT_USAGE_SOURCES__A__REPORTS": "auto"}, "target.required", frozenset()),
    "empty is not set": ({"CHAT_USAGE_SOURCES__A__PROXY_URL": ""}, "proxy_url", None),
}


@pytest.mark.parametrize(("environ", "path", "value"), SET.values(), ids=SET)
def test_the_environment_goes_before_the_file(file: Path, environ: Mapping[str, str], path: str, value: object) -> None:
    found = source(file, "settle: 2h, proxy_url: http://p, companies: {exclude: [x]}", environ)
    assert found_at(found, path) == value


def test_a_variable_reaches_the_source_whose_name_has_dashes(file: Path) -> None:
    """`SUPPORT_BOT` is `support-bot` if the file has that name, otherwise `support_bot`; also for calendars."""
    text = f"sources:\n  support-bot: {{platform: captain, api_key: {KEY}}}\ncalendars: {{north-west: {{}}}}\n"
    environ = {
        "CHAT_USAGE_SOURCES__SUPPORT_BOT__CALENDAR": "north-west",
        "CHAT_USAGE_CALENDARS__NORTH_WEST__WEEKEND": "fri,SAT",
        "CHAT_USAGE_CALENDARS__NORTH_WEST__HOLIDAYS": "2026-12-25",
        "CHAT_USAGE_SOURCES__NEW_ONE__PLATFORM": "paradigm",
        "CHAT_USAGE_SOURCES__NEW_ONE__API_KEY": KEY,
    }
    found = settings(file, text, environ)
    assert list(found.sources) == ["support-bot", "new_one"]
    assert found.sources["support-bot"].target.rules.calendar == Calendar(
        frozenset({4, 5}), frozenset({date(2026, 12, 25)})
    )
    assert list(found.calendars) == ["default", "north-west"]


MISSET = {
    "unknown section": ({"CHAT_USAGE_SOURCE__A__SETTLE": "1h"}, 'source: unknown key, did you mean "sources"?'),
    "one underscore": (
        {"CHAT_USAGE_SOURCES_A_SETTLE": "1h"},
        'names a group of options; write "__" between levels: CHAT_USAGE_SOURCES__NAME__POLL__INTERVAL',
    ),
    "port": (
        {"CHAT_USAGE_PORT": "9854"},
        "port: unknown key, known: sources, label_limits, privacy, limits, calendars, company_calendars, thresholds, "
        "thresholds_file, state_file",
    ),
    "unknown option": ({"CHAT_USAGE_SOURCES__A__PORT": "x://"}, "sources.a.port: unknown key"),
    "whole group": (
        {"CHAT_USAGE_SOURCES__A__POLL": "1h"},
        "sources.a.poll: expected options of its own, one per line below it",
    ),
    "all sources": ({"CHAT_USAGE_SOURCES": "{}"}, "sources: expected options of its own, one per line below it"),
    "true in JSON": ({"CHAT_USAGE_SOURCES__A__REPORTS": "[true]"}, "sources.a.reports: expected one value, not true"),
    "broken JSON": (
        {"CHAT_USAGE_SOURCES__A__REPORTS": "[tools"},
        'sources.a.reports: starts like JSON but is not; write ["one", "two"], or one,two',
    ),
    "no name": ({"CHAT_USAGE_SOURCES____SETTLE": "1h"}, "sources.…: a name is lower-case letters and digits"),
    "below a value": (
        {"CHAT_USAGE_SOURCES__A__SETTLE__X": "1", "CHAT_USAGE_SOURCES__A__SETTLE": "1h"},
        "sets the same as CHAT_USAGE_SOURCES__A__SETTLE, or something inside it; keep one of the two",
    ),
    "twice": (
        {"chat_usage_sources__a__settle": "1h", "CHAT_USAGE_SOURCES__A__SETTLE": "1h"},
        "sets the same as chat_usage_sources__a__settle, or something inside it; keep one of the two",
    ),
}


@pytest.mark.parametrize(("environ", "message"), MISSET.values(), ids=MISSET)
def test_a_wrong_variable_is_refused_by_name(file: Path, environ: Mapping[str, str], message: str) -> None:
    """An unknown CHAT_USAGE_ name is an error, and its line begins with the variable."""
    wrong = next(name for name in environ)
    wrong = "CHAT_USAGE_SOURCES__A__SETTLE" if len(environ) == 2 and wrong.islower() else wrong
    assert any(line.startswith(f"{wrong}: {message}") for line in complaints(file, one_source(""), environ))


def test_what_a_source_of_the_environment_lacks_is_said_at_one_of_its_variables(file: Path) -> None:
    lines = complaints(file, None, {"CHAT_USAGE_SOURCES__NEW__SETTLE": "1h"})
    assert lines == [
        "CHAT_USAGE_SOURCES__NEW__SETTLE: sources.new.platform: is missing; add it",
        "CHAT_USAGE_SOURCES__NEW__SETTLE: sources.new.api_key: set exactly one of api_key_file, the path of a file "
        "with the key, and api_key",
    ]


def test_the_key_of_the_platforms_own_manual_is_enough(file: Path) -> None:
    """PARADIGM_API_KEY alone makes the source `paradigm`, and a note says so."""
    found = settings(file, None, {"PARADIGM_API_KEY": f" {KEY}\n"})
    assert {name: each.key() for name, each in found.sources.items()} == {"paradigm": KEY}
    assert found.sources["paradigm"].base_url == "https://paradigm.example.org"
    assert found.notes == ('the source "paradigm" comes from PARADIGM_API_KEY, because no sources are configured',)


def test_the_address_of_the_platforms_own_manual_counts_with_the_key(file: Path) -> None:
    environ = {"PARADIGM_API_KEY": KEY, "PARADIGM_BASE_URL": "https://own.example.org/api/v2/"}
    assert settings(file, "calendars:\nsources:\n", environ).sources["paradigm"].base_url.endswith("/api/v2")
    lines = complaints(file, None, {**environ, "PARADIGM_BASE_URL": "own"})
    assert [line.split(": ")[:2] for line in lines] == [["PARADIGM_BASE_URL", "sources.paradigm.base_url"]]


def test_the_key_of_the_platforms_own_manual_is_ignored_beside_sources(file: Path) -> None:
    found = settings(file, one_source(""), {"PARADIGM_API_KEY": "other"})
    assert (list(found.sources), found.sources["a"].key()) == (["a"], KEY)
    assert found.notes == ("PARADIGM_API_KEY is ignored, because sources are configured",)


@pytest.mark.parametrize(
    ("text", "where"),
    [(None, "name a file that has some with --config.file"), ("", 'exporter.yml: add one below "sources:"')],
    ids=["no file", "empty file"],
)
def test_no_sources_is_an_error_that_says_how_to_start(file: Path, text: str | None, where: str) -> None:
    """An empty PARADIGM_API_KEY counts as not set."""
    assert complaints(file, text, {"PARADIGM_API_KEY": " ", "PARADIGM_BASE_URL": "https://own"}) == [
        f"no sources to poll; {where}, or start with PARADIGM_API_KEY=... chat-usage-exporter serve"
    ]


NAMES = {
    "capitals": ("{Prod: %s}", "sources.Prod: a name is lower-case"),
    "double underscore": ("{a__b: %s}", "sources.a__b: a name is lower-case"),
    "dash at the end": ("{a-: %s}", "sources.a-: a name is lower-case"),
    "long": ("{" + "a" * 64 + ": %s}", "sources.…: a name is lower-case"),
    "same in the environment": ("{a-b: %s, a_b: %s}", "sources.a_b: has the same name as a-b in environment variables"),
}


@pytest.mark.parametrize(("text", "message"), NAMES.values(), ids=NAMES)
def test_a_source_has_a_name_that_works_as_label_and_in_the_environment(file: Path, text: str, message: str) -> None:
    good = f"{{platform: paradigm, api_key: {KEY}}}"
    (line,) = complaints(file, f"sources: {text.replace('%s', good)}")
    assert line.startswith(f"exporter.yml:1: {message}")


def test_a_key_file_is_read_anew_at_each_call(file: Path) -> None:
    """Spaces and line breaks around the key are ignored; relative paths start at the configuration's folder."""
    Path("key").write_text(f"\n {KEY}\r\n")
    key = source(file, "api_key: null, api_key_file: key").key
    assert key() == KEY
    Path("key").write_text("sk-new")
    assert key() == "sk-new"
    Path("key").unlink()
    with pytest.raises(ConfigError, match=r"^sources\.a\.api_key_file: cannot read key \(No such file or directory\)"):
        key()


KEY_FILES = {
    "missing": (None, "cannot read ", "(No such file or directory); give the path of a file with the key"),
    "empty": ("\n", "the key in ", "is empty; enter the key from the platform"),
    "two lines": ("a\nb\n", "the key in ", "contains a space, a line break or a character that no key has"),
    "no ASCII": ("clé", "the key in ", "contains a space, a line break or a character that no key has"),
    "placeholder": ("YOUR_API_KEY", "the key in ", "is the placeholder of an example"),
    "long": ("a" * 20000, "", "is too long for a key; give the path of a file with only the key"),
}


@pytest.mark.parametrize(("content", "before", "after"), KEY_FILES.values(), ids=KEY_FILES)
def test_a_bad_key_file_is_refused_before_the_first_poll(
    file: Path, content: str | None, before: str, after: str
) -> None:
    if content is not None:
        Path("key").write_text(content, encoding="utf-8")
    (line,) = complaints(file, one_source("api_key: null, api_key_file: ./key"))
    assert line.startswith(f'exporter.yml:2: sources.a.api_key_file: {before}"./key" {after}')


@pytest.mark.parametrize("content", [*(content for content, *_ in KEY_FILES.values()), "sk-SECRET x", "sk-\0SECRET"])
def test_a_key_file_that_becomes_bad_gives_no_key(file: Path, content: str | None) -> None:
    """So every key fits a header, and no message shows what does not."""
    Path("key").write_text(KEY)
    key = source(file, "api_key: null, api_key_file: ./key").key
    Path("key").unlink()
    if content is not None:
        Path("key").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^sources\.a\.api_key_file: ") as caught:
        key()
    assert "SECRET" not in str(caught.value)


def test_a_key_file_of_windows_is_read(file: Path) -> None:
    """Windows editors put a byte order mark at the start."""
    Path("key").write_bytes(b"\xef\xbb\xbf" + KEY.encode() + b"\r\n")
    assert source(file, "api_key: null, api_key_file: ./key").key() == KEY


@pytest.mark.parametrize(
    ("written", "shown"),
    [("secrets/paradigm.key", True), ("../x", True), (KEY, False), ("c2VjcmV0/c2VjcmV0", False), ("a+b/c.key", False)],
)
def test_a_key_file_is_named_unless_it_may_be_a_key(file: Path, written: str, shown: bool) -> None:
    (line,) = complaints(file, one_source(f"api_key: null, api_key_file: {written}"))
    assert (f'cannot read "{written}" (No such file' in line) is shown
    assert (written in line) is shown


KEYS = {
    "both": "api_key_file: key",
    "neither": "api_key: null",
}


@pytest.mark.parametrize("options", KEYS.values(), ids=KEYS)
def test_a_source_has_exactly_one_key(file: Path, options: str) -> None:
    Path("key").write_text(KEY)
    message = "set exactly one of api_key_file, the path of a file with the key, and api_key"
    assert complaints(file, one_source(options)) == [f"exporter.yml:2: sources.a.api_key: {message}"]


ASTRAY = {
    "beside a mistyped option": f"sources: {{a: {{platform: paradigm, api_key: {CANARY}, pol: 1}}}}",
    "under a mistyped option": f"sources: {{a: {{platform: paradigm, api_keey: {CANARY}}}}}",
    "as a list": f"sources: {{a: {{platform: paradigm, api_key: [{CANARY}]}}}}",
    "as a key of options": f"sources: {{a: {{platform: paradigm, api_key: {{{CANARY}: x}}}}}}",
    "as an option": f"sources: {{a: {{platform: paradigm, {CANARY}: x}}}}",
    "as an option twice": f"sources: {{a: {{platform: paradigm, {CANARY}: x, {CANARY}: x}}}}",
    "without a blank": f"sources: {{a: {{platform: paradigm, api_key:{CANARY}}}}}",
    "without a blank in a block": f"sources:\n  a:\n    platform: paradigm\n    api_key:{CANARY}\n",
    "as a source": f"sources: {{a: {CANARY}}}",
    "as the name of a source": f"sources: {{{CANARY}: {{}}}}",
    "as a list of sources": f"sources: [{CANARY}]",
    "as all": CANARY,
    "on top": f"{CANARY}: x",
    "as the path of the file": f"sources: {{a: {{platform: paradigm, api_key_file: {CANARY}}}}}",
    "as a long path of the file": f"sources: {{a: {{platform: paradigm, api_key_file: {CANARY * 20}}}}}",
    "with a blank": f'sources: {{a: {{platform: paradigm, api_key: "{CANARY} x"}}}}',
    "twice": f"sources: {{a: {{platform: paradigm, api_key: {CANARY}, api_key: {CANARY}}}}}",
    "beside a file": f"sources: {{a: {{platform: paradigm, api_key: {CANARY}, api_key_file: exporter.yml}}}}",
    "in the proxy": f"sources: {{a: {{platform: nope, api_key: k, proxy_url: 'http://me:{CANARY}@proxy'}}}}",
    "in a proxy without scheme": f"sources: {{a: {{platform: paradigm, api_key: k, proxy_url: 'me:{CANARY}@proxy'}}}}",
    "in the URL": f"sources: {{a: {{platform: paradigm, api_key: k, base_url: 'https://{CANARY[3:12]}@own'}}}}",
    "in the query": f"sources: {{a: {{platform: paradigm, api_key: k, base_url: 'https://own?key={CANARY}'}}}}",
    "as a tag": f"sources: {{a: {{platform: paradigm, api_key: !{CANARY[:12]} x}}}}",
    "as an alias": f"sources: {{a: {{platform: paradigm, api_key: *{CANARY[:12]} }}}}",
    "as an anchor": f"sources: {{a: {{platform: paradigm, api_key: &{CANARY[:12]} }}}}",
    "in broken YAML": f"sources: {{a: {{platform: paradigm, api_key: '{CANARY}}}}}",
    "in a block of broken YAML": f"api_key: {CANARY}\n  b: c\n",
}


@pytest.mark.parametrize("text", ASTRAY.values(), ids=ASTRAY)
def test_a_key_gone_astray_is_in_no_message(file: Path, text: str) -> None:
    """Wherever an operator puts a key by mistake, no message, repr or cause of the error shows it."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, {"CHAT_USAGE_SOURCES__B__API_KEY": f"{CANARY} x"}, PLATFORMS)
    error: BaseException | None = caught.value
    while error:
        assert "CANARY" not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_settings_do_not_show_their_secrets(file: Path) -> None:
    found = settings(file, one_source(f"api_key: {CANARY}, proxy_url: 'http://me:{CANARY[3:12]}@proxy'"))
    assert found.sources["a"].key() == CANARY
    assert "CANARY" not in repr(found)


def test_settings_cannot_be_changed(file: Path) -> None:
    found = settings(file, one_source(""))
    with pytest.raises(FrozenInstanceError):
        found.sources["a"].base_url = ""  # type: ignore[misc]  # what is forbidden
    with pytest.raises(TypeError):
        found.sources["b"] = found.sources["a"]  # type: ignore[index]  # the same


def test_equal_files_make_equal_sources(file: Path) -> None:
    """A reload compares sources to find those that changed."""
    assert source(file, "settle: 1h") == source(file, "settle: 60m") != source(file, "settle: 2h")


DIGEST = f"sources:\n  a: {{platform: paradigm, api_key: {KEY}, settle: 1h, proxy_url: 'http://me:pw@proxy'}}\n"
SAME = {
    "again": DIGEST,
    "with a comment and another layout": DIGEST.replace(", ", " , ") + "# why\n",
    "in another order": DIGEST.replace(f"api_key: {KEY}, settle: 1h", f"settle: 1h, api_key: {KEY}"),
    "with another key": DIGEST.replace(KEY, CANARY),
    "with other credentials": DIGEST.replace("me:pw@", "you:p@q@"),
    "with no credentials": DIGEST.replace("me:pw@", ""),
}
OTHER = {
    "another value": DIGEST.replace("1h", "2h"),
    "another source": DIGEST.replace("  a:", "  b:"),
    "another proxy": DIGEST.replace("@proxy", "@other"),
    "a default written out": DIGEST + "calendars: {default: {holidays: []}}\n",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_equal_configurations_have_one_number(file: Path, text: str, tmp_path: Path) -> None:
    """In any folder, and whatever the key, so that nobody can try keys with it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert settings(file, DIGEST).digest == settings(elsewhere / "other.yml", text).digest


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_other_configurations_have_another_number(file: Path, text: str) -> None:
    assert settings(file, DIGEST).digest != settings(file, text).digest


def test_the_number_of_a_configuration_counts_the_environment_and_fits_a_gauge(file: Path) -> None:
    plain = settings(file, DIGEST).digest
    changed = settings(file, DIGEST, {"CHAT_USAGE_SOURCES__A__SETTLE": "2h"}).digest
    assert plain != changed
    assert all(int(float(number)) == number < 2**48 for number in (plain, changed))


WEEKENDS = {
    "none": ("{weekend: []}", Calendar(frozenset())),
    "Friday": ("{weekend: [fri]}", Calendar(frozenset({4}))),
    "holidays, quoted or not": (
        '{holidays: [2026-12-25, "2028-02-29"]}',
        Calendar(holidays=frozenset({date(2026, 12, 25), date(2028, 2, 29)})),
    ),
    "null": ("~", Calendar()),
    "each year": (
        "{holidays: [12-25, 02-29]}",
        Calendar(
            holidays=frozenset({*(date(y, 12, 25) for y in YEARS), *(date(y, 2, 29) for y in YEARS if y % 4 == 0)})
        ),
    ),
}


@pytest.mark.parametrize(("options", "calendar"), WEEKENDS.values(), ids=WEEKENDS)
def test_the_default_calendar_is_that_of_all_sources(file: Path, options: str, calendar: Calendar) -> None:
    found = settings(file, one_source("") + f"calendars: {{default: {options}}}")
    assert found.sources["a"].target.rules.calendar == found.calendars["default"] == calendar


DAYS = {
    "full name": ("{weekend: [friday]}", 'default.weekend: no weekday "friday"; did you mean "fri"?'),
    "no work": ("{weekend: [mon, tue, wed, thu, fri, sat, sun]}", "default.weekend: leaves no business day"),
    "no day of any year": ("{holidays: [02-30]}", 'default.holidays: "02-30" is not a date'),
    "no country": ("{country: Frankreich}", 'default.country: "Frankreich" is not a country with known holidays'),
    "no part of it": (
        "{country: DE, subdivision: BYX}",
        'default.subdivision: "BYX" is not a part of DE; did you mean "BY"?',
    ),
    "a part of nothing": ("{subdivision: BY}", "default.subdivision: needs country; set both"),
    "no day": ("{holidays: [2026-02-30]}", 'default.holidays: "2026-02-30" is not a date; write year-month-day, '),
    "other order": ("{holidays: [25/12/2026]}", 'default.holidays: "25/12/2026" is not a date; write year-month-day, '),
    "unknown": ("{weekends: []}", 'default.weekends: unknown key, did you mean "weekend"?'),
}


@pytest.mark.parametrize(("options", "message"), DAYS.values(), ids=DAYS)
def test_a_wrong_calendar_is_refused(file: Path, options: str, message: str) -> None:
    (line,) = complaints(file, one_source("") + f"calendars: {{default: {options}}}")
    assert line.startswith(f"exporter.yml:3: calendars.{message}")


def test_public_holidays_are_days_off(file: Path) -> None:
    """In addition to configured days; Moselle has Good Friday, France has not."""
    calendars = "calendars: {fr: {country: FR, holidays: [12-24]}, metz: {country: FR, subdivision: 57}}"
    found = settings(file, one_source("") + calendars).calendars

    for name, good_friday in (("fr", False), ("metz", True)):
        off = found[name].holidays
        assert {date(2026, 7, 14), date(2026, 5, 14), date(2027, 1, 1)} < off
        assert (date(2026, 4, 3) in off) is good_friday
    assert date(2027, 12, 24) in found["fr"].holidays
    assert date(2027, 12, 24) not in found["metz"].holidays


COMPANIES = {
    "everybody": (Companies(("*",), ()), "17", "Nord", True),
    "by id": (Companies(("17",), ()), "17", "Nord", True),
    "by another id": (Companies(("17",), ()), "170", "Nord", False),
    "by glob": (Companies(("No*",), ()), "17", "Nord", True),
    "case": (Companies(("no*",), ()), "17", "Nord", False),
    "by glob of ids": (Companies(("1*",), ()), "17", "Nord", True),
    "excluded by id": (Companies(("*",), ("17",)), "17", "Nord", False),
    "excluded by name": (Companies(("17",), ("Nord",)), "17", "Nord", False),
}


@pytest.mark.parametrize(("companies", "company_id", "name", "wanted"), COMPANIES.values(), ids=COMPANIES)
def test_companies_are_wanted_by_id_or_name(companies: Companies, company_id: str, name: str, wanted: bool) -> None:
    """Globs of ids and names are case-sensitive; exclude takes precedence."""
    assert companies.wants(company_id, name) is wanted


WITHIN = {
    "the same": (Companies(("17", "No*"), ("18",)), Companies(("No*", "17"), ("18",)), True),
    "fewer of everybody": (Companies(("17",), ()), Companies(("*",), ()), True),
    "fewer included": (Companies(("17",), ()), Companies(("17", "18"), ()), True),
    "more excluded": (Companies(("*",), ("18",)), Companies(("*",), ()), True),
    "more included": (Companies(("17", "18"), ()), Companies(("17",), ()), False),
    "everybody": (Companies(("*",), ()), Companies(("17",), ()), False),
    "fewer excluded": (Companies(("*",), ()), Companies(("*",), ("18",)), False),
    "another glob, which may be wider": (Companies(("Nor*",), ()), Companies(("No*",), ()), False),
}


@pytest.mark.parametrize(("one", "other", "within"), WITHIN.values(), ids=WITHIN)
def test_a_selection_is_within_another_only_if_it_is_sure(one: Companies, other: Companies, within: bool) -> None:
    """Globs are not compared: one that may be wider counts as wider."""
    assert one.within(other) is within


SCOPES = {
    "one id": (("17",), "17"),
    "one prefixed id": (("id:17",), "17"),
    "one glob of ids": (("id:1*",), None),
    "one name": (("Nord",), None),
    "two ids": (("17", "18"), None),
    "²": (("²",), None),
}


@pytest.mark.parametrize(("include", "company_id"), SCOPES.values(), ids=SCOPES)
def test_the_platform_is_asked_for_one_company_only_by_exactly_one_id(
    include: tuple[str, ...], company_id: str | None
) -> None:
    assert Companies(include, ()).scope == Scope(company_id)


def test_the_state_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    """Relative paths start at the configuration's folder; without a path, no state is kept."""
    text = one_source("reports: auto")
    config = tmp_path / "exporter.yml"

    assert settings(config, text).state_file is None
    assert settings(config, f"state_file: null\n{text}").state_file is None
    assert settings(config, f"state_file: days.state\n{text}").state_file == tmp_path / "days.state"
    assert settings(config, f"state_file: {tmp_path}/b\n{text}").state_file == tmp_path / "b"
    environ = {"CHAT_USAGE_STATE_FILE": "c"}
    assert settings(config, f"state_file: b\n{text}", environ).state_file == tmp_path / "c"


def test_what_keeps_no_state_needs_no_folder_for_it(file: Path) -> None:
    """A CronJob has the exporter's configuration, but not its volume."""
    file.write_text(f"state_file: /nowhere/at/all/state\n{one_source('reports: auto')}")
    assert load(file, {}, PLATFORMS, keeps_state=False).state_file is None


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param(".", "is a folder; give the path of a file in it", id="a-folder"),
        pytest.param(
            "x" * 300, "cannot be accessed (File name too long); give another path, or access to it", id="a-long-name"
        ),
        pytest.param(
            "nowhere/state",
            "its folder does not exist; create it, or give a path in one that does",
            id="no-folder",
        ),
        pytest.param("[a]", "expected one value, not a list", id="a-list"),
    ],
)
def test_a_state_file_that_could_never_be_written_is_refused(file: Path, written: str, message: str) -> None:
    """Before the first poll, not after it."""
    (line,) = complaints(file, f"state_file: {written}\n{one_source('reports: auto')}")
    assert line == f"exporter.yml:1: state_file: {message}"


def test_the_example_file_is_what_the_classes_say() -> None:
    """Stale? `python -m tools.options > config/exporter.example.yml`."""
    assert (ROOT / "config" / "exporter.example.yml").read_text(encoding="utf-8") == example(platforms())


def test_the_module_prints_what_is_kept_in_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "tools" / "options.py"), run_name="__main__")
    assert capsys.readouterr().out == example(platforms())


def test_the_example_file_loads_and_holds_the_defaults(file: Path) -> None:
    """With its key file, the example is a good configuration that changes no default."""
    Path("key").write_text(KEY)
    found = settings(file, example(PLATFORMS).replace("/run/secrets/paradigm", "key")).sources["production"]
    bare = settings(file, "sources: {production: {platform: paradigm, api_key_file: key}}").sources["production"]
    assert found == bare


def test_the_example_names_every_option_and_its_commented_values_are_good(file: Path) -> None:
    """Options that are commented out can be set, except for the second key and a file that does not exist."""
    Path("key").write_text(KEY)
    text = re.sub(r"(?m)^( *)# (?=(base_url|proxy_url): )", r"\1", example(PLATFORMS)).replace(
        "/run/secrets/paradigm", "key"
    )
    found = settings(file, text).sources["production"]
    assert (found.base_url, found.proxy_url) == ("https://paradigm.lighton.ai", "http://proxy.example.org:3128")
    assert all(re.search(rf"(?m)^[ #]*{way[-1]}:", text) for way, *_ in walk(options_of(PLATFORMS)))


def test_the_placeholder_of_the_example_is_refused(file: Path) -> None:
    text = example(PLATFORMS).replace("    api_key_file:", "    # api_key_file:").replace("# api_key: ", "api_key: ")
    (line,) = complaints(file, text)
    assert "sources.production.api_key: is the placeholder of an example" in line


def test_every_option_has_a_description_that_ends_as_a_sentence() -> None:
    assert [way for way, _, meaning in walk(options_of(platforms())) if not meaning.endswith(".")] == []
