"""What a definition file may say of a platform (docs/declared-platforms.md), and the rules that bind it."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, field_validator

from exporter.domain.model import Kind
from exporter.platforms.declared.period import Form, Period
from exporter.platforms.declared.platform import BASIC, BEARER
from exporter.platforms.declared.report import COMPANY, PLACEHOLDER
from exporter.settings.option_groups import Flag, Group, Text, Whole, option, within
from exporter.settings.overrides import JmesPath
from exporter.settings.overrides import path as url_path
from exporter.settings.readers import OptionError, existing, quoted, remedy
from exporter.settings.source_options import SourceOptions, Url

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN_LABELS = ("source", "company_id", "company", "report", "job", "instance", "le", "quantile", "window")
WINDOWS = ("_total", "_last_day", "_today", "_7d", "_28d", "_daily")
MOST_LABELS, DEFAULT_LIMIT, MOST_MEASURES = 2, 50, 100
KINDS = {kind.value: kind for kind in (Kind.SUM, Kind.DISTINCT, Kind.AVERAGE, Kind.LEVEL)}
_FORMS = {form.value: form for form in Form}
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


def _name(word: str) -> str:
    if not NAME.fullmatch(word) or len(word) > 60:  # noqa: PLR2004 -- with a prefix and a window still a fair name
        raise ValueError(f"{quoted(word)} is no name; write small letters and digits with single _ between words")
    return word


def _named(names: Mapping[str, object]) -> Mapping[str, object]:
    for name in names:
        try:
            _name(name.replace("-", "_"))
        except ValueError as error:
            raise OptionError(str(error), inside=(name,)) from None
    return names


def _sentence(written: str) -> str:
    if written.endswith("."):
        raise ValueError("ends with a full stop; leave it out, since more is appended")
    return written


def _authentication(written: str) -> str:
    kind, _, header = written.partition(" ")
    if written in (BEARER, BASIC) or (kind == "header" and _HEADER.fullmatch(header.strip())):
        return written.removeprefix("header ").strip()
    raise ValueError(f"{quoted(written)} is unknown; write bearer, basic, or header and its name: header X-Api-Key")


Name = Annotated[Text, AfterValidator(_name)]
Sentence = Annotated[Text, AfterValidator(_sentence)]


def one_of(known: Iterable[str], otherwise: str) -> AfterValidator:
    """Refuses a word that is not known."""
    return AfterValidator(lambda word: existing(word, known, otherwise))


class PeriodOptions(Group):
    """Which parameters say what days are asked for."""

    first: Text | None = option(None)
    """Name of the parameter for the first day."""
    last: Text | None = option(None)
    """Name of the parameter for the last day."""
    day: Text | None = option(None)
    """Name of the one parameter of a question about a single day, in place of first and last."""
    format: Annotated[Text, one_of(_FORMS, "no format")] = option("date")
    """How they are written: date, moment, seconds or milliseconds."""
    end: Annotated[Text, one_of(("inclusive", "exclusive"), "no end")] = option("inclusive")
    """Whether last is the last day itself, inclusive, or the start of the day after, exclusive."""
    at_most: Annotated[Whole, within("{} days ask for nothing; the least is 1", least=1)] | None = option(None)
    """So many days can be asked for at once, a whole number; by default any number."""

    @field_validator("at_most")
    @classmethod
    def _has_a_parameter(cls, at_most: int | None, info: ValidationInfo) -> int | None:
        first, day = info.data.get("first"), info.data.get("day")
        if bool(first) == bool(day):
            raise ValueError("needs either first (and last), or day: the names of the API's own parameters")
        if day and info.data.get("last"):
            raise OptionError("goes with first, and not with day; leave one of them out", beside=("last",))
        return 1 if day else at_most

    def period(self) -> Period:
        return Period(
            self.first or "",
            self.last or "",
            self.day or "",
            _FORMS[self.format],
            self.end == "exclusive",
            self.at_most or 0,
        )


class PagingOptions(Group):
    """How an answer goes on: link, or cursor and parameter, or pages and parameter."""

    link: JmesPath | None = option(None)
    """From the answer: the link to the next page."""
    cursor: JmesPath | None = option(None)
    """From the answer: what the next page is asked for with, in parameter."""
    pages: JmesPath | None = option(None)
    """From the answer: the number of pages; parameter is the number of one, from 1 on."""
    parameter: Text | None = option(None)
    """The parameter for the cursor, or for the number of a page."""

    @field_validator("parameter")
    @classmethod
    def _is_one_way(cls, parameter: str | None, info: ValidationInfo) -> str | None:
        given = [name for name in ("link", "cursor", "pages") if info.data.get(name)]
        if len(given) != 1:
            raise ValueError("goes with either link, cursor or pages; set one of the three")
        if bool(parameter) != (given != ["link"]):
            raise ValueError("belongs to cursor and pages alone; " + ("leave it out" if parameter else "set it"))
        return parameter


class MeasureOptions(Group):
    """One metric family."""

    help: Sentence = option(...)
    """What is counted, in a few words without a full stop."""
    kind: Annotated[Text, one_of(KINDS, "no kind")] = option("sum")
    """How figures behave over days: sum, distinct, average, or level for figures of now."""
    unit: Name | None = option(None)
    """The unit, which is appended to the name: tokens, seconds."""
    items: JmesPath | None = option(None)
    """From a row: the list of what is counted."""
    labels: Annotated[dict[str, JmesPath], AfterValidator(_named)] = option({})
    """From an item: the values of its labels, by their names; at most two."""
    value: JmesPath = option(...)
    """From an item, or without items from a row: the number."""
    people: Flag = option("false")
    """Whether people are counted, so that privacy.min_group holds."""
    activity: Name | None = option(None)
    """What alerts call it: thresholds can name it."""
    usual_limits: Flag = option("false")
    """Whether the built-in limits, a drop and a spike against what is usual, hold for the activity."""

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        if labels and not info.data.get("items", True):
            raise OptionError("are read from items; set items as well, or leave labels out", beside=("items",))
        if len(labels) > MOST_LABELS:
            raise ValueError(f"are {len(labels)}; the most is {MOST_LABELS}")
        for name in labels:
            if name in TAKEN_LABELS or "-" in name:
                raise OptionError(f"{quoted(name)} cannot be a label here; rename it", inside=(name,))
        return labels

    @field_validator("usual_limits")
    @classmethod
    def _are_of_an_activity(cls, usual: bool, info: ValidationInfo) -> bool:
        if usual and not info.data.get("activity"):
            raise OptionError("are of an activity; set activity as well", beside=("activity",))
        return usual


class ReportOptions(Group):
    """One reporting endpoint."""

    path: Text = option(...)
    """Its path below base_url; {name} is the value of an option of the source."""
    parameters: dict[str, Text] = option({})
    """The parameters that are the same in all questions."""
    period: PeriodOptions | None = option(None)
    """How days are asked for; left out where all figures are levels of now."""
    paging: PagingOptions | None = option(None)
    """How an answer goes on in further pages."""
    entries: JmesPath = option("@")
    """From the answer: the list of rows, or of what holds them; by default the answer itself."""
    company_id: JmesPath | None = option(None)
    """The company's id; left out where everything belongs to one company."""
    company: JmesPath | None = option(None)
    """The company's name; by default its id."""
    days: JmesPath | None = option(None)
    """From an entry: the list of its days."""
    companies: JmesPath | None = option(None)
    """From an entry: the list of its companies, where an entry is a day."""
    date: JmesPath | None = option(None)
    """The day's date; left out where a question is about one day."""
    measures: Annotated[dict[str, MeasureOptions], AfterValidator(_named)] = option({})
    """What is counted, by name: with the prefix before it that is the name of the metric."""

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for measure in self.measures.values() for label in measure.labels)

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        url_path(PLACEHOLDER.sub("x", path))
        return path

    @field_validator("company", "companies", "date")
    @classmethod
    def _fit(cls, given: object, info: ValidationInfo) -> object:
        if info.field_name == "company" and given and not info.data.get("company_id", True):
            raise OptionError("goes with company_id; set both, or neither", beside=("company_id",))
        if info.field_name == "companies" and given and info.data.get("days"):
            raise OptionError("is read from an entry, as days are; keep one of the two", beside=("days",))
        period = info.data.get("period", 0)
        if info.field_name == "date" and period != 0:
            if given and period is None:
                raise OptionError("needs period: say how days are asked for", beside=("period",))
            if period and not given and period.at_most != 1:
                raise ValueError("is missing; say where the date is, or ask for one day at once (period.at_most: 1)")
        return given

    @field_validator("measures")
    @classmethod
    def _suit_the_period(cls, measures: dict[str, MeasureOptions], info: ValidationInfo) -> dict[str, MeasureOptions]:
        if not 0 < len(measures) <= MOST_MEASURES:
            raise ValueError(f"are {len(measures)}; describe 1 to {MOST_MEASURES}")
        for name, each in measures.items():
            if "period" in info.data and (each.kind == Kind.LEVEL.value) != (info.data["period"] is None):
                words = "is a level, which belongs to no day; give levels a report of their own, without period"
                if each.kind != Kind.LEVEL.value:
                    words = "belongs to days; set period, or kind: level for figures of now"
                raise OptionError(words, inside=(name,), beside=("period",))
            if name.endswith(WINDOWS):
                raise OptionError("ends as the exporter ends names itself; rename it", inside=(name,))
        return measures


