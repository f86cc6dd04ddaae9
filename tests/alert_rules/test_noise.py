"""A year in which nothing is wrong, in short: the whole one is `python -m tests.alert_rules.noise`."""

import pytest

from tests.alert_rules.noise import INACTIVE, simulate_year, table

pytestmark = pytest.mark.once
COMPANIES = 20


def test_a_year_in_which_nothing_is_wrong_is_quiet() -> None:
    """Less than one alert per company, no page, and none of those that the closed weeks gave before."""
    found = simulate_year(COMPANIES, seed=1)
    assert found.without_cause < COMPANIES
    assert found.pages == 0
    assert f"| {INACTIVE} | 0.0 " in table(found, COMPANIES)
