"""Reads definition files, each of which describes a platform; docs/declared-platforms.md explains each option."""

import json
import re
import zlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, ValidationInfo, field_validator

from exporter.domain.model import Activity, Kind, Measure
from exporter.platforms import api, declared
from exporter.platforms.api import Expression, FigureFields, LabelLimit, Option, OptionKind, Platform, RowFields
from exporter.settings import overrides, yaml_file
from exporter.settings.option_groups import Group, either, excludes, goes_with, needs, option, validated, within
from exporter.settings.overrides import JmesPath
from exporter.settings.readers import Flag, OptionError, Text, Whole, matching, one_of, quoted
from exporter.settings.source_options import SourceOptions, Url

DEFAULT_LIMIT = 50  # of label limits, per company
KINDS = {kind.value: kind for kind in (Kind.SUM, Kind.DISTINCT, Kind.AVERAGE, Kind.LEVEL)}
_WORDS, _HEADER = "[a-z][a-z0-9]*(?:_[a-z0-9]+)*", "[A-Za-z][A-Za-z0-9-]{0,63}"
_TAKEN = "source|company_id|company|report|window|job|instance|le|quantile"
_ENDINGS = "".join(f"(?<!_{end})" for end in ("total", "last_day", "today", "7d", "28d", "daily"))
_HOW = "is not a name; write lower-case letters and digits with single _ between words"
_WAYS = "is unknown; write bearer, basic, or header with its name: header X-Api-Key"


def _matching(pattern: str, otherwise: str) -> PlainValidator:
    return PlainValidator(matching(pattern, otherwise, lambda match: match[match.lastindex or 0]))


def _line(written: str) -> str:
    if not written.isascii() or not written.isprintable():
        raise ValueError("is not a header value; write one line of ASCII")  # the value may be a key: never shown
    return written


def _not_ours(prefix: str) -> str:
    if re.match("(chat_usage|process|python)(_|$)", prefix):
        raise ValueError(f"{quoted(prefix)} is the prefix of the exporter's own metrics; choose another one")
    return prefix


Name = Annotated[str, _matching(f"(?=.{{1,60}}$){_WORDS}", _HOW)]
ReportName = Annotated[str, _matching(_WORDS.replace("_", "[_-]"), _HOW)]
MeasureName = Annotated[str, _matching(f"(?=.{{1,60}}$){_WORDS}{_ENDINGS}", f"{_HOW}, and no _7d or _total at its end")]
LabelName = Annotated[str, _matching(f"(?!(?:{_TAKEN})$){_WORDS}", "cannot be a label here; rename it")]
Sentence = Annotated[str, _matching(r".*[^.]", "ends with a full stop; leave it out, since more is appended")]
HeaderName = Annotated[str, _matching(_HEADER, "is not a header; write a name such as X-Api-Version")]
WayIn = Annotated[str, _matching(f"bearer|basic|header +({_HEADER})", _WAYS)]
Format = Annotated[str, PlainValidator(one_of({each: each for each in declared.FORMATS}, "no format"))]
ONE_PERIOD = "needs either first (and last), or day: the names of the API's own parameters"
ONE_WAY = "needs either link, or cursor and parameter; set one of the two ways"
AT_LEAST_ONE = within("is missing; describe at least one", least=1)
UP_TO_100 = within("has {} entries; describe 1 to 100", least=1, most=100)
Labels = Annotated[dict[LabelName, JmesPath], within("has {} entries; the maximum is 2", most=2)]


def _path(written: str) -> str:
    overrides.path(declared.PLACEHOLDER.sub("x", written))
    return written


class PeriodOptions(Group):
    """The parameters for the days of a request."""

    first: Text | None = option(None)
    day: Annotated[Text | None, either("first", ONE_PERIOD)] = option(None)
    last: Annotated[Text | None, excludes("day")] = option(None)
    format: Format = option("date")
    end: Annotated[str, _matching("inclusive|exclusive", "is neither inclusive nor exclusive")] = option("inclusive")
    at_most: Annotated[Whole, within("{} days would request nothing; the minimum is 1", least=1)] | None = option(None)

    @field_validator("at_most")
    @classmethod
    def _is_one_with_day(cls, at_most: int | None, info: ValidationInfo) -> int | None:
        return 1 if info.data.get("day") else at_most


class PagingOptions(Group):
    """Where the next page of an answer is: link, or cursor and parameter."""

    link: JmesPath | None = option(None)
    cursor: Annotated[JmesPath | None, either("link", ONE_WAY)] = option(None)
    parameter: Annotated[Text | None, goes_with("cursor")] = option(None)


class MeasureOptions(Group):
    """One metric family."""

    help: Sentence = option(...)
    kind: Annotated[Kind, PlainValidator(one_of(KINDS, "no kind"))] = option("sum")
    unit: Name | None = option(None)
    items: JmesPath | None = option(None)
    labels: Annotated[Labels, needs("items", "set items as well, or leave labels out")] = option({})
    value: JmesPath = option(...)
    people: Flag = option("false")
    activity: Name | None = option(None)
    usual_limits: Annotated[Flag, needs("activity", "set activity as well")] = option("false")

    def family(self, name: str) -> str:
        """Returns the name with its unit, unless the name ends with it already."""
        return name if self.unit is None else f"{name.removesuffix(f'_{self.unit}')}_{self.unit}"

    def measure(self, name: str, prefix: str) -> tuple[Measure, FigureFields]:
        measure = Measure(
            f"{prefix}_{self.family(name)}",
            self.help,
            self.kind,
            tuple(self.labels),
            limits=tuple(f"{prefix}_{label}" for label in self.labels),
            people=self.people,
            activities=(Activity(self.activity, usual_limits=self.usual_limits),) if self.activity else (),
            needs_read_marker=bool(self.labels),
        )
        labels = tuple((f"labels.{label}", where) for label, where in self.labels.items())
        return measure, FigureFields(self.value, self.items, labels, f"measures.{name}.", whole=False)


