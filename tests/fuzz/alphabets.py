"""Material of mutations by format: values that platforms, editors or broken disks have produced."""

from datetime import UTC, date, datetime
from itertools import pairwise

from tests.fuzz.mutation import Alphabet


def raw(text: str) -> str:
    """Returns a leaf that is written without quotes, for what Python values cannot express."""
    return f"@raw:{text}@"


# fmt: off
# Tables, many to a line.
_HALF = "\ud800"
_DATES = (
    "2026-11-20", "2026-11-31", "0001-01-01", "9999-12-31", "2026-11-20T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "10000-01-01", "2026-W47-5", "20261120", "1e9", "\u0662026-01-01", "", " ",
)
_NUMBERS: tuple[float, ...] = (
    0, 1, -1, 2**53, 2**63, 2**64, 10**30, 0.5, 1e308, -0.0, 5e-324, 253402300800, -62135596801, 10**15,
)
_TEXTS = (
    _HALF, f"a{_HALF}b", "\0", "\n# HELP x y\n", 'a"b\\', "x" * 5000, "17", "17.0", "\u202e", "Northwind", "\U0001f600",
)
_PLAIN: tuple[object, ...] = (
    None, True, False, [], {}, [[]], [None], {"": None}, {"id": 17, "name": "x"}, [1, "x", None, {}],
)

JSON = Alphabet(
    leaves=(*_PLAIN, *_DATES, *_NUMBERS, *_TEXTS, *map(raw, (
        "1e999", "-1e999", "NaN", "Infinity", "9" * 400, "9" * 5000, "-" + "9" * 5000, "1." + "0" * 400, "01",
        "\\ud800",
    ))),
    names=(
        "", "id", "name", "date", "dates", "data", "value", "error", "channels", "channelId", "reporting", "company",
        "reporting_agents", "metadata", "count", "time", "1", "22", _HALF, "2026-11-20", "x" * 200, "a b", "\n",
    ),
    tokens=(
        b"null", b"1e999", b"NaN", b"-", b"{", b"[", b"]", b"}", b'"', b"\\ud800", b"\\u0000", b"\xef\xbb\xbf", b"\xff",
        b"\0", b",", b":", b"9" * 400, b"9" * 5000, b"[" * 2000, b'{"a":' * 2000, b"\xed\xa0\x80", b"\\", b"1E400",
    ),
)


def yaml_bomb(width: int = 9, names: str = "zyxwvuts") -> str:
    """Returns a YAML alias bomb: hundreds of characters that expand to millions of values."""
    levels = [f"&{names[0]} [{', '.join('z' * width)}]"]
    levels += [f"&{outer} [{', '.join([f'*{inner}'] * width)}]" for inner, outer in pairwise(names)]
    return f"[{', '.join(levels)}]"


YAML = Alphabet(
    leaves=(*_PLAIN, *_DATES, *_NUMBERS, *_TEXTS,
        "1h", "-1h", "1e999d", "99999999999999d", "10%", "nan", "inf", "-inf", "1e309", "256MiB", "9" * 5000, "off",
        "https://[::1", "http://\u2100/", "https://a:99999", "https://a b", "socks5://x", "Europe/../x", "UTC\0",
        "auto",
        "../../x", "/", ".", "*", "[", "id:", "name:", "id:17", "paradigm", "chatcaptain", "2026-02-30",
        "/" + "x" * 300,
        "((((", "a[?b", "length(", "\\", "\x7f", "${X}", "{{ x }}", "x\ny", "name:[", "a.b.c",
        *map(raw, (
            yaml_bomb(), "*a", "&a [*a]", "&a {b: *a}", "!!python/name:os.system x", "!!binary x", "!!set {a}", "0x10",
            "~",
            ".nan", "1:30", "2026-11-20", "!x y", "<<", "{? [a] : b}", "? x", "0b2", "1_000", "!!int x",
            "!!timestamp x",
            "2026-02-30", "2026-02-30T99:99:99Z", "!!float x", "!!bool x", "!!null x", "0o9", "!!omap [a]", "9" * 5000,
        )),
    ),
    names=(
        "", "<<", "sources", "thresholds", "calendars", "default", "poll", "interval", "include", "fields", "api_key",
        "overrides", "headers", "tls_server_config", "cert_file", "x" * 200, "a b", _HALF, "*", "1",
    ),
    tokens=(
        b"*a", b"&a ", b"<<: *a", b"- ", b"? ", b": ", b"\t", b"|", b">", b"%YAML 9.9\n", b"---\n", b"...\n", b"!!",
        b"!<",
        b"!", b"\0", b"\xff", b"\xed\xa0\x80", b"\xc2\x85", b"\xe2\x80\xa8", b"[" * 500, b"{" * 500, b"'", b'"', b"#",
        b"- " * 500, b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"@", b"`", b'"\\ud800"', b'"\\x00"', b'"\\UFFFFFFFF"',
    ),
)
STATE = Alphabet(
    leaves=(
        *_PLAIN, *_DATES, *(n for n in _NUMBERS if n < 2**64), *_TEXTS[2:], b"", b"\0\0\0\0", b"\xff" * 8, "P9D",
        -(2**63),
        date(1, 1, 1), date(9999, 12, 31), datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC),
    ),
    names=("", "chat", "s", "x" * 200, "1"),
    tokens=(
        b"\xc1", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\0", b"\x91" * 5000,
    ),
)
# fmt: on
