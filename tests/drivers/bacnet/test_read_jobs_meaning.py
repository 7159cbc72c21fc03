import math

import pytest

from quartier_drivers.bacnet.read_jobs import find_text, make_meaning, needs_unit
from quartier_drivers.bacnet.schema import BacnetPoint
from quartier_drivers.bacnet.standard_names import NO_UNITS, UNIT_NUMBERS

KILOWATTS, WATTS, CELSIUS = (UNIT_NUMBERS[word] for word in ("kilowatts", "watts", "degrees-celsius"))


def point(**keys):
    return BacnetPoint.model_validate({"object": "analog-input:3", **keys})


def test_a_value_is_worth_what_the_unit_of_its_object_says():
    one = make_meaning("ahu.power_w", "power_w", point(), KILOWATTS)

    assert (3500.0, "", True) == (one.value(3.5), one.why, one.plain)


def test_scale_sign_and_offset_are_applied_to_house_units():
    one = make_meaning("ahu.power_w", "power_w", point(scale=2.0, sign=-1, offset=10.0), KILOWATTS)

    assert -6990.0 == one.value(3.5)
    assert 3.5 == one.raw(-6990.0)


def test_another_unit_than_the_declared_one_is_not_believed():
    one = make_meaning("ahu.power_w", "power_w", point(units="kilowatts"), WATTS)

    assert "analog-input:3 is in watts, and the profile says kilowatts" == one.why


def test_an_object_that_says_no_unit_has_the_declared_one():
    assert 3500.0 == make_meaning("ahu.power_w", "power_w", point(units="kilowatts"), NO_UNITS).value(3.5)
    assert 3500.0 == make_meaning("ahu.power_w", "power_w", point(units="kilowatts"), None).value(3.5)


def test_without_any_unit_a_value_is_not_believed():
    one = make_meaning("ahu.power_w", "power_w", point(), NO_UNITS)

    assert "says no unit; say units = … in the profile" in one.why


def test_a_unit_of_another_kind_is_not_believed():
    assert "does not fit _w" in make_meaning("ahu.power_w", "power_w", point(), CELSIUS).why


def test_no_units_declared_means_the_house_unit():
    assert 3.5 == make_meaning("ahu.power_w", "power_w", point(units="no-units"), NO_UNITS).value(3.5)


@pytest.mark.parametrize("raw", [math.nan, math.inf, -math.inf, 3276.7, 151.0, -51.0])
def test_what_is_absent_or_not_plausible_is_no_value(raw):
    one = make_meaning("ahu.supply_c", "supply_c", point(low=-50.0, high=150.0, absent=3276.7), CELSIUS)

    assert one.value(raw) is None


def test_a_bit_of_a_bit_string_is_on_or_off():
    one = make_meaning("ahu.fault_on", "fault_on", point(property="status-flags", bit=1), None)

    assert (1.0, 0.0) == (one.value(2.0), one.value(5.0))


@pytest.mark.parametrize(("state", "runs"), [(0, 1.0), (1, 1.0), (2, 0.0), (3, 1.0)])
def test_a_load_is_shed_once_it_complies(state, runs):
    one = make_meaning("ahu.relay_on", "relay_on", point(object="load-control:1"), None)

    assert runs == one.value(float(state))


def test_units_are_asked_for_numbers_alone():
    assert needs_unit(point(), "power_w")
    assert not needs_unit(point(object="binary-input:3"), "fan_on")
    assert not needs_unit(point(object="multi-state-value:3"), "mode_state")
    assert not needs_unit(point(property="high-limit"), "power_w")


def test_a_text_is_a_name_of_the_profile_or_what_the_device_says():
    named = point(object="multi-state-value:3", values={"1": "off", "2": "reduced"})

    assert ("reduced", "", "as it is") == (
        find_text(named, 2.0, ""),
        find_text(named, 9.0, ""),
        find_text(point(), math.nan, "as it is"),
    )
