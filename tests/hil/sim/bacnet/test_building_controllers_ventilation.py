from datetime import datetime

import pytest

from quartier_drivers.bacnet.standard_names import UNIT_NUMBERS
from quartier_drivers.device_profile import loading
from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.objects import P

START = datetime(2026, 6, 12, 15)  # noqa: DTZ001 - a device's local time


@pytest.fixture
def unit():
    return VentilationUnit(epoch=START)


def command(thing, value, now_s=0.0, priority=10):
    thing.commands.put(value, priority, now_s)


def test_it_shows_what_the_plant_measures(unit):
    unit.publish(
        {
            "co2_ppm": 800.0,
            "power_w": 1500.0,
            "energy_import_wh": 12_500.0,
            "speed_pct": 70.0,
            "filter_on": 1.0,
        }
    )

    assert 800.0 == unit.inputs["co2_ppm"].value
    assert 12.5 == unit.inputs["energy_import_wh"].value
    assert 70.0 == unit.inputs["fan_supply_pct"].value == unit.inputs["fan_extract_pct"].value
    assert encoding.encode_enumerated(1) == unit.filter_alarm.present()
    with pytest.raises(KeyError, match="flow_pct"):
        unit.publish({"flow_pct": 1.0})


def test_the_least_of_mode_limit_and_shed_is_the_most_speed(unit):
    assert {"speed_pct": 100.0} == unit.orders()
    command(unit.limit, 70.0)
    assert {"speed_pct": 70.0} == unit.orders()
    command(unit.mode, 2.0)
    assert {"speed_pct": 60.0} == unit.orders()
    command(unit.mode, 1.0)
    assert {"speed_pct": 0.0} == unit.orders()


def test_a_shed_is_of_power_which_is_the_third_power_of_the_speed(unit):
    for name, octets in (
        ("requested-shed-level", encoding.encode_tagged(0, b"\x33", context=True)),
        ("shed-duration", encoding.encode_unsigned(5)),
        ("start-time", encoding.encode_date_time(START)),
    ):
        unit.shed.write(P[name], None, encoding.parse_tags(octets), 10, 0.0)

    assert pytest.approx(0.51) == (unit.orders()["speed_pct"] / 100) ** 3
    unit.tick(300.0)
    assert {"speed_pct": 100.0} == unit.orders()


def test_the_limit_ends_when_nobody_keeps_the_watchdog(unit):
    command(unit.watchdog, 60.0)
    command(unit.limit, 40.0)
    unit.tick(50.0)
    command(unit.watchdog, 60.0, 50.0)
    unit.tick(109.0)
    assert {"speed_pct": 40.0} == unit.orders()

    unit.tick(110.0)
    assert {"speed_pct": 100.0} == unit.orders()
    assert 0.0 == unit.watchdog.value


def test_without_a_watchdog_the_limit_stays(unit):
    command(unit.limit, 40.0)
    unit.tick(1e6)

    assert {"speed_pct": 40.0} == unit.orders()


def test_the_profile_and_the_unit_were_typed_by_two_hands_and_agree(unit):
    loaded = loading.load_profile("quartier/ventilation_bacnet")
    (points,) = loaded.parts.values()
    for quantity, point in points.items():
        thing = unit.things[point.place.kind, point.place.instance]
        told = encoding.parse_tags(thing.read(P["units"]))[0].unsigned if point.units else None
        assert UNIT_NUMBERS.get(point.units) == told, quantity
        assert (point.write is not None) <= (thing.commands is not None), quantity
    speed, watchdog = points["speed_pct"].write, points["speed_pct"].write.fallback

    assert ((speed.low, speed.high), watchdog.value) == (
        (unit.limit.low, unit.limit.high),
        unit.limit.commands.default,
    )
    assert unit.watchdog.key == (watchdog.place.kind, watchdog.place.instance)
    assert loaded.mark.model.removesuffix("*") == unit.model
