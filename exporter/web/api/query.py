"""The query of /api/v1/days: one model for validation, error messages and OpenAPI parameters."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from starlette.datastructures import QueryParams

from exporter.domain.errors import QueryError
from exporter.domain.model import Days
from exporter.domain.nearest import remedy
from exporter.domain.selectors import selector

MOST_COMPANIES = 10_000
LONGEST_SHOWN = 60
LONGEST_SELECTOR = 256  # the standard library compiles each glob and caches thousands of them

DaysFormat = Literal["json", "csv"]
Available = Mapping[str, Sequence[str]]
"""Known values of `source` and `measure`: source names, and metric names without their window."""


def _written(pattern: str) -> BeforeValidator:
    """Refuses other spellings that pydantic accepts: seconds since 1970 as a day, `1_000`, blanks."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return BeforeValidator(checked)


Day = Annotated[date, _written("[0-9]{4}-[0-9]{2}-[0-9]{2}")]
Count = Annotated[int, Field(ge=1, le=MOST_COMPANIES), _written("[1-9][0-9]*")]
Selector = Annotated[str, Field(max_length=LONGEST_SELECTOR), AfterValidator(selector)]
Cursor = Annotated[str, Field(pattern="^[^/]+/")]
Absent = SkipJsonSchema[None]


class DaysQuery(BaseModel):
    """One request; empty `source`, `company` (selectors) and `measure` match all.

    The page starts after the company of `cursor`. Without a `format`, the Accept header decides.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    source: tuple[str, ...] = ()
    """A source; may be repeated."""
    company: tuple[Selector, ...] = ()
    """A selector of companies: `17`, `id:17`, `name:Nor*`, or a glob of either; case-sensitive; may be repeated."""
    measure: tuple[str, ...] = ()
    """A measure: the name of its metric without the window; may be repeated."""
    first: Day | Absent = Field(None, alias="from")
    """The first day, in the source's time zone."""
    last: Day | Absent = Field(None, alias="to")
    """The last day, in the source's time zone."""
    limit: Count = 1_000
    """Maximum number of companies per page."""
    cursor: Cursor | Absent = None
    """Where the previous page ended: its `next`; for CSV, the `Link` header has it."""
    format: DaysFormat | Absent = None
    """Format of the response; takes precedence over the `Accept` header."""

    @field_validator("source", "measure")
    @classmethod
    def _exist(cls, values: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        name, available = str(info.field_name), info.context or {}
        for value in values:
            if value not in available[name]:
                raise ValueError(_unknown(name, value, available[name]))
        return values

    @model_validator(mode="after")
    def _is_in_order(self) -> "DaysQuery":
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"from={self.first} is after to={self.last}; swap them")
        return self

    @property
    def days(self) -> Days:
        return Days(self.first or date.min, self.last or date.max)

    @property
    def after(self) -> tuple[str, str] | None:
        """The source and company id in `cursor`, with a slash between."""
        source, _, company_id = (self.cursor or "").partition("/")
        return (source, company_id) if self.cursor else None


PARAMETERS = {field.alias or name: field for name, field in DaysQuery.model_fields.items()}
NO_DAY = "is not a day; write it as 2026-03-02"
REMEDIES = {
    "company": f"is not a selector; give id:17 or name:Nor*, {LONGEST_SELECTOR} characters at most",
    "from": NO_DAY,
    "to": NO_DAY,
    "limit": f"is not a number of companies; give 1 to {MOST_COMPANIES}",
    "cursor": "is not a cursor of this API; take it from next of the previous page",
}


def read(parameters: QueryParams, available: Available) -> DaysQuery:
    """Reads a query string; QueryError if a parameter is unknown, repeated or wrong."""
    values: dict[str, str | list[str]] = {}
    for name in parameters:
        if name not in PARAMETERS:
            raise QueryError(_unknown("parameter", name, PARAMETERS))
        given, is_list = parameters.getlist(name), PARAMETERS[name].default == ()
        if len(given) > 1 and not is_list:
            raise QueryError(f"{name} is given {len(given)} times; give it once")
        values[name] = given if is_list else given[0]
    try:
        return DaysQuery.model_validate(values, context=available)
    except ValidationError as error:
        raise QueryError(_message(error)) from None


def _message(error: ValidationError) -> str:
    """Describes the first problem in one line."""
    first = error.errors(include_url=False)[0]
    name = str(next(iter(first["loc"]), ""))
    if name in REMEDIES:
        return f"{name}={_shown(first['input'])} {REMEDIES[name]}"
    return _unknown(name, first["input"], get_args(DaysFormat)) if name == "format" else str(first["ctx"]["error"])


def _unknown(what: str, value: str, known: Collection[str]) -> str:
    return f"the {what} {_shown(value)} does not exist; {remedy(value, sorted(known))}"


def _shown(value: str) -> str:
    """Quotes any value in one line, cut off if it is long."""
    shown = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}..."
    return ascii(shown) if not shown.isprintable() else f'"{shown}"'
