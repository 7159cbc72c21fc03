"""Devices of one profile share their plan and how answers are read; each keeps its own names and unit."""

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.modbus.read_layout import OWN_UNIT, DeviceOwners, find_shared_plan, make_owners
from quartier_drivers.modbus.served_points import SCALE_KEY

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "AM300"\nsource = "s"\n'
PLAIN = HEAD + '[points.power_w]\nregister = "holding:0"\n[points.voltage_l1_v]\nregister = "holding:1"\n'
SCALED = (
    HEAD
    + """
[parts.battery.power_w]
register = "holding:0"
scale_register = "holding:1"
[parts.battery.setpoint_w]
register = "holding:2"
write = { low = 0, high = 9, on_release = 0 }
[parts.grid.power_w]
register = "holding:9"
unit = 31
"""
)
METER, GX = parse_profile(PLAIN, "acme/am300", "am300.toml"), parse_profile(SCALED, "acme/gx", "gx.toml")
GRID = GX.parts["battery"]["power_w"].scale_address


def test_like_devices_share_one_plan_whoever_owns_them_and_whatever_their_unit() -> None:
    found = find_shared_plan(DeviceSpec("m1", 1, {"": "load1"}), METER, 60.0)

    assert found is find_shared_plan(DeviceSpec("m2", 2, {"": "load2"}), METER, 60.0)
    assert [OWN_UNIT] == [sheet.block.unit for sheet in found.sheets]
    assert {"0.power_w", "0.voltage_l1_v"} == found.sheets[0].keys


def test_devices_that_differ_in_what_is_read_or_how_share_nothing() -> None:
    like = DeviceSpec("m1", 1, {"": "load1"})
    found = find_shared_plan(like, METER, 60.0)

    assert found is not find_shared_plan(like, METER, 61.0)
    assert found is not find_shared_plan(like, parse_profile(PLAIN, "acme/am300", "am300.toml"), 60.0)
    assert found is not find_shared_plan(
        DeviceSpec("m1", 1, {"": "load1"}, {"": frozenset({"power_w"})}), METER, 60.0
    )
    parts = find_shared_plan(DeviceSpec("gx", 227, {"battery": "bat1", "grid": "grid"}), GX, 60.0)
    assert parts is not find_shared_plan(DeviceSpec("gx", 227, {"battery": "bat1", "grid": "bat1"}), GX, 60.0)


def test_a_profile_that_names_units_is_planned_for_each_unit() -> None:
    found = find_shared_plan(DeviceSpec("gx", 31, {"battery": "bat1", "grid": "grid"}), GX, 60.0)

    assert {31} == {sheet.block.unit for sheet in found.sheets}
    assert found is not find_shared_plan(DeviceSpec("gx", 32, {"battery": "bat1", "grid": "grid"}), GX, 60.0)


def test_the_reading_of_an_answer_is_shared_by_all_whose_scales_are_the_same() -> None:
    (sheet,) = find_shared_plan(DeviceSpec("gx", 5, {"battery": "bat1"}), GX, 60.0).sheets
    assert GRID is not None
    unread, scaled = sheet.fit({}), sheet.fit({GRID: -1})

    assert ["0.setpoint_w"] == [one.name for one, _, _ in unread.points]
    assert [("0.power_w", 0, -1), ("0.setpoint_w", 2, 0)] == [
        (one.name, start, power) for one, start, power in scaled.points
    ]
    assert scaled is sheet.fit({GRID: -1})
    assert len({id(fit) for fit in (unread, scaled, sheet.fit({GRID: None}), sheet.fit({GRID: 0}))}) == 4
    assert ((2, GRID),) == sheet.scales
    assert SCALE_KEY + "0.power_w" in sheet.keys


def test_layouts_of_one_owner_share_all_but_the_owner_and_those_of_several_name_each_point() -> None:
    (sheet,) = find_shared_plan(DeviceSpec("m1", 1, {"": "m"}), METER, 60.0).sheets
    one, other = (sheet.fit({}).layout(DeviceOwners(1, (owner,))) for owner in ("load1", "load2"))
    assert ("load1.power_w", "load1.voltage_l1_v") == one.points
    assert ("load2.voltage_l1_v", None) == (other.point(1), other.place("load1.power_w"))

    text = PLAIN.replace("[points.", "[parts.one.", 1).replace("[points.", "[parts.two.")
    twin = parse_profile(text, "acme/twin", "twin.toml")
    (both,) = find_shared_plan(DeviceSpec("t", 1, {"one": "a", "two": "b"}), twin, 60.0).sheets
    assert ("a.power_w", "b.voltage_l1_v") == both.fit({}).layout(DeviceOwners(1, ("a", "b"))).points


def test_what_can_be_written_is_known_without_looking_at_every_point() -> None:
    assert ("1.setpoint_w",) == find_shared_plan(
        DeviceSpec("gx", 5, {"grid": "g", "battery": "b"}), GX, 60.0
    ).writable


def test_a_device_turns_the_names_of_the_shape_into_its_own_and_back() -> None:
    found = make_owners(DeviceSpec("gx", 5, {"grid": "grid", "battery": "bat1"}))

    assert DeviceOwners(5, ("grid", "bat1")) == found
    assert "bat1.power_l1_w" == found.name("1.power_l1_w")
    assert "1.power_l1_w" == found.key("bat1.power_l1_w")
