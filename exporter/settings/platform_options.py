"""The platforms of sources, and classes of the options that platforms declare (`platforms.api`)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, cast

from pydantic import AfterValidator, ValidationInfo, create_model

from exporter.domain.errors import ConfigError
from exporter.domain.selectors import Selection
from exporter.platforms.api import Account, LabelLimit, Option, OptionKind, Platform
from exporter.settings.errors import located
from exporter.settings.option_groups import Group, Selectors, Text, Whole, option
from exporter.settings.rules import within
from exporter.settings.settings import context_of
from exporter.settings.source_options import DECLARED, SourceOptions
from exporter.settings.yaml_file import Document


class SelectionOptions(Group):
    """Selectors of what is polled; `exclude` goes before `include`."""

    include: Selectors = option(["*"])
    """Those that are polled, a list of selectors: an id, id:t1o15p, name:Web*, or a glob of either, case-sensitive."""
    exclude: Selectors = option([])
    """Those that are not polled, even if included, a list of selectors."""


def _selection(options: SelectionOptions) -> Selection:
    return Selection(options.include, options.exclude)


@cache
def own_options(options: tuple[Option, ...]) -> type[Group]:
    fields = {each.name: _field(each) for each in options}
    return create_model("OwnOptions", __base__=Group, **fields)  # type: ignore[call-overload,no-any-return]  # fields known at run time


def _field(own: Option) -> tuple[object, object]:
    if own.kind is OptionKind.SELECTION:
        return Annotated[SelectionOptions, AfterValidator(_selection)], option({}, description=own.description)
    kind, default = (Text, ...) if own.required else (Text | None, None)
    return kind, option(default, example=own.example, description=own.description)


@cache
def source_options(options: tuple[Option, ...]) -> type[SourceOptions]:
    return create_model("SourceOptions", __base__=(own_options(options), SourceOptions))  # type: ignore[arg-type]  # both are classes


@cache
def label_limits(limits: tuple[LabelLimit, ...]) -> type[Group]:
    fields = {each.name: (Whole, option(str(each.default), description=each.description)) for each in limits}
    length = Annotated[Whole, within("{} characters are too few to distinguish values; the minimum is 8", least=8)]
    meaning = "Maximum length of such a label's value, in characters, at least 8; longer values are cut."
    longest = option("128", description=meaning)
    return create_model("LabelLimitsOptions", __base__=Group, **fields, value_length=(length, longest))  # type: ignore[call-overload,no-any-return]  # as above


def of_its_platform(named: object, info: ValidationInfo) -> SourceOptions:
    """Validates one source, given as (name, options), with its platform's options.

    If there is no such platform, that is the only error: options that belong to some platform are not unknown.
    """
    name, given = cast("tuple[str, object]", named)
    platforms = context_of(info).platforms
    if not isinstance(given, dict):
        return SourceOptions.model_validate(given, context=info.context)
    platform = platforms.get(str(given.get("platform")).strip())
    if platform is None:
        names = {option.name for platform in platforms.values() for option in platform.options}
        rest = {key: value for key, value in given.items() if key not in names}
        return SourceOptions.model_validate(rest, context=info.context)
    options = source_options(platform.options).model_validate(given, context=info.context)
    own = account(name, platform, options)
    try:
        for report in platform.reports:
            platform.configured(report, account=own)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return options


def account(name: str, platform: Platform, options: SourceOptions) -> Account:
    return Account(name, {each.name: getattr(options, each.name) for each in platform.options})


def resolved(
    document: Document, platforms: Mapping[str, Platform], folder: Path
) -> tuple[Document, Mapping[str, Platform]]:
    """Replaces `platform: declared` by the platform that the definition describes, and adds it to the platforms.

    ConfigError: a definition is wrong.
    """
    given = document.tree.get("sources")
    sources = dict(given) if isinstance(given, dict) else {}
    known, files, problems = dict(platforms), dict[str, Path](), [*document.problems]
    for name, options in sources.items():
        if not isinstance(options, dict):
            continue
        file, is_declared = options.get("definition"), str(options.get("platform")).strip() == DECLARED
        if is_declared != bool(file):
            option, other = ("platform", "definition") if is_declared else ("definition", f"platform: {DECLARED}")
            problems.append(located(document, ("sources", name, option), f"needs {other}; set both, or neither"))
        elif is_declared and isinstance(file, str):
            path = (folder / file.strip()).resolve()
            declared = _defined(path)
            others = [each for each in known.values() if files.get(each.name) != path]
            if any(each.name == declared.name or _families(each) & _families(declared) for each in others):
                message = f"its prefix {declared.name} belongs to another platform; choose another one in {path.name}"
                problems.append(located(document, ("sources", name, "definition"), message))
            else:
                known[declared.name], files[declared.name] = declared, path
                sources[name] = {**options, "platform": declared.name}
    tree = {**document.tree, "sources": sources or given}
    return replace(document, tree=tree, problems=tuple(problems)), known


def _defined(path: Path) -> Platform:
    from exporter.settings import definitions  # noqa: PLC0415  11 ms of a start, and most sources have no definition

    return definitions.read(path)


def _families(platform: Platform) -> set[str]:
    return {measure.family for measure in platform.measures}
