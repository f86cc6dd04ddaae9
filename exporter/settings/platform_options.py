"""The options that a platform adds to those of every source, made from what it declares (`platforms.api.Option`)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field, PlainValidator, create_model

from exporter.domain.selectors import Selection
from exporter.platforms.api import Option, OptionKind, Platform
from exporter.settings.option_groups import Group, Texts
from exporter.settings.readers import optional, text

Tree = Mapping[str, object]


class SelectionOptions(Group):
    """Which things of a kind are wanted; `exclude` goes before `include`."""

    include: Texts = Field(
        default=["*"],
        validate_default=True,
        description="Which are wanted, a list of ids or case-sensitive globs of the name.",
    )
    exclude: Texts = Field(
        default=[],
        validate_default=True,
        description="Which are not wanted although included, a list of ids or globs of the name.",
    )


class Split(NamedTuple):
    """The configuration's tree without the platforms' own options, and those, by the source's name."""

    tree: dict[str, object]
    own: Mapping[str, Tree]


def group(platform: Platform) -> type[Group]:
    """Makes the class that judges a platform's own options."""
    fields = {option.name: _field(option) for option in platform.options}
    return create_model(f"{platform.name.title()}Options", __base__=Group, **fields)  # type: ignore[call-overload,no-any-return]  # fields known at run time


def _field(option: Option) -> tuple[object, object]:
    if option.kind is OptionKind.SELECTION:
        return SelectionOptions, Field(default={}, validate_default=True, description=option.description)
    reader = Annotated[str | None, PlainValidator(text if option.required else optional(text))]
    default = ... if option.required else None
    return reader, Field(default, validate_default=True, description=option.description, examples=[option.example])


def split(tree: Tree, platforms: Mapping[str, Platform]) -> Split:
    """Takes out of each source's options those that are its platform's own.

    Of a source whose platform does not exist those of any platform are taken out: only one thing is wrong with it.
    """
    sources = tree.get("sources")
    if not isinstance(sources, dict):
        return Split(dict(tree), {})
    everywhere = frozenset(option.name for platform in platforms.values() for option in platform.options)
    rest: dict[str, object] = {}
    own: dict[str, Tree] = {}
    for name, options in sources.items():
        platform = platforms.get(str(options.get("platform", "")).strip()) if isinstance(options, dict) else None
        names = everywhere if platform is None else {option.name for option in platform.options}
        given = options if isinstance(options, dict) else {}
        own[name] = {key: value for key, value in given.items() if key in names}
        rest[name] = {key: value for key, value in given.items() if key not in names} if given else options
    return Split({**tree, "sources": rest}, own)


def values(judged: Group) -> Iterator[tuple[str, str | Selection | None]]:
    """Yields the values of a platform's own options, by name."""
    for name, value in judged:
        yield name, Selection(value.include, value.exclude) if isinstance(value, SelectionOptions) else value
