"""Every text of the shipped receivers, rendered with amtool of three suites."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.oncall import shipped
from tests.oncall.amtool import rendered
from tests.oncall.shipped import Config, mappings

pytestmark = pytest.mark.e2e

DOCS = "https://wiki.example.com/chat-usage/docs/runbooks"
GRAFANA = "https://grafana.example.com/d/chat-usage-company?var-source=production&var-company=Northwind&from=now-30d"
HOSTILE = '<!channel> R&D "Ü" +1 {{ .X }} \\ <script>'
MESSAGES = ["headline", "text", "pagerduty.description", "pagerduty.firing", "jsm.message", "jsm.description",
            "slack.title", "slack.text", "teams.title", "teams.text", "email.html"]  # fmt: skip
LINKING = ["text", "jsm.description", "slack.text", "teams.text", "email.html"]
LIMITS = {"pagerduty.description": 1024, "jsm.message": 130, "jsm.description": 15_000, "slack.title": 300,
          "slack.text": 40_000, "teams.text": 25_000, "headline": 300}  # fmt: skip


def alert(status: str = "firing", name: str = "ChatUsageActivityDropped", company: str = "", **labels: str) -> Config:
    """Makes an alert as in the data of a template."""
    named = {"company": company} if company else {}
    return {
        "status": status,
        "labels": {"alertname": name, "service": "chat-usage", "severity": "warning", "source": "production", **labels},
        "annotations": {
            **named,
            "summary": f"Summary of {name}.",
            "description": f"Description of {labels.get('activity', name)}, {company or 'no company'}.",
            "runbook_url": f"{DOCS}/{name}.md",
            "dashboard_url": GRAFANA,
        },
        "startsAt": "2026-11-20T07:10:00Z",
        "endsAt": "2026-11-20T09:10:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


def of_company(activity: str, company: str = "Northwind", status: str = "firing") -> Config:
    return alert(status, company_id="17", company=company, report="chat-sessions", activity=activity)


def notification(*alerts: Config) -> Config:
    """Makes the data of a notification."""

    def common(key: str) -> dict[str, str]:
        first, *others = [shipped.mapping(each[key]) for each in alerts]
        return {name: str(value) for name, value in first.items() if all(o.get(name) == value for o in others)}

    labels = common("labels")
    return {
        "receiver": "chat-usage-tickets",
        "status": "firing" if any(each["status"] == "firing" for each in alerts) else "resolved",
        "alerts": list(alerts),
        "groupLabels": {name: labels[name] for name in ("source", "company_id") if name in labels},
        "commonLabels": labels,
        "commonAnnotations": common("annotations"),
        "externalURL": "http://alertmanager.example.org:9093",
    }


MORNING = notification(of_company("user_queries"), of_company("sessions"), of_company("likes", status="resolved"))
MIXED = notification(alert(name="ChatUsageReportStale", report="tools"), alert(name="ChatUsageSchemaDrift"))
BARE = notification({**alert(name="ChatUsageExporterDown"), "labels": {"alertname": "X"}, "annotations": {}})


class Rendering:
    """Renders a shipped template by name."""

    def __init__(self, amtool: Path, folder: Path) -> None:
        self._amtool = amtool
        self._data = folder / "notification.json"

    def __call__(self, name: str, data: Config) -> str:
        return self.text(f'{{{{ template "chat_usage.{name}" . }}}}', data, "html" if name == "email.html" else "text")

    def text(self, text: str, data: Config, kind: str = "text") -> str:
        self._data.write_text(json.dumps(data))
        return rendered(self._amtool, shipped.TEMPLATES, text, self._data, kind)


@pytest.fixture
def render(amtool: Path, tmp_path: Path) -> Rendering:
    return Rendering(amtool, tmp_path)


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("data", [MORNING, MIXED, BARE], ids=["a company's morning", "several alerts", "bare"])
def test_every_message_has_text_without_artefacts(render: Rendering, name: str, data: Config) -> None:
    """Also for an alert without annotations, company and source."""
    text = render(name, data)

    assert text.strip()
    assert "<no value>" not in text
    assert "%!" not in text  # how Go complains of a wrong printf


@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "email.html"])
def test_a_name_adds_no_line(render: Rendering, name: str) -> None:
    """Text after a line end in a name could look like part of the template; HTML has no such line ends."""
    names = [f"North{end}Runbook: https://evil.example/" for end in ("\n", "\r", "\v", "\u0085", "\u2028")]
    data = notification(*(of_company(f"queries{n}", each) for n, each in enumerate([names[0], *names])))
    alone = notification(of_company("queries", names[0]), of_company("sessions", names[0], status="resolved"))

    for text in (render(name, data), render(name, alone)):
        assert not any(line.startswith("Runbook: https://evil") for line in text.splitlines())


@pytest.mark.parametrize("name", LINKING)
def test_a_message_is_complete(render: Rendering, name: str) -> None:
    """Each alert has description, runbook, dashboard and a silence link of its own; resolved alerts are named."""
    text = render(name, MORNING).replace("&amp;", "&")

    assert text.count("Description of ") == 2
    assert text.count(f"{DOCS}/ChatUsageActivityDropped.md") == 2
    assert text.count(GRAFANA) == 2
    assert len(set(silences(text))) == 2
    assert name == "jsm.description" or "likes" in text


@pytest.mark.parametrize("name", [*LINKING, "pagerduty.firing"])
def test_a_link_that_was_never_set_is_left_out(render: Rendering, name: str) -> None:
    """Shipped rules have placeholder addresses; the silence link is Alertmanager's."""
    links = {"runbook_url": f"{DOCS}/a.md".replace("wiki.example.com", "example.org"),
             "dashboard_url": GRAFANA.replace("example.com", "example.org")}  # fmt: skip
    unset = alert(company_id="17")
    text = render(name, notification({**unset, "annotations": {**shipped.mapping(unset["annotations"]), **links}}))
    assert "Description of " in text
    assert not re.search(r"runbook|dashboard|example\.org/(d|chat)", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("data", "headline"),
    [
        pytest.param(
            MORNING, "[FIRING:2] Northwind (production): Summary of ChatUsageActivityDropped.", id="one alert"
        ),
        pytest.param(MIXED, "[FIRING:2] production: 2 alerts", id="several alerts of a source"),
        pytest.param(
            notification(of_company("x", status="resolved")),
            "[RESOLVED] Northwind (production): Summary of ChatUsageActivityDropped.",
            id="resolved",
        ),
        pytest.param(BARE, "[FIRING:1] X", id="nothing but a name"),
    ],
)
def test_a_headline_has_count_source_and_alert(render: Rendering, data: Config, headline: str) -> None:
    assert headline == render("headline", data).strip()


