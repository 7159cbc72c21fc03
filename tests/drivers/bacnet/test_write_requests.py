import pytest
from tests.drivers.bacnet.conftest import POINTS, profile, spec

from quartier_drivers.bacnet import write_requests
from quartier_drivers.bacnet.read_jobs import make_meaning
from quartier_drivers.bacnet.schema import BacnetPoint, ObjectName, ShedCommand
from quartier_drivers.bacnet.standard_names import UNIT_NUMBERS
from quartier_drivers.bacnet.write_requests import list_served, make_declared_meaning, make_infos

PERCENT, KILOWATTS = UNIT_NUMBERS["percent"], UNIT_NUMBERS["kilowatts"]
# 0C object, 19 55 present value, 3E … 3F the value, 49 priority: clause 15.9 and annex F.3.5.
AV2 = bytes.fromhex("0c00800002 1955 3e")
BO1 = bytes.fromhex("0c01000001 1955 3e")


def one(quantity="speed_max_pct", where="analog-value:2", said=PERCENT, **write):
    keys = {"on_release": "cap", "low": 10.0, "high": 100.0} | write
    point = BacnetPoint.model_validate({"object": where, "write": keys})
    return make_meaning(f"ahu.{quantity}", quantity, point, said)


def bodies(made):
    return [order.body for order in made]


def test_a_setpoint_is_a_real_at_its_priority():
    assert [AV2 + bytes.fromhex("4442480000 3f 490a")] == bodies(write_requests.make_setpoint(one(), 50.0))


def test_a_switch_is_enumerated():
    fan = one("fan_on", "binary-output:1", None, on_release="own", low=None, high=None, priority=8)

    assert [BO1 + bytes.fromhex("9101 3f 4908")] == bodies(write_requests.make_setpoint(fan, 1.0))


def test_a_mode_is_unsigned_and_rounded():
    mode = one("mode_state", "multi-state-value:1", None, on_release="own", low=1.0, high=4.0)

    assert bytes.fromhex("2103") in write_requests.make_setpoint(mode, 2.9)[0].body


def test_a_cap_in_whole_numbers_is_never_rounded_up():
    cap = one(where="positive-integer-value:2")

    assert bytes.fromhex("2132") in write_requests.make_setpoint(cap, 50.9)[0].body


def test_what_is_outside_the_limits_is_not_written():
    with pytest.raises(ValueError, match=r"101 is outside 10\.\.100"):
        write_requests.make_setpoint(one(), 101.0)


def test_the_watchdog_is_fed_before_the_setpoint():
    fed = one(fallback={"object": "analog-value:10", "value": 40.0, "after_s": 90.0})
    first, second = bodies(write_requests.make_setpoint(fed, 50.0))

    assert bytes.fromhex("0c0080000a 1955 3e 4442b40000 3f") == first
    assert second.startswith(AV2)


def test_a_beat_goes_to_and_fro():
    fed = one(fallback={"object": "binary-value:1", "value": 40.0, "after_s": 90.0, "feeds": "beat"})

    assert bytes.fromhex("9100") in write_requests.make_setpoint(fed, 50.0, beat=4)[0].body
    assert bytes.fromhex("9101") in write_requests.make_setpoint(fed, 50.0, beat=5)[0].body


def test_own_control_is_given_back_by_null_at_our_priority():
    fan = one("fan_on", "binary-output:1", None, on_release="own", low=None, high=None)

    assert [BO1 + bytes.fromhex("00 3f 490a")] == bodies(write_requests.make_release(fan, None))


def test_a_cap_is_left_at_its_safe_value_within_its_limits():
    assert [AV2 + bytes.fromhex("4442200000 3f 490a")] == bodies(write_requests.make_release(one(), 40.0))
    assert [AV2 + bytes.fromhex("4441200000 3f 490a")] == bodies(write_requests.make_release(one(), 0.0))


