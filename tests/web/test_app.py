"""Responses of each path; expositions are parsed with prometheus-client."""

import gzip
from collections.abc import Callable, Iterable

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.domain.selectors import Companies
from exporter.exposition.board import Board, RenderedSource
from exporter.exposition.telemetry import Telemetry
from exporter.exposition.text import Format
from exporter.platforms.paradigm.platform import REPORTS
from exporter.simulator.app import create_app as create_simulator
from exporter.simulator.paradigm.world import World
from exporter.web.app import create_app
from tests.pipeline.pipeline import ManualClock, Pipeline, target_with
from tests.web.conftest import Client, figures
from tests.web.web_context import NOON, web_context

pytestmark = pytest.mark.anyio

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Parse = Callable[[str], Iterable[Metric]]
FORMATS = pytest.mark.parametrize(
    ("content_type", "parse"),
    [pytest.param(TEXT, parse_text, id="text"), pytest.param(OPENMETRICS, parse_openmetrics, id="openmetrics")],
)
ENCODINGS = pytest.mark.parametrize("encoding", ["identity", "gzip"])


def plain(response: httpx.Response) -> str:
    """Returns the body; httpx has decompressed it by its Content-Encoding."""
    return response.content.decode()


@FORMATS
@ENCODINGS
async def test_a_scrape_reads_back(
    board: Board, client: Client, content_type: str, parse: Parse, encoding: str
) -> None:
    """Figures and live metrics are one valid exposition of the requested type, with every family once."""
    board.put("production", RenderedSource({"chat-sessions": figures(7.0)}))

    async with client() as http:
        response = await http.get("/metrics", headers={"Accept": content_type, "Accept-Encoding": encoding})

    families = list(parse(plain(response)))
    names = [family.name for family in families]
    samples = {sample.name: sample for family in families for sample in family.samples}
    assert (200, content_type) == (response.status_code, response.headers["Content-Type"])
    assert len(names) == len(set(names))
    assert samples["paradigm_document_uses_today"].labels["company"] == 'Nor"th\\wind\n'
    assert samples["paradigm_document_uses_today"].value == 7.0
    assert {"chat_usage_polls", "chat_usage_exporter_build_info", "python_info"} <= set(names)


@FORMATS
async def test_lines_of_a_family_are_in_one_piece(
    board: Board, client: Client, content_type: str, parse: Parse
) -> None:
    """The parsers forgive it in the text format, Prometheus' own linter does not."""
    board.put("production", RenderedSource({"chat-sessions": figures(7.0, companies=3)}))

    async with client() as http:
        text = plain(await http.get("/metrics", headers={"Accept": content_type}))

    declared = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")]
    assert sorted(set(declared)) == sorted(declared)
    assert sorted(declared) == sorted(family.name + tail(family, content_type) for family in parse(text))


@FORMATS
@pytest.mark.parametrize(
    ("query", "families"),
    [
        pytest.param("name[]=paradigm_document_uses_today", {"paradigm_document_uses_today"}, id="rendered"),
        pytest.param("name[]=chat_usage_polls_total&name[]=python_info", {"chat_usage_polls", "python"}, id="live"),
        pytest.param(
            "name[]=chat_usage_api_request_duration_seconds_bucket",
            {"chat_usage_api_request_duration_seconds"},
            id="histogram",
        ),
        pytest.param("name[]=chat_usage", set(), id="half-a-name"),
        pytest.param("name[]=", set(), id="no-name"),
    ],
)
async def test_families_are_picked_by_name(
    board: Board, client: Client, content_type: str, parse: Parse, query: str, families: set[str]
) -> None:
    """Whole, as they are in the exposition, and it is one still."""
    board.put("production", RenderedSource({"chat-sessions": figures(7.0, companies=3)}))
    ask = {"Accept": content_type, "Accept-Encoding": "identity"}

    async with client() as http:
        response, whole = [await http.get(f"/metrics?{each}", headers=ask) for each in (query, "")]
        gzipped = await http.get(f"/metrics?{query}", headers={**ask, "Accept-Encoding": "gzip"})

    assert (200, content_type) == (response.status_code, response.headers["Content-Type"])
    assert (gzipped.headers["Content-Encoding"], gzipped.content) == ("gzip", response.content)
    assert {family.name.removesuffix("_info") for family in parse(plain(response))} == families
    assert all(block in plain(whole) for block in plain(response).removesuffix("# EOF\n").split("# HELP "))
    assert plain(response).endswith("# EOF\n") is (content_type == OPENMETRICS)


