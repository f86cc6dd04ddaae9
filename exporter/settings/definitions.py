"""Reads definition files, each of which describes a platform (docs/declared-platforms.md)."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from exporter.domain.errors import ConfigError
from exporter.domain.model import Activity, Measure
from exporter.platforms.api import FigureFields, LabelLimit, Option, OptionKind, Platform, RowFields
from exporter.platforms.declared.paging import Paging
from exporter.platforms.declared.platform import Authentication, base_url, equipped
from exporter.platforms.declared.report import COMPANY, DeclaredReport, MeasureFields
from exporter.settings import errors, yaml_file
from exporter.settings.definition_options import (
    DEFAULT_LIMIT,
    KINDS,
    DefinitionOptions,
    MeasureOptions,
    ReportOptions,
    family,
)
from exporter.settings.errors import Mistake
from exporter.settings.source_options import DECLARED


def read(path: Path) -> Platform:
    """Reads a definition; raises ConfigError with a line for each problem."""
    document = yaml_file.read(path, "definition")
    try:
        options = DefinitionOptions.model_validate(document.tree)
    except ValidationError as error:
        wrong = errors.lines([*errors.found(error)], document, {})
        raise ConfigError("\n".join((*document.problems, *wrong))) from None
    if document.problems:
        raise ConfigError("\n".join(document.problems))
    version = zlib.crc32(json.dumps(document.tree, sort_keys=True).encode())
    return platform(options, path.name, version)


def platform(options: DefinitionOptions, file: str, version: int) -> Platform:
    reports = {name: _report(name, each, options.prefix, file) for name, each in options.reports.items()}
    labels = dict.fromkeys(label for each in options.reports.values() for label in each.labels)
    own = [Option(name, OptionKind.TEXT, f"{what}.", name, required=True) for name, what in options.options.items()]
    has_companies = [each.company_id is not None for each in options.reports.values()]
    if not all(has_companies):
        what = "What the company is called that all of it belongs to; by default the source's name."
        own.append(Option(COMPANY, OptionKind.TEXT, what, "ACME", identifies=False))
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
            LabelLimit(
                f"{options.prefix}_{label}",
                options.label_limits.get(label, DEFAULT_LIMIT),
                f"Most values of the label {label} per company.",
            )
            for label in labels
        ),
        one_company=not any(has_companies),
    )


def _report(name: str, options: ReportOptions, prefix: str, file: str) -> DeclaredReport:
    fields = {key: value for key, value in options if key in RowFields.__dataclass_fields__}
    measures = tuple(_measure(key, each, prefix) for key, each in options.measures.items())
    return DeclaredReport(
        name=name,
        place=f"{file}: reports.{name}",
        path=options.path,
        params=tuple(options.parameters.items()),
        period=options.period.period() if options.period else None,
        paging=Paging(**{**dict(options.paging), "parameter": options.paging.parameter or ""})
        if options.paging
        else None,
        fields=RowFields(**fields),
        described=measures,
    )


def _measure(name: str, options: MeasureOptions, prefix: str) -> MeasureFields:
    activities = (Activity(options.activity, usual_limits=options.usual_limits),) if options.activity else ()
    measure = Measure(
        family(prefix, name, options),
        options.help,
        KINDS[options.kind],
        tuple(options.labels),
        limits=tuple(f"{prefix}_{label}" for label in options.labels),
        people=options.people,
        activities=activities,
        needs_read_marker=bool(options.labels),
    )
    labels = tuple((f"labels.{label}", where) for label, where in options.labels.items())
    return MeasureFields(measure, FigureFields(options.value, options.items, labels, f"measures.{name}.", whole=False))


def resolved(
    tree: Mapping[str, object], platforms: Mapping[str, Platform], folder: Path
) -> tuple[dict[str, object], dict[str, Platform], list[Mistake]]:
    """Puts what definitions describe in the place of `platform: declared`; returns the tree, all platforms, mistakes.

    Raises:
        ConfigError: a definition is wrong.
    """
    given = tree.get("sources")
    sources = dict(given) if isinstance(given, dict) else {}
    known, files, wrong = dict(platforms), dict[str, Path](), list[Mistake]()
    for name, options in sources.items():
        file = options.get("definition") if isinstance(options, dict) else None
        is_declared = isinstance(options, dict) and str(options.get("platform")).strip() == DECLARED
        if is_declared != bool(file):
            option, other = ("platform", "definition") if is_declared else ("definition", f"platform: {DECLARED}")
            if is_declared or file:
                wrong.append(Mistake(("sources", name, option), f"goes with {other}; set both, or neither"))
        elif is_declared and isinstance(file, str):
            path = folder / file.strip()
            platform = read(path)
            if platform.name in platforms or files.setdefault(platform.name, path) != path:
                what = f"its prefix {platform.name} is that of another platform; choose another one in {path.name}"
                wrong.append(Mistake(("sources", name, "definition"), what))
            else:
                known[platform.name] = platform
                sources[name] = {**options, "platform": platform.name}
    return {**tree, "sources": sources} if known.keys() > platforms.keys() else dict(tree), known, wrong