def test_nothing_is_written_where_it_is_not_known_what_it_would_mean():
    assert [] == write_requests.make_release(one(), None)
    assert [] == write_requests.make_release(one(said=KILOWATTS), 40.0)
    assert [] == write_requests.make_release(one(on_release="hold"), 40.0)


def test_without_a_priority_array_no_priority_is_sent():
    plain = one(commandable=False)

    assert write_requests.make_setpoint(plain, 50.0)[0].body.endswith(b"\x3f")


def test_a_write_lies_in_the_release_table_with_its_place():
    dumped = write_requests.dump_write(
        "ahu.speed_max_pct", "10.0.0.9", write_requests.make_release(one(), 40.0)[0]
    )

    assert {
        "point": "ahu.speed_max_pct",
        "place": "10.0.0.9",
        "body": (AV2 + bytes.fromhex("4442200000 3f 490a")).hex(),
    } == dumped


LIMITED = POINTS + '[limits]\nno_fallback = "a priority never expires"\nsettle_s = 3.0\n'


def test_points_bear_the_name_of_their_owner():
    assert "air.supply_c" in make_infos(spec(), profile())


def test_a_site_may_ask_for_some_points_alone():
    device = spec(points={"": frozenset({"supply_c"})})

    assert {"air.supply_c"} == set(make_infos(device, profile()))


def test_what_nobody_owns_is_not_served():
    assert [] == list(list_served(spec(owners={}), profile()))


def test_a_reading_is_known_by_its_object_and_period():
    info = make_infos(spec(), profile())["air.supply_c"]

    assert ("float", "analog-input:1", 5.0, False) == (info.kind, info.address, info.period_s, info.writable)


def test_a_command_is_known_by_its_limits_and_why_it_has_no_fallback():
    info = make_infos(spec(), profile(LIMITED))["air.speed_max_pct"]

    assert (10.0, 100.0, "cap", None, "a priority never expires", 3.0) == (
        info.write_low,
        info.write_high,
        info.on_release,
        info.fallback,
        info.no_fallback,
        info.settle_s,
    )


@pytest.mark.parametrize(("name", "step"), [("air.fan_on", 1.0), ("air.speed_max_pct", 0.0)])
def test_whole_numbers_have_a_step(name, step):
    assert step == make_infos(spec(), profile())[name].step


def test_before_the_wire_a_value_has_the_declared_unit():
    point = profile().parts[""]["supply_c"]

    assert 21.5 == make_declared_meaning("air.supply_c", "supply_c", point).value(21.5)


LC1 = ObjectName(28, 1)
HEAD = "0c07000001"
NOW = bytes.fromhex("a47e0b1c06 b4030f0000")


def test_a_shed_is_a_level_a_duration_and_a_start():
    assert [
        bytes.fromhex(HEAD + "19da 3e 0928 3f"),
        bytes.fromhex(HEAD + "19db 3e 210f 3f"),
        bytes.fromhex(HEAD + "198e 3e") + NOW + b"\x3f",
    ] == write_requests.make_shed_begin(LC1, ShedCommand(percent=40), NOW)


def test_it_ends_by_no_duration_and_no_start():
    assert [
        bytes.fromhex(HEAD + "19db 3e 2100 3f"),
        bytes.fromhex(HEAD + "198e 3e a4ffffffff b4ffffffff 3f"),
    ] == write_requests.make_shed_end(LC1)


@pytest.mark.parametrize(
    ("shed", "octets"),
    [({"percent": 0}, "0900"), ({"level": 2}, "1902"), ({"amount": 3.5}, "2c40600000")],
)
def test_a_level_is_percent_one_of_its_own_or_kilowatts(shed, octets):
    assert bytes.fromhex(octets) == write_requests.encode_shed_level(ShedCommand.model_validate(shed))


def test_a_duration_is_in_whole_minutes_and_never_shorter():
    assert 2 == ShedCommand(percent=0, duration_s=61.0).minutes
