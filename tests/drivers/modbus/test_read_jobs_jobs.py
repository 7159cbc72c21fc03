"""An answer becomes columns: the same layout each time, the last good value under what is BAD."""

import struct
from typing import Any

import pytest

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.modbus.read_jobs import ReadJob
from quartier_drivers.modbus.read_layout import find_shared_plan, make_owners
from quartier_drivers.readings import Quality, Readings, Value

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
MIXED = """
[points.power_w]
register = "holding:0"
type = "int16"
scale = 0.1
absent = 0x8000
[points.energy_import_wh]
register = "holding:1"
type = "uint64"
[points.starts_count]
register = "holding:5"
type = "uint64"
[points.relay_on]
register = "holding:9"
bit = 3
[points.mode_text]
register = "holding:10"
values = { 0 = "idle", 1 = "charging" }
[points.temperature_c]
register = "holding:11"
type = "float32"
offset = -273.15
"""
SCALED = """
[points.power_w]
register = "holding:0"
type = "int16"
scale_register = "holding:1"
[points.voltage_l1_v]
register = "holding:2"
scale = 0.1
"""


def job(text: str, powers: Any = None, **keys: Any) -> ReadJob:
    profile = parse_profile(HEAD + text, "acme/am300", "am300.toml")
    device = DeviceSpec("dev", 3, {"": "m"})
    (sheet,) = find_shared_plan(device, profile, 0.0).sheets
    return ReadJob(sheet, make_owners(device), 0, {} if powers is None else powers, {}, **keys)


def answer(power: int, energy: int, starts: int, bits: int, mode: int, kelvin: float) -> bytes:
    return struct.pack(">hQQHHf", power, energy, starts, bits, mode, kelvin)


def good(readings: Readings) -> dict[str, Value]:
    return {one.point: one.value for one in readings if one.quality is Quality.GOOD}


def test_every_kind_of_point_lands_in_the_columns() -> None:
    readings = job(MIXED).told(answer(-15, 2**40, 7, 8, 1, 273.25), 5)

    assert {
        "m.power_w": -1.5,
        "m.energy_import_wh": 2.0**40,
        "m.starts_count": 7,
        "m.relay_on": True,
        "m.mode_text": "charging",
        "m.temperature_c": 0.1,
    } == good(readings)
    assert [float, float, int, bool, str, float] == [type(one.value) for one in readings]
    assert 5 == readings.taken_ns
    assert not readings.raws


def test_the_layout_is_the_same_each_time() -> None:
    one = job(MIXED)

    assert one.told(answer(1, 2, 3, 4, 0, 6), 0).layout is one.told(answer(9, 9, 9, 9, 9, 9), 1).layout
    assert one.failed("device failure", 2).layout is one.layout


def test_what_is_bad_keeps_the_last_good_value_and_shows_what_stood_on_the_wire() -> None:
    one = job(MIXED)
    first = one.told(answer(-15, 1, 2, 8, 1, 273.25), 0)
    second = one.told(answer(-0x8000, 2**63, 2**53, 0, 7, float("nan")), 1)

    assert {"m.energy_import_wh": 2.0**63, "m.starts_count": 2**53, "m.relay_on": False} == good(second)
    assert [-1.5, "charging", 0.1] == [one.value for one in second if one.quality is Quality.BAD]
    assert "8000" == second[0].raw
    assert "0007 (unknown)" == second[4].raw
    assert "" == second[1].raw
    assert {0, 4, 5} == set(second.raws)
    assert 3 == len(second.raws)
    assert {"m.power_w", "m.mode_text"} < set(good(first))


def test_a_count_beyond_all_doubles_is_text_until_it_fits_again() -> None:
    one = job(MIXED)
    large = one.told(answer(0, 0, 2**63, 0, 0, 0), 0)
    small = one.told(answer(0, 0, 5, 0, 0, 0), 1)

    assert 2**63 == good(large)["m.starts_count"]
    assert {2: str(2**63), 4: "idle"} == dict(large.texts)
    assert 5 == good(small)["m.starts_count"]
    assert {4: "idle"} == dict(small.texts)


def test_a_failure_makes_every_point_bad_and_says_why() -> None:
    one = job(MIXED)
    one.told(answer(-15, 1, 2, 8, 1, 273.25), 0)
    failed = one.failed("device failure", 9)

    assert {(Quality.BAD, "device failure", 9)} == {(r.quality, r.raw, r.taken_ns) for r in failed}
    assert [-1.5, 1.0, 2, True, "charging", 0.1] == [reading.value for reading in failed]


def test_all_that_stood_on_the_wire_is_shown_where_it_is_asked_for() -> None:
    readings = job(MIXED, shows_raw=True).told(answer(-15, 1, 2, 8, 1, 273.25), 0)

    assert ["FFF1", "0000 0000 0000 0001", "0000 0000 0000 0002", "0008", "0001 (charging)"] == [
        reading.raw for reading in readings[:5]
    ]
    assert 6 == len(readings.raws)
    with pytest.raises(KeyError):
        readings.raws[6]


def test_a_point_is_left_out_until_its_scale_is_known_and_bad_where_it_is_void() -> None:
    powers: dict[Any, int | None] = {}
    one = job(SCALED, powers)
    data = struct.pack(">hhH", 5, 2, 2301)
    assert ("m.voltage_l1_v",) == one.layout.points

    powers |= one.powers(data)
    one.refit(powers, {})
    layout = one.layout
    assert {"m.power_w": 500.0, "m.voltage_l1_v": 230.1} == good(one.told(data, 0))

    for power in (None, -1):
        powers |= dict.fromkeys(powers, power)
        one.refit(powers, {})
        told = one.told(data, 1)
        assert layout is told.layout
        assert (500.0, Quality.BAD) == (told[0].value, told[0].quality) or {0.5, 230.1} == {
            *good(told).values()
        }


def test_coils_are_cut_from_packed_bytes() -> None:
    text = "".join(f'[points.relay{at}_on]\nregister = "coil:{20 + at}"\n' for at in range(11))

    readings = job(text, shows_raw=True).told(bytes([0b10000001, 0b101]), 0)
    assert [at in (0, 7, 8, 10) for at in range(11)] == list(good(readings).values())
    assert "1" == readings[7].raw


def test_scale_registers_are_told_when_they_change_and_not_before() -> None:
    one = job(SCALED, {})
    first = one.powers(struct.pack(">hhH", 5, 2, 2301))

    assert [2] == list(first.values())
    assert {} == one.powers(struct.pack(">hhH", 7, 2, 2302))
    assert [3] == list(one.powers(struct.pack(">hhH", 7, 3, 2302)).values())
    assert [None] == list(one.powers(struct.pack(">hhH", 7, -32768, 2302)).values())
