"""Points are known by full name, with all that a caller needs, before the wire is there."""

import math

import pytest

from quartier_drivers.contract import DeviceSpec, Fallback
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.modbus.served_points import (
    SCALE_KEY,
    PointInfos,
    ServedPoints,
    list_wanted,
    make_info,
)

PROFILE = parse_profile(
    """
[profile]
protocol = "modbus"
maker = "m"
model = "n"
source = "s"
[parts.battery.power_w]
register = "holding:842"
unit = 100
type = "int16"
low = -9000
high = 9000
scan = "fast"
scale_register = "holding:850"
[parts.battery.setpoint_w]
register = "holding:2700"
type = "int16"
scale = 100
[parts.battery.setpoint_w.write]
low = -5000
high = 5000
persistent = true
writes_per_day = 4320
on_release = "own"
own = { register = "holding:1", value = 0 }
fallback = { value = 0, after_s = 60, register = "holding:2701" }
[parts.battery.relay_on]
register = "coil:1"
write = { on_release = 0, confirm = "none" }
[parts.loop.pump_pct]
register = "input:308"
[parts.loop.pump_pct.write]
register = "holding:104"
low = 10
high = 100
on_release = "own"
own = { register = "holding:101", value = 2 }
[parts.loop.speed_pct]
register = "holding:1131"
[parts.loop.speed_pct.write]
low = 0
high = 100
on_release = "own"
own = { register = "holding:1131", value = 0 }
[parts.grid.power_w]
register = "holding:820"
""",
    "m/n",
    "n.toml",
)
FOUND = ServedPoints(DeviceSpec("gx", 227, {"battery": "bat1"}), PROFILE)


def test_only_owned_parts_are_served_under_their_owners_name() -> None:
    assert ["bat1.power_w", "bat1.setpoint_w", "bat1.relay_on"] == list(FOUND)


def test_a_list_of_points_narrows_a_part() -> None:
    device = DeviceSpec("gx", 227, {"battery": "bat1"}, {"battery": frozenset({"power_w"})})

    assert ["bat1.power_w"] == list(ServedPoints(device, PROFILE))


def test_a_point_read_tells_range_period_and_address() -> None:
    told = make_info(FOUND["bat1.power_w"], PROFILE)

    assert ("100/holding:842", 1.0, -9000.0, 9000.0) == (told.address, told.period_s, told.low, told.high)
    assert not told.writable


def test_a_point_written_tells_limits_step_release_and_fallback() -> None:
    told = make_info(FOUND["bat1.setpoint_w"], PROFILE)

    assert (True, -5000.0, 5000.0, 100.0) == (told.writable, told.write_low, told.write_high, told.step)
    assert (True, "own", True) == (told.persistent, told.on_release, told.read_back)
    assert Fallback(0.0, 60.0, "holding:2701", refresh_s=20.0) == told.fallback
    assert "227/holding:2700" == told.address


@pytest.mark.parametrize(
    ("point", "shows"),
    [
        ("bat1.setpoint_w", False),  # its register keeps the order
        ("loop1.pump_pct", True),  # read where the device shows what is in force
        ("loop1.speed_pct", True),  # giving back writes to its own register
        ("bat1.relay_on", False),
    ],
)
def test_point_tells_whether_it_shows_that_it_was_given_back(point: str, *, shows: bool) -> None:
    found = ServedPoints(DeviceSpec("gx", 227, {"battery": "bat1", "loop": "loop1"}), PROFILE)

    assert shows is make_info(found[point], PROFILE).shows_own


def test_a_scale_register_is_wanted_with_its_point() -> None:
    assert [("bat1.power_w",), (SCALE_KEY + "bat1.power_w",)] == [
        want.keys for want in list_wanted(FOUND["bat1.power_w"], PROFILE)
    ]


def test_a_point_that_can_only_be_written_is_never_wanted() -> None:
    assert [] == list_wanted(FOUND["bat1.relay_on"], PROFILE)
    assert not make_info(FOUND["bat1.relay_on"], PROFILE).read_back


def test_points_are_made_when_they_are_asked_for_and_only_those_that_are_there() -> None:
    infos = PointInfos(FOUND, PROFILE)

    assert (3, ["bat1.power_w", "bat1.setpoint_w", "bat1.relay_on"]) == (len(infos), list(infos))
    assert infos["bat1.power_w"] == infos.get("bat1.power_w") == make_info(FOUND["bat1.power_w"], PROFILE)
    for name in ("grid.power_w", "bat1.voltage_v", "bat1", ""):
        assert name not in FOUND
        assert infos.get(name) is None
    assert 7 not in FOUND
    assert 7 not in infos


def test_an_owner_of_two_parts_has_the_points_of_both_and_the_later_of_two_alike() -> None:
    device = DeviceSpec("gx", 227, {"battery": "pv1", "grid": "pv1"})
    found = ServedPoints(device, PROFILE)

    assert ["pv1.power_w", "pv1.setpoint_w", "pv1.relay_on"] == list(found)
    assert (227, 820) == (found["pv1.power_w"].unit, found["pv1.power_w"].point.address.number)


def test_a_fallback_tells_what_the_device_then_does() -> None:
    told = []
    for fallback in (
        'value = "own", after_s = 60, kept_by = "requests"',
        "holds = true",
    ):
        text = (
            '[profile]\nprotocol = "modbus"\nmaker = "m"\nmodel = "n"\nsource = "s"\n'
            '[points.%s]\nregister = "holding:1"\nwrite = { low = 0, high = 9, on_release = 0, fallback = { %s } }'
        )
        quantity = "generation_max_w" if "holds" in fallback else "setpoint_w"
        profile = parse_profile(text % (quantity, fallback), "m/n", "n.toml")
        found = ServedPoints(DeviceSpec("d", 1, {"": "a"}), profile)
        told.append(make_info(found[f"a.{quantity}"], profile).fallback)

    assert [Fallback(None, 60.0, "", 20.0, "requests"), Fallback(None, math.inf)] == told
