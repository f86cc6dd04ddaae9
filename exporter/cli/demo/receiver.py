"""Prints notifications instead of sending them: Alertmanager posts each receiver's own texts to the demo.

`python -m exporter.cli.demo.receiver HOST:PORT` does so for compose.yml, and `demo --stack` by itself.
Only Slack receivers can post a title and a text to any URL, so every channel becomes one, with its own templates.
"""

import asyncio
import html
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jmespath
import typer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.app.process import serving_until_signalled
from exporter.domain.errors import ConfigError
from exporter.web.server.server import listen

SLACK = "slack_configs"
HEADLINE, TEXT = '{{ template "chat_usage.headline" . }}', '{{ template "chat_usage.text" . }}'
CHANNELS: Mapping[str, tuple[str, str]] = {
    SLACK: ("title", "text"),
    "pagerduty_configs": ("description", "details.firing"),
    "opsgenie_configs": ("message", "description"),
    "email_configs": ("headers.Subject", "text"),
    "webhook_configs": ("title", "text"),  # has neither: programs get JSON, so the common texts are shown
}
"""Where the block of a channel has its headline and its text."""


def delivering(config: Mapping[str, object], files: Path, receiver: str) -> Mapping[str, object]:
    """Returns an Alertmanager configuration whose receivers post to `receiver`/CHANNEL/NAME."""
    receivers: list[Mapping[str, object]] = config["receivers"]  # type: ignore[assignment]  # YAML has no types
    return {
        **config,
        "global": {},
        "templates": [f"{files}/config/alertmanager/*.tmpl"],
        "receivers": [_posting(each, receiver) for each in receivers],
    }


def create_app(show: Callable[[str], None]) -> Starlette:
    async def take(request: Request) -> Response:
        for each in (await request.json())["attachments"]:  # as Alertmanager posts to Slack
            text = notice(request.path_params["name"], each.get("title", ""), each.get("text", ""))
            if request.path_params["channel"] == SLACK:  # as Slack shows it, with the URLs of its links
                text = html.unescape(re.sub(r"<([^|>]+)\|([^>]+)>", r"\2: \1", text))
            show(text)
        return Response("ok")

    return Starlette(routes=[Route("/{channel}/{name}", take, methods=["POST"])])


def notice(receiver: str, title: str, text: str) -> str:
    """Returns a message as a person reads it, without the headline twice."""
    lines = [line for line in text.strip().splitlines() if line != title]
    return "\n".join([f"--- to {receiver}: {title}", *(f"    {line}" if line else "" for line in lines), ""])


def _posting(receiver: Mapping[str, object], address: str) -> Mapping[str, object]:
    name = receiver["name"]
    blocks = [
        {
            "api_url": f"{address}/{kind}/{name}",
            "channel": "#demo",
            "send_resolved": block.get("send_resolved", False),
            "title": jmespath.search(title, block) or HEADLINE,
            "text": jmespath.search(text, block) or TEXT,
        }
        for kind, (title, text) in CHANNELS.items()
        for block in receiver.get(kind, [])  # type: ignore[attr-defined]  # YAML has no types
    ]
    return {"name": name, SLACK: blocks} if blocks else {"name": name}


def run(arguments: Sequence[str]) -> int:
    """Listens on the address, the only argument, until SIGTERM or SIGINT; returns the exit status, 2 for wrong use."""
    try:
        with listen(" ".join(arguments), "HOST:PORT") as listening:
            asyncio.run(serving_until_signalled(create_app(typer.echo), listening))
    except ConfigError as error:
        sys.stderr.write(f"receiver: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
