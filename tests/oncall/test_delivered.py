"""The delivered text of each default alert in every channel, compared with a reviewed golden file.

What the rules make of a breach is proven by `tests/alert_rules/test_laws.py`; here a real Alertmanager sends it, by the
blocks of the shipped example, those that are commented out among them. `make chart-golden` writes the file anew.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path

import httpx
import pytest
import yaml

from tests.alert_rules.laws import LAWS, Law
from tests.alert_rules.promtool import FILES, expected_alert
from tests.e2e import programs
from tests.oncall import shipped
from tests.oncall.alerting import alertmanager
from tests.oncall.amtool import program
from tests.oncall.inbox import Inbox, receiving
from tests.oncall.shipped import Config, mapping, mappings
from tests.oncall.test_routes import text_with
from tools.rules import linked

pytestmark = [pytest.mark.e2e, pytest.mark.once]

GOLDEN = Path(__file__).parent / "delivered.txt"
ON = "".join(file.read_text() for file in FILES if file.parent.name == "alert_rules")
BY_DEFAULT = [law for law in LAWS if f"alert: {law.alert}\n" in ON]
DEFAULT = tuple({(law.name, law.fires.get("team")): law for law in BY_DEFAULT}.values())
TIMEOUT_S = 60


def every_channel(inbox: Inbox, folder: Path) -> Config:
    """Returns a configuration whose only receiver has all channels of the example, with local addresses."""
    config = mapping(yaml.safe_load(text_with("msteamsv2_configs")))
    blocks: dict[str, list[Config]] = {}
    for each in mappings(config["receivers"]):
        for kind, some in each.items():
            if kind.endswith("_configs") and kind != "webhook_configs":
                blocks[kind] = mappings(some)[:1]
    (slack,), mattermost = blocks["slack_configs"], folder / "mattermost"
    mattermost.write_text(f"{inbox.url}/mattermost")
    blocks["slack_configs"] = [
        {**slack, "api_url": f"{inbox.url}/slack"},
        {**slack, "api_url_file": str(mattermost)},
    ]
    here: Mapping[str, Config] = {
        "pagerduty_configs": {"url": f"{inbox.url}/pagerduty", "routing_key_file": str(mattermost)},
        "opsgenie_configs": {"api_url": f"{inbox.url}/jsm/", "api_key_file": str(mattermost)},
        "msteamsv2_configs": {"webhook_url": f"{inbox.url}/teams", "webhook_url_file": None},
        "email_configs": {"smarthost": inbox.smarthost, "from": "alerts@example.org", "require_tls": False},
    }
    receiver: Config = {"name": "every"}
    for kind, some in blocks.items():
        changed = [{**block, **here.get(kind, {})} for block in some]
        receiver[kind] = [{key: value for key, value in block.items() if value is not None} for block in changed]
    route = {"receiver": "every", "group_by": ["..."], "group_wait": "1ms"}
    return {"templates": [f"{shipped.TEMPLATES}/*.tmpl"], "route": route, "receivers": [receiver]}


def alert(law: Law) -> Config:
    """Returns an alert of a broken limit with links, as it is posted."""
    made = expected_alert(law.alert, law.fires, law.value, law.texts)
    text = yaml.safe_dump(dict(made["exp_annotations"]), width=10**9, allow_unicode=True)
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": law.alert, **made["exp_labels"]},
        "annotations": yaml.safe_load(linked(text, "https://wiki.example.com", "https://grafana.example.com")),
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
    }


def slack(body: Config) -> str:
    (attachment,) = mappings(body["attachments"])
    return f"{attachment['title']}\n{attachment['text']}"


def teams(body: Config) -> str:
    (card,) = mappings(body["attachments"])
    return "\n".join(str(block["text"]) for block in mappings(mapping(card["content"])["body"]))


def pagerduty(body: Config) -> str:
    payload = mapping(body["payload"])
    firing = mapping(payload["custom_details"])["firing"]
    assert isinstance(firing, str), "Alertmanager read it as YAML"
    named = " ".join(f"{link['text']}: {link['href']}" for link in mappings(body["links"]))
    return f"{payload['severity']}: {payload['summary']}\n{firing.strip()}\n{named}"


def jsm(body: Config) -> str:
    return f"{body['priority']}: {body['message']}\n{body['description']}"


def mail(message: Message) -> str:
    subject = str(make_header(decode_header(str(message["Subject"]))))
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in message.walk()}
    plain, html = (parts[f"text/{kind}"] for kind in ("plain", "html"))
    assert isinstance(plain, bytes)
    assert isinstance(html, bytes)
    assert html.count(b"<a href=") == plain.count(b"http")
    return f"{subject}\n{plain.decode().strip()}"


def told(inbox: Inbox) -> Iterator[tuple[str, str]]:
    """Yields channel and text of each message."""
    read = {"slack": slack, "mattermost": slack, "teams": teams, "pagerduty": pagerduty, "jsm": jsm}
    for channel, function in read.items():
        yield from ((channel, function(body)) for body in inbox.posted.get(channel, []))
    yield from (("mail", mail(message)) for message in inbox.mails)


def delivered(suite: str, folder: Path) -> str:
    """Returns the delivered texts of every alert by channel."""
    alerts = [(law.name, alert(law)) for law in DEFAULT]
    count = len(alerts)
    with receiving() as inbox, alertmanager(program("alertmanager", suite), folder, every_channel(inbox, folder)) as it:
        httpx.post(f"{it.url}/api/v2/alerts", json=[one for _, one in alerts], trust_env=False).raise_for_status()
        programs.wait_for(lambda: len(list(told(inbox))) >= 6 * count, "every message in six channels", TIMEOUT_S)
        messages = [(channel, text.replace("\r\n", "\n")) for channel, text in told(inbox)]
    lines = []
    for name, one in alerts:
        lines.append(f"=== {name}")
        runbook = str(mapping(one["annotations"])["runbook_url"])
        known = {name: value for name, value in mapping(one["labels"]).items() if name in ("severity", "activity")}
        parts = (runbook, *(f"{name}%3D%22{value}%22" for name, value in known.items()))
        mine = {channel: text for channel, text in messages if all(part in text for part in parts)}
        assert mine.pop("mattermost") == mine["slack"]
        lines += [f"[{channel}]\n{text}" for channel, text in mine.items()]
    return re.sub(r"http://[\w.-]+:\d+/#/", "http://alertmanager.example.org:9093/#/", "\n".join(lines)) + "\n"


def test_delivered_texts_are_as_reviewed(tmp_path: Path) -> None:
    assert delivered("sid", tmp_path) == GOLDEN.read_text("utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write(delivered("sid", Path(made)))
