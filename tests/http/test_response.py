"""An answer is the report's bytes, or one error that says what came instead and what to do."""

import pytest

from exporter.domain.errors import AuthError, HttpStatusError, NotJsonError, ReportError, TooLargeError
from tests.http.fakes import FILTERED, GOOD, KEY, MAX_BODY, answer, bench

pytestmark = pytest.mark.anyio

PAGE = b"<!DOCTYPE html>\n<title>Log in</title>" + KEY.encode()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(GOOD, {"content_type": "application/json"}, id="json"),
        pytest.param(GOOD, {"content_type": "text/plain; charset=iso-8859-1"}, id="plain-text-with-a-wrong-charset"),
        pytest.param(GOOD, {}, id="no-content-type"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, {}, id="byte-order-mark"),
        pytest.param(b"null", {}, id="null-is-for-the-report-to-judge"),
        pytest.param(b'{"detail": "x"}', {}, id="detail-is-for-the-report-to-judge"),
        pytest.param(b"[" * 90_000, {}, id="deeply-nested"),
        pytest.param(b"\xff\xfe{\x00}\x00", {}, id="utf-16-is-for-the-report-to-judge"),
        pytest.param(GOOD[:-5], {}, id="truncated-without-a-sign-is-for-the-report-to-judge"),
    ],
)
async def test_the_bytes_of_a_200_are_handed_on_unread(body: bytes, headers: dict[str, str]) -> None:
    assert await bench(answer(200, body, **headers)).ask() == body


@pytest.mark.parametrize(
    ("status", "body", "headers", "says"),
    [
        pytest.param(200, PAGE, {"content_type": "text/html; charset=utf-8"},
                     '(text/html; charset=utf-8) with "<!DOCTYPE html> <title>Log in</title>[key]"', id="login-page"),
        pytest.param(200, GOOD, {"content_type": "TEXT/HTML"}, "(TEXT/HTML)", id="html-by-its-type-only"),
        pytest.param(200, PAGE, {"content_type": "application/json"}, '"<!DOCTYPE', id="html-by-its-bytes-only"),
        pytest.param(200, b"\xef\xbb\xbf \n<html>", {}, '(no content type) with "', id="html-after-mark-and-space"),
        pytest.param(200, b"<html>" + b"x" * 90_000, {"content_type": "text/html"}, "x…", id="a-long-page-is-cut"),
        pytest.param(200, b"<\x1b[31m\x00\xe2\x80\xae\xff>", {}, '"< [31m', id="nothing-unprintable"),
        pytest.param(200, b"", {}, "with nothing", id="empty"),
        pytest.param(200, b" \r\n", {"content_type": "application/json"}, "with nothing", id="white-space"),
        pytest.param(200, b"", {"content_encoding": "gzip"}, "with nothing", id="empty-gzip"),
        pytest.param(204, b"", {}, "answered 204", id="no-content"),
        pytest.param(200, b"", {"content_type": f"text/{KEY}"}, "text/[key]", id="key-in-a-header"),
    ],
)  # fmt: skip
async def test_what_is_visibly_no_json_is_shown(status: int, body: bytes, headers: dict[str, str], says: str) -> None:
    asked = bench(answer(status, body, **headers))
    with pytest.raises(NotJsonError) as caught:
        await asked.ask()
    check_message(caught.value, says)
    assert asked.notes.codes == [str(status)], "asked once"


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        pytest.param(400, b'{"start_date": ["Enter a valid date."]}', 'says: {"start_date": ["Enter a', id="bad-date"),
        pytest.param(400, b"", "answered 400", id="no-body"),
        pytest.param(
            404, b"<h1>Not Found</h1>", "elsewhere (sources.production.overrides.chat-sessions.path)", id="no-report"
        ),
        pytest.param(422, b'{"key": "' + KEY.encode() + b'"}', '{"key": "[key]"}', id="key-in-the-text"),
        pytest.param(418, b"x" * 5000, "x…", id="text-is-cut"),
        pytest.param(201, GOOD, "answered 201", id="another-2xx"),
        pytest.param(206, GOOD, "answered 206", id="a-part"),
        pytest.param(304, b"", "answered 304 without a readable target: a cache in between?", id="not-modified"),
    ],
)
async def test_other_statuses_are_errors_at_once(status: int, body: bytes, says: str) -> None:
    asked = bench(answer(status, body))
    with pytest.raises(HttpStatusError) as caught:
        await asked.ask()
    check_message(caught.value, says)
    assert "https://paradigm.example/api/v2/reporting/chat-sessions/" in str(caught.value)
    assert asked.notes.codes == [str(status)]


