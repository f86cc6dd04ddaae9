"""Nothing of an excluded company leaves the exporter, whichever selectors exclude it."""

import html
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest
from msgspec.structs import replace

from exporter.domain.selectors import Companies, Entry
from exporter.metrics.limits import CompanyLimits, Threshold
from exporter.platforms.paradigm.platform import REPORTS
from exporter.polling.state_file import StateFile
from exporter.polling.state_format import decoded
from exporter.settings import readers
from exporter.simulator.app import create_app
from exporter.simulator.paradigm.world import World
from tests.pipeline.pipeline import RULES, ManualClock, Pipeline, target_with, utc
from tests.web.api_client import client_of

pytestmark = pytest.mark.anyio
NOON = utc(2026, 3, 3, 12)

Form = Callable[[str, str], tuple[str, Callable[[str, str], bool]]]
FORMS: tuple[Form, ...] = (
    lambda company, _: (company, lambda id_, _: id_ == company),
    lambda company, _: (f"id:{company}", lambda id_, _: id_ == company),
    lambda company, _: (f" ID : {company} ", lambda id_, _: id_ == company),
    lambda company, _: (f"{company[0]}*", lambda id_, name: id_[0] == company[0] or name.startswith(company[0])),
    lambda company, _: (f"id:?{company[1:]}", lambda id_, _: id_[1:] == company[1:]),
    lambda _, named: (named, lambda _, name: name == named),
    lambda _, named: (f"Name: {named}", lambda _, name: name == named),
    lambda _, named: (f"name:*{named[-3:]}", lambda _, name: name.endswith(named[-3:])),
    lambda _, named: (f"{named[:4]}*", lambda id_, name: name.startswith(named[:4]) or id_.startswith(named[:4])),
)
"""Selections, each with an equivalent one."""


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_of_an_excluded_company_is_anywhere(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not on /metrics, in the API, on the page, in the log or the state file; the others are all there.

    Even if a limit names it.
    """
    caplog.set_level(logging.DEBUG)
    rng, world, clock = Random(seed), World.from_seed(seed, 14), ManualClock(NOON)
    known = {str(each.id): each.name for each in world.companies}
    written, laws = zip(*(rng.choice(FORMS)(*rng.choice([*known.items()])) for _ in range(2)), strict=True)
    excluded = {company: name for company, name in known.items() if any(law(company, name) for law in laws)}
    expected = (f"id:{next(iter(excluded))}",)
    companies = Companies(exclude=readers.selectors(list(written)), expected=expected)
    state = tmp_path / "state"
    store = StateFile(state, clock.now).store("s", {}, RULES)
    limits = [Threshold(("user_queries",), {"below": 1e9}, company=f"name:{name}") for name in known.values()]
    target = replace(
        target_with(companies=companies, reports=tuple(REPORTS.values())),
        company_limits=CompanyLimits(tuple(limits)),
        selectors={"thresholds": tuple(Entry("s", "thresholds", each.company) for each in limits)},
    )
    pipeline = Pipeline(httpx.ASGITransport(create_app(world, clock.now)), clock, world.keys.admin, target, store=store)
    async with pipeline:
        await pipeline.poller.poll()
        clock.moment += timedelta(days=1)
        await pipeline.poller.poll()
        async with client_of(pipeline.board, now=clock.now) as browser:
            answers = [await browser.get(path) for path in ("/metrics", "/api/v1/days", "/")]
    texts = [html.unescape(each.text).replace(r"\"", '"') for each in answers]
    texts += ["".join(str(vars(record)) for record in caplog.records), state.read_bytes().decode(errors="ignore")]
    served = {each["company_id"] for each in answers[1].json()["figures"]}
    held = {company for each in decoded(state.read_bytes())["s"].reports.values() for company in each.ledger.names}
    listed = pipeline.board.shown.source_infos["s"].listed or {}

    assert served == listed.keys() - excluded.keys()
    assert served <= held
    assert not held & excluded.keys()
    for company, name in excluded.items():
        assert not [text for text in texts if name in text or f'company_id="{company}"' in text]
