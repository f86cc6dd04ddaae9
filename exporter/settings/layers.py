"""Lays what several places say over each other, by pydantic-settings' order of sources; judges no value."""

from collections.abc import Mapping

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource


class _Tree(PydanticBaseSettingsSource):
    """A source that is read already."""

    def __init__(self, settings_cls: type[BaseSettings], tree: Mapping[str, object]) -> None:
        super().__init__(settings_cls)
        self._tree = tree

    def get_field_value(self, _field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """Returns the whole tree for the one field there is."""
        return dict(self._tree), field_name, False

    def __call__(self) -> dict[str, object]:
        """Returns what this source sets."""
        tree, name, _ = self.get_field_value(self.settings_cls.model_fields["tree"], "tree")
        return {name: tree}


def over(upper: Mapping[str, object], lower: Mapping[str, object]) -> dict[str, object]:
    """Lays one tree over another: options of both are the upper one's, groups of both are joined."""

    class Layers(BaseSettings):
        tree: dict[str, object]

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Leaves the usual sources out: they read the environment of the process by rules of their own."""
            return _Tree(settings_cls, upper), _Tree(settings_cls, lower)

    return Layers().tree  # type: ignore[call-arg]  # its sources set it
