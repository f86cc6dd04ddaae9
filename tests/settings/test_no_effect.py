"""Each setting without effect is reported in one line; settings with effect are not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.platforms.registry import platforms
from exporter.settings import load

SOURCES = """
sources:
  production: {{platform: paradigm, api_key: CANARY-of-a-key, timezone: Europe/Paris{paradigm}}}
{more}
"""
BOT = "  bot: {platform: chatcaptain, chatbot_id: bot_1, api_key: CANARY-of-a-key}\n"
NOW = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # in Paris it is the 30th


@pytest.mark.parametrize(
    ("paradigm", "more", "lines"),
    [
        pytest.param(
            ", families: {exclude: [paradigm_tool_use]}",
            "",
            [
                'sources.production.families.exclude: "paradigm_tool_use" matches no family;'
                ' did you mean "paradigm_tool_uses_7d"?'
            ],
            id="a-typo",
        ),
        pytest.param(
            ', families: {exclude: ["chatcaptain_*"]}',
            "",
            ['sources.production.families.exclude: "chatcaptain_*" matches no family;'],
            id="families-of-another-platform",
        ),
        pytest.param(
            ', families: {exclude: ["*_28d", paradigm_members_ever, "paradigm_tool_uses*", chat_usage_activity_today,'
            " paradigm_user_queries_daily, chat_usage_report_up]}",
            BOT,
            [],
            id="families-that-there-are",
        ),
        pytest.param(
            ", api_key_expires: 2026-11-30",
            "",
            ["sources.production.api_key_expires: the key expired on 2026-11-30;"],
            id="a-day-that-has-begun",
        ),
        pytest.param(", api_key_expires: 2026-12-01", "", [], id="a-day-to-come"),
        pytest.param(
            "",
            "thresholds: [{activity: [conversations, sessions], below: 5}]",
            ['thresholds: "conversations" is not an activity of LightOn Paradigm, so its limit has no effect;'],
            id="an-activity-of-another-platform",
        ),
        pytest.param(
            "",
            f"{BOT}thresholds: [{{source: production, activity: conversations, below: 5}}]",
            ['thresholds: "conversations" is not an activity of LightOn Paradigm, so its limit has no effect;'],
            id="an-activity-of-another-source",
        ),
        pytest.param(
            "", f"{BOT}thresholds: [{{activity: [conversations, sessions], below: 5}}]", [], id="of-one-of-two"
        ),
    ],
)
def test_what_has_no_effect_is_said(tmp_path: Path, paradigm: str, more: str, lines: list[str]) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text(SOURCES.format(paradigm=paradigm, more=more))

    said = list(load(path, {}, platforms()).without_effect(NOW))

    assert len(said) == len(lines)
    assert all(found.startswith(begun) and "\n" not in found for found, begun in zip(said, lines, strict=True))