def tail(family: Metric, content_type: str) -> str:
    """Returns the rest of the text format's lines of a family."""
    return "_total" if family.type == "counter" and content_type == TEXT else ""


@ENCODINGS
async def test_headers_of_a_scrape(board: Board, client: Client, encoding: str) -> None:
    """The response has the right Vary header for caches, and the length of its body."""
    board.put("production", RenderedSource({"chat-sessions": figures(7.0)}))
    ask = {"Accept-Encoding": encoding}

    async with (
        client(tail=lambda _format: b"# EOF\n") as http,
        http.stream("GET", "/metrics", headers=ask) as response,
    ):
        raw = b"".join([piece async for piece in response.aiter_raw()])

    headers = dict(response.headers)
    page = board.shown.exposition[Format.TEXT].plain + b"# EOF\n"
    assert page == (raw if encoding == "identity" else gzip.decompress(raw))
    assert len(raw) == int(headers.pop("content-length"))
    assert encoding == headers.pop("content-encoding", "identity")
    assert {"content-type": TEXT, "vary": "Accept, Accept-Encoding"} == headers


@ENCODINGS
@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready"])
async def test_head_is_get_without_the_body(board: Board, client: Client, path: str, encoding: str) -> None:
    """Load balancers ask so; the length is that of the body which GET would have."""
    board.put("production", RenderedSource({"chat-sessions": figures(7.0)}))
    async with client(tail=lambda _format: b"# EOF\n") as http:
        get, head = [await http.request(each, path, headers={"Accept-Encoding": encoding}) for each in ("GET", "HEAD")]

    assert (get.status_code, get.headers) == (head.status_code, head.headers)
    assert b"" == head.content != get.content


@pytest.mark.parametrize(
    ("header", "values", "answered"),
    [
        pytest.param("Accept", ["text/plain;q=0.1", "application/openmetrics-text"], OPENMETRICS, id="Accept"),
        pytest.param("Accept-Encoding", ["br", "gzip"], "gzip", id="Accept-Encoding"),
    ],
)
async def test_header_lines_that_are_repeated_are_one_list(
    client: Client, header: str, values: list[str], answered: str
) -> None:
    """RFC 9110, 5.3."""
    async with client() as http:
        response = await http.get("/metrics", headers=[(header, value) for value in values])

    assert response.headers[header.replace("Accept-", "Content-").replace("Accept", "Content-Type")] == answered


@FORMATS
async def test_an_exposition_before_the_first_poll_is_not_empty(
    client: Client, content_type: str, parse: Parse
) -> None:
    """An early scrape succeeds and has the build information."""
    async with client() as http:
        response = await http.get("/metrics", headers={"Accept": content_type})

    names = {family.name for family in parse(plain(response))}
    assert response.status_code == 200
    assert "chat_usage_exporter_build_info" in names
    assert not any(name.startswith("paradigm_") for name in names)