class ReportOptions(Group):
    """One reporting endpoint."""

    path: Annotated[Text, AfterValidator(_path)] = option(...)
    parameters: dict[str, Text] = option({})
    period: PeriodOptions | None = option(None)
    paging: PagingOptions | None = option(None)
    entries: JmesPath = option("@")
    company_id: JmesPath | None = option(None)
    company: Annotated[JmesPath | None, needs("company_id", "set both, or neither")] = option(None)
    days: JmesPath | None = option(None)
    companies: Annotated[JmesPath | None, excludes("days")] = option(None)
    date: Annotated[JmesPath | None, needs("period", "say how days are asked for")] = option(None)
    measures: Annotated[dict[MeasureName, MeasureOptions], UP_TO_100] = option({})

    @field_validator("date")
    @classmethod
    def _is_known(cls, date: Expression | None, info: ValidationInfo) -> Expression | None:
        if not date and (period := info.data.get("period")) and period.at_most != 1:
            raise ValueError("is missing; say where the date is, or ask for one day at once (period.at_most: 1)")
        return date

    @field_validator("measures")
    @classmethod
    def _suit_the_period(cls, measures: dict[str, MeasureOptions], info: ValidationInfo) -> dict[str, MeasureOptions]:
        for name, each in measures.items():
            if "period" in info.data and (each.kind is Kind.LEVEL) != (info.data["period"] is None):
                words = "levels belong to no day, so their report has no period; all other kinds need period"
                raise OptionError(words, inside=(name,), beside=("period",))
        return measures

    def report(self, name: str, prefix: str, file: str) -> declared.DeclaredReport:
        return declared.DeclaredReport(
            name=name,
            place=f"{file}: reports.{name}",
            path=self.path,
            params=tuple(self.parameters.items()),
            period=declared.Period(**dict(self.period or {})),
            paging=None if self.paging is None else declared.Paging(**dict(self.paging)),
            fields=RowFields(**{field: getattr(self, field) for field in RowFields.__dataclass_fields__}),
            described=tuple(each.measure(key, prefix) for key, each in self.measures.items()),
        )


def _is_new(name: str) -> str:
    if name in SourceOptions.model_fields or name == declared.COMPANY:
        raise ValueError("is an option of every source; rename it")
    return name


class DefinitionOptions(Group):
    prefix: Annotated[Name, AfterValidator(_not_ours)] = option(...)
    title: Text = option(...)
    base_url: Url = option(...)
    authentication: WayIn = option("bearer")
    headers: dict[HeaderName, Annotated[Text, AfterValidator(_line)]] = option({})
    options: dict[Annotated[Name, AfterValidator(_is_new)], Sentence] = option({})
    reports: Annotated[dict[ReportName, ReportOptions], AT_LEAST_ONE] = option({})

    @field_validator("reports")
    @classmethod
    def _fit_together(cls, reports: dict[str, ReportOptions], info: ValidationInfo) -> dict[str, ReportOptions]:
        seen: dict[str, str] = {}
        for name, report in reports.items():
            for used in declared.PLACEHOLDER.findall(" ".join((report.path, *report.parameters.values()))):
                if used not in info.data.get("options", {}):
                    words = f"{{{used}}} is not an option of the source; describe it under options, or remove it"
                    raise OptionError(words, inside=(name,))
            for key, each in report.measures.items():
                if (family := each.family(key)) in seen:
                    words = f"{family} is already defined by {seen[family]}; rename one of the two"
                    raise OptionError(words, inside=(name, "measures", key))
                seen[family] = f"{name}.measures.{key}"
        return reports

    def platform(self, file: str, version: int) -> Platform:
        reports = {name: each.report(name, self.prefix, file) for name, each in self.reports.items()}
        own = [Option(name, OptionKind.TEXT, f"{what}.", name, required=True) for name, what in self.options.items()]
        has_companies = [each.company_id is not None for each in self.reports.values()]
        if not all(has_companies):
            what = "Name of the company that all figures belong to; by default the source's name."
            own.append(Option(declared.COMPANY, OptionKind.TEXT, what, "ACME", identifies=False))
        limits = dict.fromkeys(each for report in reports.values() for one in report.measures for each in one.limits)
        what = "Maximum number of values of that label per company."
        return Platform(
            name=self.prefix,
            title=self.title,
            default_base_url=self.base_url,
            base_url=api.base_url,
            headers=declared.Authentication(self.authentication, tuple(self.headers.items())),
            reports=reports,
            version=version,
            options=tuple(own),
            equipped=declared.equipped,
            label_limits=tuple(LabelLimit(limit, DEFAULT_LIMIT, what) for limit in limits),
            one_company=not any(has_companies),
            remedies={404: f"or path in {file}, or an option of the source that is part of it"},
        )


def read(path: Path) -> Platform:
    """Reads a definition; ConfigError has a line for each problem."""
    document = yaml_file.read(path, "definition")
    version = zlib.crc32(json.dumps(document.tree, sort_keys=True).encode())
    return validated(DefinitionOptions, document).platform(path.name, version)
