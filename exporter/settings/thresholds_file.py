"""Reads `thresholds_file`: entries of `thresholds` as YAML, or as CSV with a row for each."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path

from exporter.domain.blocking import FileStamp, file_stamp, in_time
from exporter.domain.errors import ConfigError
from exporter.domain.nearest import remedy
from exporter.settings import errors, yaml_file
from exporter.settings.option_groups import Group, option
from exporter.settings.readers import Loc, Variable, shown
from exporter.settings.settings import ValidationContext
from exporter.settings.thresholds import ThresholdList, ThresholdOptions
from exporter.settings.yaml_file import Document, Place

OPTION = "thresholds_file"
CSV = (".csv", ".tsv")
DELIMITERS = ",;\t"
"""Spreadsheets write semicolons where the comma is the decimal separator."""
COLUMNS = tuple(ThresholdOptions.model_fields)
NEEDED = ("company", "activity")
"""Without a company a row would apply to everybody."""


class _Contents(Group):
    thresholds: ThresholdList = option(())


@dataclass(frozen=True, slots=True)
class ThresholdsFile:
    """The entries of a file, its stamp from just before it was read, and its tree."""

    entries: tuple[ThresholdOptions, ...] = ()
    stamp: FileStamp = None
    tree: Mapping[str, object] = field(default_factory=dict)


def read(path: Path, context: ValidationContext) -> ThresholdsFile:
    """Reads the file at `path`; ConfigError has a line for each problem, TimeoutError means that it does not answer."""
    stamp = in_time(partial(file_stamp, path), path)
    document = _of_csv(path) if path.suffix.lower() in CSV else yaml_file.read(path, OPTION)
    return ThresholdsFile(errors.validated(_Contents, document, context).thresholds, stamp, document.tree)


def _of_csv(path: Path) -> Document:
    """Reads a header and rows; skips empty lines and those that begin with #."""
    content, name = yaml_file.content(path, OPTION), str(path)
    lines = ["" if line.startswith("#") else line for line in content.splitlines(keepends=True)]
    header = next((line for line in lines if line.strip()), "")
    rows = csv.reader(lines, delimiter=max(DELIMITERS, key=header.count), strict=True)
    try:
        return _of_rows(((rows.line_num, row) for row in rows if any(cell.strip() for cell in row)), name)
    except csv.Error as error:
        raise ConfigError(f"{name}:{rows.line_num}: {error}; put quotes around a text with quotes") from None


def _of_rows(rows: Iterator[tuple[int, list[str]]], name: str) -> Document:
    line, written = next(rows, (1, []))
    header = [cell.strip() for cell in written]
    unknown = [each for each in header if each not in ("", *COLUMNS)]
    problems = [f'{name}:{line}: unknown column "{shown(each)}", {remedy(each, COLUMNS)}' for each in unknown]
    problems += [f"{name}:{line}: no column {each}; add it" for each in NEEDED if each not in header]
    problems += [f"{name}:{line}: two columns {each}; keep one" for each in COLUMNS if header.count(each) > 1]
    entries: list[object] = []
    places: dict[Loc, Place] = {}
    for line, cells in rows:
        given = {each: cell for each, cell in zip_longest(header, cells, fillvalue="") if cell.strip()}
        if given.pop("", None):
            problems.append(f"{name}:{line}: more cells than columns; put quotes around a text with the separator")
        places["thresholds", len(entries)] = line
        if "company" in header and "company" not in given:
            problems.append(f"{name}:{line}: company is empty; write * for all companies")
        entries.append({each: Variable(cell) if each == "activity" else cell for each, cell in given.items()})
    if problems:
        raise ConfigError("\n".join(problems))
    return Document(name, {"thresholds": entries}, places)
