"""Laws of who uses the simulated platform."""

from datetime import date, timedelta

import pytest

from exporter.simulator.chance import draws, token
from exporter.simulator.paradigm.companies import populate

AGENTS_FROM = date(2025, 12, 1)


def test_draws_depend_on_every_part_of_the_key_and_lie_in_0_to_1() -> None:
    assert draws(1, "chat", 2) == draws(1, "chat", 2)
    assert len({draws(1, "chat", 2), draws(1, "chat", 3), draws(2, "chat", 2), draws(1, "agent", 2)}) == 4
    assert all(0 <= draw < 1 for number in range(200) for draw in draws(number))


def test_a_token_has_its_length_and_only_letters_and_digits() -> None:
    assert token(40, 1).isalnum()
    assert len(token(40, 1)) == 40


def test_a_smaller_world_is_the_beginning_of_a_larger_one() -> None:
    assert populate(1, 12) == populate(1, 40)[:12]


@pytest.mark.parametrize("seed", [0, 1, -5, 2**63])
def test_ids_and_names_are_unique_in_the_largest_world(seed: int) -> None:
    companies = populate(seed, 10_000)
    assert [company.id for company in companies] == list(range(1, 10_001))
    assert len({company.name for company in companies}) == 10_000


def test_names_have_umlauts_accents_a_quote_and_an_emoji_from_four_companies_on() -> None:
    names = "".join(company.name for company in populate(1, 4))
    assert all(character in names for character in 'üéÎ"🚀')


@pytest.mark.parametrize("seed", range(5))
def test_five_companies_are_already_of_very_different_size(seed: int) -> None:
    sizes = [company.size for company in populate(seed, 5)]
    assert max(sizes) > 10 * min(sizes)


@pytest.mark.parametrize("last", [date(2000, 1, 1), date(2026, 11, 20), date(2100, 12, 31)], ids=str)
def test_in_any_800_days_companies_start_and_companies_end(last: date) -> None:
    first = last - timedelta(days=800)
    companies = populate(1, 200)
    assert any(not company.is_customer(first) and company.is_customer(last) for company in companies)
    assert any(company.is_customer(first) and not company.is_customer(last) for company in companies)
    assert companies[0].is_customer(first)


def test_a_company_that_is_no_customer_has_no_business_and_a_new_one_has_little() -> None:
    company = populate(1, 4)[3]
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(2000)]
    starts = [n for n in range(1, 2000) if company.is_customer(days[n]) and not company.is_customer(days[n - 1])]
    assert all((company.growth(day) > 0) == company.is_customer(day) for day in days)
    assert all(company.growth(days[n]) < company.growth(days[n + 360]) / 2 for n in starts if n + 360 < 2000)
    assert starts


def test_business_stays_within_bounds_over_a_century() -> None:
    years = [date(year, 6, 1) for year in range(1997, 2102)]
    assert all(0.1 <= c.growth(day) <= 4 for c in populate(1, 40) if not c.tenure for day in years)


def test_use_moves_to_agents_and_never_back() -> None:
    for company in populate(1, 40):
        shares = [company.agent_share(AGENTS_FROM + timedelta(days=n)) for n in range(-1, 500)]
        assert shares == sorted(shares)
        assert shares[0] == 0
        assert shares[-1] > 0.9
        assert company.agent_share(date(2100, 12, 31)) <= 0.97
