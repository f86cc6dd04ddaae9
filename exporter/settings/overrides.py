"""The option `overrides`: what an operator knows better about a report than its platform's documentation."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from exporter.domain.errors import ConfigError
from exporter.platforms import api as source
from exporter.platforms import jmespath_fields
from exporter.platforms.api import Component, Expression, Fields, Override
from exporter.settings.option_groups import Group
from exporter.settings.readers import optional, text
from exporter.settings.surroundings import platform_of
from exporter.settings.words import InnerError, MisfitError, quoted, remedy

_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?")
DEFAULTS = {"entries": "reporting", "company_id": "company.id", "company": "company.name", "date": "date"}
"""The expressions of the envelope that all reports of Paradigm share."""


def path(value: object) -> str:
    """Reads a path below the base URL: never a URL, since the key must not leave for another host."""
    written = text(value)
    if not _PATH.fullmatch(written):
        raise ValueError(
            f"{quoted(written)} is no path; write one such as /api/v2/reporting/tools/, without host or query"
        )
    return written


def expression(value: object) -> Expression:
    """Reads and compiles a JMESPath expression."""
    written = text(value)
    try:
        return jmespath_fields.expression(written)
    except ValueError as error:
        raise ValueError(f"{quoted(written)} {error}; see jmespath.org") from None


OptionalPath = Annotated[str | None, PlainValidator(optional(path))]
OptionalExpression = Annotated[Expression | None, PlainValidator(optional(expression))]


class FieldsOptions(Group):
    """Where the figures of a report stand, each a JMESPath expression relative to the level above."""

    entries: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From the answer: the list of companies, a JMESPath expression; by default reporting.",
        examples=["reporting"],
    )
    company_id: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From a company's entry: its id, a JMESPath expression; by default company.id.",
        examples=["company.id"],
    )
    company: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an entry: the company's name, a JMESPath expression; by default company.name.",
        examples=["company.name"],
    )
    days: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an entry: the list of days, a JMESPath expression; "
        "without it the figures are those of now, which have no day.",
        examples=["dates"],
    )
    date: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From a day: its date as YYYY-MM-DD, a JMESPath expression; by default date.",
        examples=["date"],
    )
    items: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From a day: the list of what is counted there, a JMESPath expression; "
        "without it there is one number per day.",
        examples=["tools"],
    )
    label: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an item: its name, a JMESPath expression.",
        examples=["name"],
    )
    value: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an item, or without items from a day: the number, a JMESPath expression. "
        "Needed as soon as one of the others is set.",
        examples=["n"],
    )

    @field_validator("date")
    @classmethod
    def _is_of_days(cls, date: Expression | None, info: ValidationInfo) -> Expression | None:
        if date and not info.data.get("days", date):
            raise MisfitError("is read from days; set days as well, or leave date out", "days")
        return date

    @field_validator("label")
    @classmethod
    def _is_of_items(cls, label: Expression | None, info: ValidationInfo) -> Expression | None:
        if label and not info.data.get("items", label):
            raise MisfitError("is read from items; set items as well, or leave label out", "items")
        return label

    @field_validator("value")
    @classmethod
    def _is_there(cls, value: Expression | None, info: ValidationInfo) -> Expression | None:
        others = [name for name, given in info.data.items() if given]
        if others and not value:
            raise MisfitError("is missing; say where the number stands", others[0])
        return value


class ComponentOptions(Group):
    """Where one component of an answer stands: a number, a list of names and numbers, or one of moments and numbers."""

    items: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From the answer: the list of what is counted, a JMESPath expression; with label and value.",
        examples=["data.languages"],
    )
    label: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an item: its name, a JMESPath expression.",
        examples=["lang"],
    )
    series: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From the answer: a list of moments with numbers, a JMESPath expression; with time and value. "
        "What lies within the day is added up.",
        examples=["data.perDay"],
    )
    time: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an entry of series: its moment, a JMESPath expression.",
        examples=["ts"],
    )
    value: OptionalExpression = Field(
        default=None,
        validate_default=True,
        description="From an item, from an entry of series, or without both from the answer: the number, "
        "a JMESPath expression.",
        examples=["n"],
    )

    @field_validator("label")
    @classmethod
    def _goes_with_items(cls, label: Expression | None, info: ValidationInfo) -> Expression | None:
        return _paired(label, "items", info)

    @field_validator("series")
    @classmethod
    def _is_no_list_of_items(cls, series: Expression | None, info: ValidationInfo) -> Expression | None:
        if series and info.data.get("items"):
            raise MisfitError("is another kind than items; keep one of the two", "items")
        return series

    @field_validator("time")
    @classmethod
    def _goes_with_series(cls, time: Expression | None, info: ValidationInfo) -> Expression | None:
        return _paired(time, "series", info)

    @field_validator("value")
    @classmethod
    def _is_there(cls, value: Expression | None) -> Expression | None:
        if value is None:
            raise ValueError("is missing; say where the number stands")
        return value


def _paired(given: Expression | None, other: str, info: ValidationInfo) -> Expression | None:
    """Checks that two expressions are both set, or neither."""
    if other in info.data and bool(given) != bool(info.data[other]):
        raise MisfitError(f"goes with {other}; set both, or neither", other)
    return given


class OverrideOptions(Group):
    """What is different about one report."""

    path: OptionalPath = Field(
        default=None,
        validate_default=True,
        description="Where the platform has the report, a path below base_url; by default the documented one.",
        examples=["/api/v2/reporting/tools/"],
    )
    fields: FieldsOptions = Field(
        default={},
        validate_default=True,
        description="Where its figures stand, if its answer does not say so itself; "
        "for the reports without a published shape.",
    )
    components: dict[str, ComponentOptions] = Field(
        default={},
        validate_default=True,
        description="Where each component of an answer stands, by its name (CONVERSATION_COUNT), if it is not found; "
        "for platforms that are asked for components.",
    )

    @field_validator("components")
    @classmethod
    def _in_capitals(cls, given: dict[str, ComponentOptions]) -> dict[str, ComponentOptions]:
        folded = {name.upper(): options for name, options in given.items()}  # the environment knows small letters only
        if len(folded) < len(given):
            raise ValueError("names a component twice; keep one of the two")
        return folded


def fitting(given: Mapping[str, OverrideOptions], info: ValidationInfo) -> Mapping[str, OverrideOptions]:
    """Checks that the source's platform has the reports and can read them so; an environment's `_` is `-`."""
    platform = platform_of(info)
    if platform is None:  # its name is wrong, which is said already
        return given
    found: dict[str, OverrideOptions] = {}
    for written, options in given.items():
        name = written if written in platform.reports else written.replace("_", "-")
        if name not in platform.reports:
            what = f"{platform.title} has no report {quoted(written)}; {remedy(written, platform.reports)}"
            raise InnerError(what, written)
        if name in found:
            raise InnerError(f"is set as {quoted(name)} too; keep one of the two", written)
        found[name] = options
        _refuse_misfit(platform, name, written, options)
    return found


def _refuse_misfit(platform: source.Platform, name: str, written: str, options: OverrideOptions) -> None:
    what = "components" if options.components else "fields"
    try:
        platform.configured(name, override(options))
    except ConfigError as error:
        raise InnerError(str(error), written, what) from None


def override(options: OverrideOptions) -> Override | None:
    """Returns what was set of a report, None for nothing."""
    components = {name: Component(**dict(each)) for name, each in options.components.items()}
    given = {name: value for name, value in options.fields if value is not None}
    if not given:
        return Override(options.path, components=components) if options.path or components else None
    defaults = {name: jmespath_fields.expression(text) for name, text in DEFAULTS.items()}
    return Override(options.path, Fields(**{**defaults, **given}), components)
