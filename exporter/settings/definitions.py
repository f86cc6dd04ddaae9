"""Reads definition files, each of which describes a platform (docs/declared-platforms.md)."""

import json
import zlib
from pathlib import Path

from exporter.domain.model import Activity, Measure
from exporter.platforms.api import FigureFields, LabelLimit, Option, OptionKind, Platform, RowFields
from exporter.platforms.declared.period import Period
from exporter.platforms.declared.platform import Authentication, base_url, equipped
from exporter.platforms.declared.report import COMPANY, DeclaredReport
from exporter.platforms.further_page import Paging
from exporter.settings import errors, yaml_file
from exporter.settings.definition_options import DefinitionOptions, MeasureOptions, ReportOptions

DEFAULT_LIMIT = 50
"""Default of label limits, per company."""


def read(path: Path) -> Platform:
    """Reads a definition; ConfigError has a line for each problem."""
    document = yaml_file.read(path, "definition")
    options = errors.validated(DefinitionOptions, document)
    version = zlib.crc32(json.dumps(document.tree, sort_keys=True).encode())
    return platform(options, path.name, version)


def platform(options: DefinitionOptions, file: str, version: int) -> Platform:
    reports = {name: _report(name, each, options.prefix, file) for name, each in options.reports.items()}
    own = [Option(name, OptionKind.TEXT, f"{what}.", name, required=True) for name, what in options.options.items()]
    has_companies = [each.company_id is not None for each in options.reports.values()]
    if not all(has_companies):
        what = "Name of the company that all figures belong to; by default the source's name."
        own.append(Option(COMPANY, OptionKind.TEXT, what, "ACME", identifies=False))
    limits = dict.fromkeys(limit for each in reports.values() for measure in each.measures for limit in measure.limits)
    return Platform(
        name=options.prefix,
        title=options.title,
        default_base_url=options.base_url,
        base_url=base_url,
        headers=Authentication(options.authentication, tuple(options.headers.items())),
        reports=reports,
        version=version,
        options=tuple(own),
        equipped=equipped,
        label_limits=tuple(
            LabelLimit(limit, DEFAULT_LIMIT, "Maximum number of values of that label per company.") for limit in limits
        ),
        one_company=not any(has_companies),
    )


def _report(name: str, options: ReportOptions, prefix: str, file: str) -> DeclaredReport:
    return DeclaredReport(
        name=name,
        place=f"{file}: reports.{name}",
        path=options.path,
        params=tuple(options.parameters.items()),
        period=None if options.period is None else Period(**dict(options.period)),
        paging=None if options.paging is None else Paging(**dict(options.paging)),
        fields=RowFields(**{field: getattr(options, field) for field in RowFields.__dataclass_fields__}),
        described=tuple(_measure(key, each, prefix) for key, each in options.measures.items()),
    )


def _measure(name: str, options: MeasureOptions, prefix: str) -> tuple[Measure, FigureFields]:
    measure = Measure(
        f"{prefix}_{options.family(name)}",
        options.help,
        options.kind,
        tuple(options.labels),
        limits=tuple(f"{prefix}_{label}" for label in options.labels),
        people=options.people,
        activities=(Activity(options.activity, usual_limits=options.usual_limits),) if options.activity else (),
        needs_read_marker=bool(options.labels),
    )
    labels = tuple((f"labels.{label}", where) for label, where in options.labels.items())
    return measure, FigureFields(options.value, options.items, labels, f"measures.{name}.", whole=False)
