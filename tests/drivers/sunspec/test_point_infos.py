"""What is known of a writable point before and after its device was asked."""

import math

from tests.drivers.modbus.conftest import HandClock
from tests.drivers.sunspec.control.test_functions import CAP_704, cap123, cap704, set704
from tests.drivers.sunspec.control.test_storage_function import MODEL, storage

from quartier_drivers.contract import DeviceSpec, Fallback
from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.sunspec.control.controlled_point import ControlledPoint
from quartier_drivers.sunspec.point_infos import make_first_info, make_known_info
from quartier_drivers.sunspec.registers import RegisterReader

CAPPED = DeviceSpec("pv", 7, {"": "pv"}, {}, {"pv.generation_max_w": 500.0})
BARE = DeviceSpec("pv", 7, {"": "pv"})


def told(quantity, name, spec):
    loaded = loading.load_profile(name)
    return make_first_info(f"pv.{quantity}", loaded.parts[""][quantity], spec, loaded)


def met(function, quantity="setpoint_w", name="sunspec/battery", spec=BARE):
    info = told(quantity, name, spec)
    steered = ControlledPoint(
        info.point, function, RegisterReader(None, 7, Limits()), Limits(), None, 5.0, HandClock()
    )
    return make_known_info(info, steered, spec)


def test_a_setpoint_is_known_to_end_in_the_devices_own_control():
    info = told("setpoint_w", "sunspec/battery", BARE)

    assert (True, "own", Fallback(None, 60.0, "", 20.0)) == (info.writable, info.on_release, info.fallback)
    assert info.shows_own
    assert "7/704.WSet|704.WSetPct|124.StorCtl_Mod" == info.address


def test_a_cap_is_known_to_end_in_the_fail_safe_cap_or_to_stand():
    assert 500.0 == told("generation_max_w", "sunspec/pv", CAPPED).fallback.value
    assert told("generation_max_w", "sunspec/pv", BARE).fallback.holds


def test_what_is_only_read_is_not_writable():
    info = told("power_w", "sunspec/pv", BARE)

    assert (False, None) == (info.writable, info.fallback)


def test_the_device_says_range_step_register_and_timer():
    info = met(set704())

    assert ("7/704.WSet", -6000.0, 6000.0, 10.0) == (info.address, info.write_low, info.write_high, info.step)
    assert "704.WSetRvrtTms" == info.fallback.register


def test_a_cap_without_a_timer_that_ends_in_a_cap_stands():
    assert met(cap123(), "generation_max_w", "sunspec/pv", CAPPED).fallback.holds
    assert 60.0 == met(cap704(), "generation_max_w", "sunspec/pv", CAPPED).fallback.after_s
    bare = cap704({**CAP_704, "WMaxLimPctRvrt": None})
    assert math.inf == met(bare, "generation_max_w", "sunspec/pv", CAPPED).fallback.after_s


def test_where_ratings_are_void_nothing_more_is_known():
    assert met(storage({**MODEL, "WChaMax_SF": None})) == told("setpoint_w", "sunspec/battery", BARE)