@FORMATS
@ENCODINGS
async def test_an_exposition_published_during_a_scrape_is_for_the_next_one(
    board: Board, telemetry: Telemetry, client: Client, content_type: str, parse: Parse, encoding: str
) -> None:
    """The board is read once per scrape: no response mixes two expositions or has another one's checksum."""
    board.put("production", RenderedSource({"chat-sessions": figures(1.0, companies=50)}))

    def publishing(format_: Format) -> bytes:
        board.put("production", RenderedSource({"chat-sessions": figures(2.0, companies=90)}))
        return telemetry.tail(format_)

    headers = {"Accept": content_type, "Accept-Encoding": encoding}
    async with client(tail=publishing) as http:
        pages = [plain(await http.get("/metrics", headers=headers)) for _ in range(2)]

    assert [[1.0] * 50, [2.0] * 90] == [values(parse(page)) for page in pages]


def values(families: Iterable[Metric]) -> list[float]:
    named = (family for family in families if family.name == "paradigm_document_uses_today")
    return [sample.value for family in named for sample in family.samples]


@pytest.mark.parametrize(
    ("silent_for", "status", "body"),
    [
        pytest.param(0.0, 200, "healthy\n", id="beats"),
        pytest.param(59.9, 200, "healthy\n", id="a beat is late"),
        pytest.param(60.0, 503, "the scheduler has not run for a minute\n", id="is silent"),
    ],
)
async def test_health_is_the_heartbeat(client: Client, silent_for: float, status: int, body: str) -> None:
    """Whatever platforms do; a minute of silence is too long."""
    async with client(alive=lambda within: silent_for < within) as http:
        response = await http.get("/-/healthy")

    assert (status, body) == (response.status_code, response.text)


async def test_ready_is_who_served_a_report(board: Board, client: Client) -> None:
    """The response has the reason and where to look; an exposition without figures is not ready."""
    async with client() as http:
        board.put("production", RenderedSource({"chat-sessions": ()}))
        before = await http.get("/-/ready")
        board.put("production", RenderedSource({"chat-sessions": figures(1.0)}))
        after = await http.get("/-/ready")

    assert (503, 200) == (before.status_code, after.status_code)
    assert before.text == (
        "no report has been served yet; sources: production, support-bot. "
        "chat_usage_polls_total on /metrics shows why\n"
    )
    assert after.text == "ready\n"


@pytest.mark.parametrize("answers", [200, 503])
async def test_readiness_reports_that_no_company_matches(answers: int) -> None:
    """Once every report was read well: then there is nothing to wait for."""
    clock, world = ManualClock(NOON), World.from_seed(1, 6)
    app = httpx.ASGITransport(create_simulator(world, clock.now, sleep=clock.sleep))

    async def answer(request: httpx.Request) -> httpx.Response:
        down = answers != 200 and "feedback" in request.url.path
        return httpx.Response(answers) if down else await app.handle_async_request(request)

    reports = (REPORTS["chat-sessions"], REPORTS["chats-feedback"])
    target = target_with(companies=Companies(include=("nobody",)), reports=reports)
    async with Pipeline(httpx.MockTransport(answer), clock, world.keys.admin, target) as pipeline:
        context = web_context(pipeline.board, pipeline.worker)
        transport = httpx.ASGITransport(create_app(context))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as http:
            before = await http.get("/-/ready")
            await pipeline.poller.poll()
            after = await http.get("/-/ready")

    assert (before.status_code, after.status_code) == (503, answers)
    assert ("no company matches" in after.text) == (answers == 200)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/metric", 404, id="unknown path"),
        pytest.param("GET", "/metrics/../../etc/passwd", 404, id="path that climbs"),
        pytest.param("POST", "/metrics", 405, id="POST to the metrics"),
        pytest.param("DELETE", "/", 405, id="DELETE of the start page"),
        pytest.param("PUT", "/-/healthy", 405, id="PUT to the health"),
    ],
)
async def test_other_paths_and_methods_are_refused(client: Client, method: str, path: str, status: int) -> None:
    """What is only read cannot be written."""
    async with client() as http:
        response = await http.request(method, path)

    assert response.status_code == status
    assert response.headers.get("Allow", "").replace(" ", "") in ("", "GET,HEAD", "HEAD,GET")
