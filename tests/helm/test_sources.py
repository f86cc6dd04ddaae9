"""The configuration that the chart writes is one that the exporter takes, with each key where it looks for it."""

import base64
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exporter.platforms.registry import platforms
from exporter.settings import Settings, load
from tests.certificates import self_signed
from tests.helm.charts import CASES, at, objects, objects_of, of_kind, the
from tests.oncall.shipped import Config, mapping, mappings

pytestmark = [pytest.mark.e2e, pytest.mark.once]

KEYS = "/run/secrets/chat-usage-exporter"
AUTHORITIES = ("/etc/chat-usage-exporter/ca/ca.crt", "/etc/extra/ca.crt")


def written(found: list[Config]) -> str:
    """Returns the configuration file."""
    maps = [each for each in of_kind(found, "ConfigMap") if "exporter.yml" in mapping(each["data"])]
    (only,) = maps
    return str(at(only, "data", "exporter.yml"))


def taken(found: list[Config], folder: Path) -> Settings:
    """Has the exporter read the configuration file, with the folders of the pod below `folder`."""
    for pair in mounted(found):
        (folder / pair).write_text("a-key-that-opens-nothing")
    (folder / "ca.crt").write_text(authority())
    text = written(found).replace(KEYS, str(folder))
    for place in AUTHORITIES:
        text = text.replace(place, str(folder / "ca.crt"))
    file = folder / "exporter.yml"
    file.write_text(text.replace("/var/lib/chat-usage-exporter/", f"{folder}/"))
    return load(file, {}, platforms())


@cache
def authority() -> str:
    """Returns a certificate of one's own; making it takes time."""
    with TemporaryDirectory() as folder:
        self_signed(Path(folder), "ca")
        return Path(folder, "ca.crt").read_text()


def mounted(found: list[Config]) -> dict[str, tuple[str, str]]:
    """Returns the files of keys, each with the Secret and its key."""
    (volume,) = [
        each
        for each in mappings(at(the(found, "Deployment"), "spec", "template", "spec", "volumes"))
        if each["name"] == "keys"
    ]
    secrets = [mapping(each["secret"]) for each in mappings(at(volume, "projected", "sources"))]
    return {
        str(item["path"]): (str(secret["name"]), str(item["key"]))
        for secret in secrets
        for item in mappings(secret["items"])
    }


@pytest.mark.parametrize("case", CASES)
def test_the_exporter_takes_the_configuration(case: str, tmp_path: Path) -> None:
    found = objects_of(case)
    settings = taken(found, tmp_path)
    assert settings.sources.keys() == mounted(found).keys()


def test_several_sources_read_a_key_each() -> None:
    assert mounted(objects_of("several-sources")) == {
        "production": ("paradigm", "token"),
        "private": ("chat-usage-keys", "private-key"),
        "support-bot": ("chatcaptain", "api-key"),
    }


def test_without_a_name_the_secret_is_called_as_the_release() -> None:
    assert mounted(objects_of("default")) == {"production": ("chat-usage-chat-usage-exporter", "api-key")}


def test_a_key_in_the_values_goes_into_a_secret_and_nowhere_else() -> None:
    found = objects_of("trial")
    secret = the(found, "Secret")
    assert mounted(found) == {"production": (at(secret, "metadata", "name"), "production")}
    assert base64.b64decode(str(at(secret, "data", "production"))) == b"a-key-that-opens-nothing"
    assert "a-key-that-opens-nothing" not in str(found)


def test_numbers_reach_the_exporter_as_they_were_written(tmp_path: Path) -> None:
    """Templates like to turn three million into 3e+06."""
    found = objects("--set", "config.limits.max_series=3000000")
    assert taken(found, tmp_path).limits.series == 3_000_000