async def test_an_error_whose_body_cannot_be_read_keeps_its_status() -> None:
    with pytest.raises(HttpStatusError, match=r"answered 400$"):
        await bench(answer(400, b"no gzip", content_encoding="gzip")).ask()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "says"),
    [
        pytest.param("https://sso.example:8443/login?next=1&t=" + KEY, "to https://sso.example:8443 ", id="other-host"),
        pytest.param("http://paradigm.example/api/v2/", "to http://paradigm.example ", id="plain-http"),
        pytest.param("https://paradigm.example:9/", "to https://paradigm.example:9 ", id="other-port"),
        pytest.param("/login/", "to https://paradigm.example ", id="relative"),
        pytest.param("//user:password@other.example/x", "to https://other.example ", id="no-user-is-shown"),
        pytest.param("https://x:no-port/", "without a readable target", id="broken"),
        pytest.param("", "without a readable target", id="empty"),
    ],
)
async def test_a_redirect_is_named_and_not_followed(status: int, target: str, says: str) -> None:
    asked = bench(answer(status, b"<html>", location=target))
    with pytest.raises(HttpStatusError) as caught:
        await asked.ask()
    check_message(caught.value, says)
    assert "password" not in str(caught.value)
    assert "login" not in str(caught.value)
    assert asked.notes.codes == [str(status)], "one request, to the platform"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param(401, "wrong, expired or withdrawn; put a new one into api_key_file or api_key", id="401"),
        pytest.param(403, "needs the role admin or company admin", id="403"),
    ],
)
async def test_a_refused_key_says_what_to_do(status: int, says: str) -> None:
    with pytest.raises(AuthError) as caught:
        await bench(answer(status, b'{"detail": "No, ' + KEY.encode() + b'"}')).ask()
    check_message(caught.value, says)
    assert caught.value.status == status
    assert 'it says: {"detail": "No, [key]"}' in str(caught.value)


async def test_a_refused_company_filter_is_named() -> None:
    lonely = bench(answer(403))
    with pytest.raises(AuthError, match=r"may not filter by company; .* companies\.include"):
        await lonely.ask(type(FILTERED)(FILTERED.report, FILTERED.path, FILTERED.params, FILTERED.days))


@pytest.mark.parametrize(
    ("size", "good"),
    [
        pytest.param(MAX_BODY, True, id="just-fits"),
        pytest.param(MAX_BODY + 1, False, id="one-too-many"),
        pytest.param(MAX_BODY * 9, False, id="far-too-many"),
    ],
)
async def test_the_size_cap_is_exact(size: int, good: bool) -> None:
    asked = bench(answer(200, b"1" * size))
    if good:
        assert len(await asked.ask()) == size
    else:
        with pytest.raises(TooLargeError, match=r"larger than 100000 bytes; see poll\.max_body"):
            await asked.ask()
        assert asked.notes.codes == ["200"], "not asked again"


def check_message(error: ReportError, says: str) -> None:
    """Every message names source and report first, is one printable line and never holds the key."""
    message = str(error)
    assert says in message
    assert message.startswith("production: chat-sessions: ")
    assert message.isprintable()
    assert KEY not in message
    assert len(message) < 500
