"""An answer of Paradigm that says that it is one page of several, without a link, is refused for that reason."""

import json
from collections.abc import Mapping
from datetime import date

import pytest

from exporter.domain.errors import SchemaError
from exporter.domain.model import Days
from exporter.domain.scope import UTC
from exporter.platforms.api import Context, Report, Request
from exporter.platforms.paradigm.platform import REPORTS
from tests.platforms.test_declared import MORE_PAGES

DAYS = Days(date(2026, 3, 1), date(2026, 3, 2))
SHAPES: Mapping[str, Mapping[str, object]] = {
    "as documented": {"reporting": [], "reporting_agents": [], "metadata": {}, "metadata_agent": {}},
    "rows elsewhere": {"results": []},
    "no list": {"reporting": {"1": []}, "reporting_agents": {}},
}


@pytest.mark.parametrize("said", MORE_PAGES.values(), ids=MORE_PAGES)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_one_page_of_several_is_named_so_whatever_else_is_wrong(
    report: Report, shape: Mapping[str, object], said: Mapping[str, object]
) -> None:
    body = json.dumps({**shape, **said}).encode()
    with pytest.raises(SchemaError, match="one page of several"):
        report.decode(body, Request(report.name, "/", {}, DAYS), Context("s", DAYS.last, UTC))
