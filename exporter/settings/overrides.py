"""The option `overrides`: where a report and its figures are, if not where the documentation says."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo, field_validator

from exporter.domain.errors import ConfigError
from exporter.domain.wording import remedy
from exporter.platforms import jmespath_fields
from exporter.platforms.api import Component, Expression, Fields, Override, Platform
from exporter.settings.option_groups import Group, excludes, goes_with, needs, option, platform_of
from exporter.settings.readers import OptionError, matching, quoted, text

path = matching(
    r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?",
    "is not a path; write one such as /api/v2/reporting/tools/, without host or query",
    lambda match: match[0],
)
"""Reads a path below the base URL; a URL could send the key to another host."""


def expression(value: object) -> Expression:
    written = text(value)
    try:
        return jmespath_fields.expression(written)
    except ValueError as error:
        raise ValueError(f"{quoted(written)} {error}; see jmespath.org") from None


UrlPath = Annotated[str, PlainValidator(path)]
JmesPath = Annotated[Expression, PlainValidator(expression)]


class FieldsOptions(Group):
    """Where the figures of a report are, each a JMESPath expression relative to the level above."""

    entries: JmesPath | None = option(None, example="reporting")
    """From the answer: the list of companies, a JMESPath expression; by default reporting."""
    company_id: JmesPath | None = option(None, example="company.id")
    """From a company's entry: its id, a JMESPath expression; by default company.id."""
    company: JmesPath | None = option(None, example="company.name")
    """From an entry: the company's name, a JMESPath expression; by default company.name."""
    days: JmesPath | None = option(None, example="dates")
    """From an entry: the list of days, a JMESPath expression; without it figures are current levels without a day."""
    date: Annotated[JmesPath | None, needs("days", "set both, or leave date out")] = option(None, example="date")
    """From a day: its date as YYYY-MM-DD, a JMESPath expression; by default date."""
    items: JmesPath | None = option(None, example="tools")
    """From a day: the list of counted items, a JMESPath expression; without it there is one number per day."""
    label: Annotated[JmesPath | None, needs("items", "set both, or leave label out")] = option(None, example="name")
    """From an item: its name, a JMESPath expression."""
    value: JmesPath | None = option(None, example="n")
    """From an item, or without items from a day: the number, a JMESPath expression. Required if any of the others is
    set."""

    @field_validator("value")
    @classmethod
    def _is_there(cls, value: Expression | None, info: ValidationInfo) -> Expression | None:
        others = [name for name, given in info.data.items() if given]
        if others and not value:
            raise OptionError("is missing; give the path of the number", beside=(others[0],))
        return value


class ComponentOptions(Group):
    """Where one component of an answer is: a number, a list of names and numbers, or one of moments and numbers."""

    items: JmesPath | None = option(None, example="data.languages")
    """From the answer: the list of counted items, a JMESPath expression; needs label and value."""
    label: Annotated[JmesPath | None, goes_with("items")] = option(None, example="lang")
    """From an item: its name, a JMESPath expression."""
    series: Annotated[JmesPath | None, excludes("items")] = option(None, example="data.perDay")
    """From the answer: a list of moments with numbers, a JMESPath expression; needs time and value. Numbers within the
    day are added up."""
    time: Annotated[JmesPath | None, goes_with("series")] = option(None, example="ts")
    """From an entry of series: its moment, a JMESPath expression."""
    value: JmesPath = option(..., example="n")
    """From an item, from an entry of series, or else from the answer: the number, a JMESPath expression."""


class OverrideOptions(Group):
    """What is different about one report."""

    path: UrlPath | None = option(None, example="/api/v2/reporting/tools/")
    """Path of the report, below base_url; by default the documented one."""
    fields: FieldsOptions = option({})
    """Where the figures are, for reports without a published schema whose answers do not describe themselves."""
    components: dict[str, ComponentOptions] = option({})
    """Where components of an answer are, by name (CONVERSATION_COUNT), if they are not found; for platforms that are
    asked for components."""

    @field_validator("components")
    @classmethod
    def _in_capitals(cls, given: dict[str, ComponentOptions]) -> dict[str, ComponentOptions]:
        folded = {name.upper(): options for name, options in given.items()}  # names in variables are lower case
        if len(folded) < len(given):
            raise ValueError("names a component twice; keep one of the two")
        return folded


def of_reports(given: Mapping[str, OverrideOptions], info: ValidationInfo) -> Mapping[str, OverrideOptions]:
    """Checks that the platform has these reports and can be overridden like this; `_` in a variable matches `-`."""
    platform = platform_of(info)
    if platform is None:  # its name is wrong, which is reported separately
        return given
    found: dict[str, OverrideOptions] = {}
    for written, options in given.items():
        name = written if written in platform.reports else written.replace("_", "-")
        if name not in platform.reports:
            what = f"{platform.title} has no report {quoted(written)}; {remedy(written, platform.reports)}"
            raise OptionError(what, inside=(written,))
        if name in found:
            raise OptionError(f"is also set as {quoted(name)}; keep one of the two", inside=(written,))
        found[name] = options
        try:
            platform.configured(name, override(options, platform))
        except ConfigError as error:
            what = "components" if options.components else "fields"
            raise OptionError(str(error), inside=(written, what)) from None
    return found


def override(options: OverrideOptions, platform: Platform) -> Override | None:
    components = {name: Component(**dict(each)) for name, each in options.components.items()}
    given = {name: value for name, value in options.fields if value is not None}
    if not given:
        return Override(options.path, components=components) if options.path or components else None
    defaults = {name: jmespath_fields.expression(text) for name, text in platform.field_defaults.items()}
    return Override(options.path, Fields(**{**defaults, **given}), components)