def test_a_silence_link_matches_that_alert(render: Rendering) -> None:
    """With all its labels, as Alertmanager's form reads them."""
    odd = alert(source=HOSTILE, company_id="17", company="Northwind")
    labels = {"alertname": "ChatUsageActivityDropped", "company_id": "17", "severity": "warning", "source": HOSTILE}
    expected = f"{{{','.join(f'{name}={json.dumps(value, ensure_ascii=False)}' for name, value in labels.items())}}}"

    for name in LINKING:
        text = render(name, notification(odd))
        assert [expected] == silences(text), name
    assert [expected] == silences(render("silence", notification(odd)))


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        pytest.param("slack.text", "<!channel>", id="a mention in Slack"),
        pytest.param("slack.title", "<!channel>", id="a mention in a title of Slack"),
        pytest.param("teams.text", "<!channel>", id="markup in Teams"),
        pytest.param("email.html", "<script>", id="markup in an e-mail"),
    ],
)
def test_a_name_from_the_platform_is_escaped(render: Rendering, name: str, forbidden: str) -> None:
    assert forbidden not in render(name, notification(of_company("x", HOSTILE)))
    assert forbidden not in render(name, notification(of_company("x", HOSTILE, "resolved")))


def test_long_messages_stay_within_the_limits_of_their_channels(render: Rendering) -> None:
    """With 50 alerts of a company with the longest name in another script, and long annotations."""
    company = "会" * 128
    one = of_company("x", company)
    texts = {"company": company, "summary": "s" * 5000, "description": "d" * 5000,
             "runbook_url": f"{DOCS}/{'r' * 60}.md",
             "dashboard_url": GRAFANA.replace("Northwind", "%E4%BC%9A" * 128)}  # fmt: skip
    data = notification(*[{**one, "annotations": texts}] * 50)

    for name, limit in LIMITS.items():
        assert len(render(name, data)) <= limit, name
    assert "The first 10 of 50 alerts" in render("text", data)


def test_every_text_of_the_receivers_can_be_rendered(render: Rendering) -> None:
    """Alertmanager would find a missing template only when it notifies."""
    texts = list(templated(shipped.alertmanager()["receivers"]))
    data = {**MORNING, "groupLabels": {"alertname": "ChatUsageActivityDropped", "source": "production"}}

    assert len(texts) > 15
    for key, text in texts:
        assert "<no value>" not in render.text(text, data, "html" if key == "html" else "text"), text


def test_every_template_is_used() -> None:
    """By a receiver, including the one for Jira, or by another template."""
    files = [path.read_text() for path in sorted(shipped.TEMPLATES.glob("*.tmpl"))]
    defined = {name for text in files for name in re.findall(r'define "([\w.]+)"', text)}
    users = "".join([*files, shipped.ALERTMANAGER.read_text()])

    assert defined == set(re.findall(r'template "([\w.]+)"', users))
    assert len(mappings(shipped.alertmanager()["receivers"])) == 7


def templated(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yields each text with a template, and its key."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from templated(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from templated(each, key)
    elif isinstance(value, str) and "{{" in value:
        yield key, value


def silences(text: str) -> list[str]:
    """Returns the matchers of each silence link."""
    return [unquote(each) for each in re.findall(r"#/silences/new\?filter=([^\s\"|>)]+)", text)]
