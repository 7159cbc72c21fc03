"""A fault names its line, its key and the nearest key that exists."""

import tomllib

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quartier_drivers.device_profile import toml_files
from quartier_drivers.device_profile.toml_files import TomlPlaces, list_keys, render_path, suggest_key
from quartier_drivers.errors import ConfigError

TEXT = """\
[buses.net]
host = "meter.lan"
port = 70000
tls = { ca = 3 }
"""


class Tls(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    ca: str


class Bus(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    host: str
    port: int = Field(le=65535, alias="port")
    tls: Tls | None = None


def told(text: str) -> list[str]:
    try:
        Bus.model_validate(tomllib.loads(text)["buses"]["net"])
    except ValidationError as error:
        return [str(fault) for fault in TomlPlaces("site.toml", text).faults(("buses", "net"), error, Bus)]
    return []


def test_each_error_becomes_a_fault_at_its_line() -> None:
    assert [
        "site.toml:3: buses.net.port: 70000 is wrong, expected less than or equal to 65535",
        "site.toml:4: buses.net.tls.ca: 3 is wrong, expected a valid string",
    ] == told(TEXT)


def test_an_unknown_key_is_told_with_the_nearest_known_one_also_in_a_table_below() -> None:
    text = '[buses.net]\nhots = "h"\nport = 1\n[buses.net.tls]\nca_ = "x"\n'

    assert [
        "site.toml:1: buses.net.host: is missing",
        "site.toml:2: buses.net.hots: is an unknown key; did you mean 'host'?",
        "site.toml:4: buses.net.tls.ca: is missing",
        "site.toml:5: buses.net.tls.ca_: is an unknown key; did you mean 'ca'?",
    ] == sorted(told(text))


def test_a_key_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    places = TomlPlaces("site.toml", TEXT)

    assert 1 == places.line(("buses", "net", "nothing"))
    assert places.line(("nothing",)) is None
    assert "site.toml: nothing: is missing" == str(places.fault(("nothing",), "is missing"))


def test_nearest_lists_all_when_nothing_is_near() -> None:
    assert "expected one of host, port, tls" == suggest_key("zzz", list_keys(Bus))
    assert "nothing is expected here" == suggest_key("zzz", [])


def test_paths_read_as_people_write_them() -> None:
    assert "points.power_w" == render_path(("points", "power_w"))
    assert "case[2].name" == render_path(("case", 2, "name"))
    assert "file" == render_path(())


def test_a_byte_order_mark_before_the_first_line_is_no_fault() -> None:
    assert {"a": 1} == toml_files.read_toml("x.toml", "\ufeffa = 1")


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 55_000 + " = 1",
        "[" + "a." * 55_000 + "a]",
        "x = {" + "'a' . " * 40_000 + "a = 1}",
        "a." * 120_000,
    ],
)
def test_a_key_of_many_parts_is_refused_before_it_is_read(text):
    with pytest.raises(ConfigError, match=r"x\.toml:1: file: has a key of more than 32 parts"):
        toml_files.read_toml("x.toml", text)


@pytest.mark.parametrize(
    "text", ["a" * 250_000, '"' * 250_000, "x = " + "[" * 250_000, "x = " + "{a=" * 80_000]
)
def test_a_text_of_any_depth_is_a_fault_without_a_traceback(text):
    with pytest.raises(
        ConfigError, match="is not valid TOML|has tables or lists in each other|has a number of more"
    ):
        toml_files.read_toml("x.toml", text)


def test_a_key_as_deep_as_any_of_ours_is_read():
    assert {"assets": {"bat1": {"x": 1}}} == toml_files.read_toml("x.toml", "assets.bat1.x = 1")


def test_a_large_file_is_not_read(tmp_path):
    (tmp_path / "large.toml").write_bytes(b"#" * 300_000)

    with pytest.raises(ConfigError, match="has more than 262144 bytes"):
        toml_files.read_text(tmp_path / "large.toml")
    with pytest.raises(ConfigError, match="has 300000 bytes; at most 262144"):
        toml_files.read_toml("x.toml", "#" * 300_000)


def test_a_number_without_end_is_named_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"site.toml:2: file: has a number of more than 4300 digits$"):
        toml_files.read_toml("site.toml", f"[limits]\nimport_w = {'9' * 5_000}\n")


def test_lists_in_lists_without_end_are_one_fault() -> None:
    with pytest.raises(ConfigError, match="has tables or lists in each other, more deeply than can be read"):
        toml_files.read_toml("site.toml", f"a = {'[' * 10_000}{']' * 10_000}\n")
