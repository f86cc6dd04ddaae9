"""Selectors select companies by id, by name, or by a glob of either."""

import pytest

from exporter.domain.selectors import Companies, selector, selects

NORTHWIND = ("17", "Northwind")
WRITTEN = {
    "17": "17",
    " 17 ": "17",
    "id:17": "id:17",
    "id: 17": "id:17",
    "ID:17": "id:17",
    "Name : Nor* ": "name:Nor*",
    "name:id:17": "name:id:17",
    "Acme: Berlin": "Acme: Berlin",
}


@pytest.mark.parametrize(("written", "meant"), WRITTEN.items())
def test_a_selector_is_read_as_it_is_meant(written: str, meant: str) -> None:
    assert selector(written) == meant
    assert selector(meant) == meant


@pytest.mark.parametrize("written", ["id:", "NAME: "])
def test_a_prefix_alone_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="has nothing after"):
        selector(written)


SELECTED = {
    "17": True,
    "id:17": True,
    "Northwind": True,
    "name:Nor*": True,
    "1*": True,
    "id:1?": True,
    "No*": True,
    "*": True,
    "1": False,
    "id:1": False,
    "id:Northwind": False,
    "name:17": False,
    "nor*": False,
}


@pytest.mark.parametrize(("written", "matches"), SELECTED.items())
def test_a_selector_means_the_same_in_every_option(written: str, matches: bool) -> None:
    assert selects(written, *NORTHWIND) is matches
    assert Companies(include=(written,)).wants(*NORTHWIND) is matches
    assert Companies(exclude=(written,)).wants(*NORTHWIND) is not matches
    assert Companies(expected=(written,)).expects(*NORTHWIND) is matches
    assert Companies(expected=(written,)).missing(dict([NORTHWIND]), {}) == (() if matches else (written,))


def test_a_name_that_looks_like_a_glob_selects_its_company() -> None:
    """A company with brackets in its name can be excluded by that name."""
    assert not Companies(exclude=("Acme [test]",)).wants("18", "Acme [test]")


@pytest.mark.parametrize("expected", ["17", "id:17", "name:Northwind", "Nor*"])
def test_an_excluded_company_is_not_missed(expected: str) -> None:
    companies = Companies(exclude=("id:17", "Northwind"), expected=(expected, "id:99"))
    assert companies.missing({}, dict([NORTHWIND])) == ("id:99",)