class DefinitionOptions(Group):
    """A platform."""

    prefix: Name = option(...)
    """What the names of its metrics begin with, and its name."""
    title: Text = option(...)
    """What people call it."""
    base_url: Url = option(...)
    """Where it answers; a source can set another one."""
    authentication: Annotated[Text, AfterValidator(_authentication)] = option(BEARER)
    """How the key is sent: bearer, basic (the key is user:password), or header and its name."""
    headers: dict[str, Text] = option({})
    """Headers that are the same in all requests; never a key."""
    options: Annotated[dict[str, Sentence], AfterValidator(_named)] = option({})
    """What each source must say, by name, and its meaning: {name} stands for it in paths and parameters."""
    reports: Annotated[dict[str, ReportOptions], AfterValidator(_named)] = option({})
    """Its reports, by name."""
    label_limits: dict[str, Whole] = option({})
    """How many values a label may have per company, by the label's name; by default 50."""

    @field_validator("options")
    @classmethod
    def _are_new(cls, options: dict[str, str]) -> dict[str, str]:
        for name in options:
            if name in SourceOptions.model_fields or name == COMPANY or "-" in name:
                raise OptionError(f"{quoted(name)} is an option already; rename it", inside=(name,))
        return options

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise OptionError("is no header; write a name and one line of ASCII", inside=(name,))
        return headers

    @field_validator("reports")
    @classmethod
    def _fit_together(cls, reports: dict[str, ReportOptions], info: ValidationInfo) -> dict[str, ReportOptions]:
        if not reports:
            raise ValueError("is missing; describe at least one")
        seen: dict[str, str] = {}
        for name, report in reports.items():
            if "options" in info.data:
                _refuse_unknown(name, report, info.data["options"])
            for key, each in report.measures.items():
                for word in (family("", key, each)[1:], *([f"activity {each.activity}"] if each.activity else [])):
                    if word in seen:
                        raise OptionError(f"{word} is there already, in {seen[word]}", inside=(name, "measures", key))
                    seen[word] = f"{name}.measures.{key}"
        return reports

    @field_validator("label_limits")
    @classmethod
    def _limit_labels(cls, limits: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        if "reports" in info.data:
            known = [label for report in info.data["reports"].values() for label in report.labels]
            for name in limits:
                if name not in known:
                    raise OptionError(f"no measure has this label; {remedy(name, known)}", inside=(name,))
        return limits


def _refuse_unknown(name: str, report: ReportOptions, options: Mapping[str, str]) -> None:
    for written in (report.path, *report.parameters.values()):
        for used in PLACEHOLDER.findall(written):
            if used not in options:
                words = f"{{{used}}} is no option of the source; describe it in options on top, or take it out"
                raise OptionError(words, inside=(name,))


def family(prefix: str, name: str, measure: MeasureOptions) -> str:
    unit = f"_{measure.unit}" if measure.unit and not name.endswith(f"_{measure.unit}") else ""
    return f"{prefix}_{name}{unit}"
