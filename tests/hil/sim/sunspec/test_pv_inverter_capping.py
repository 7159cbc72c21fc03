from math import inf

import pytest

from quartier_sim.sunspec import pv_inverter
from quartier_sim.sunspec.pv_inverter import GenerationLimit
from quartier_sim.sunspec.sunspec_device import SunSpecDevice

OLD = [(121, pv_inverter.build_ratings_121(6000)), (123, pv_inverter.CONTROL_123)]
NEW = [(702, pv_inverter.build_ratings_702(6000)), (704, pv_inverter.CONTROL_704)]


def capped(models, generation, *habits):
    device = SunSpecDevice(models, habits=habits)
    return device, GenerationLimit(device, generation, lambda: device.now_s)


def put(device, **values):
    number = "123" if "123.WMaxLim_Ena" in device.image.cells else "704"
    for name, value in values.items():
        device.image.put(f"{number}.{name}", value)
    device.handle_write([f"{number}.{name}" for name in values])


def test_without_a_cap_there_is_no_limit():
    assert inf == capped(OLD, "1xx")[1].cap_w
    assert inf == capped(NEW, "7xx")[1].cap_w


def test_a_cap_is_a_percentage_of_the_rating():
    device, cap = capped(OLD, "1xx")
    put(device, WMaxLimPct=2500, WMaxLim_Ena=1)
    assert 1500.0 == cap.cap_w

    device, cap = capped(NEW, "7xx")
    put(device, WMaxLimPct=2500, WMaxLimPctEna=1)
    assert 1500.0 == cap.cap_w


def test_a_timer_lifts_a_cap_of_the_first_generation():
    device, cap = capped(OLD, "1xx")
    put(device, WMaxLimPct=2500, WMaxLimPct_RvrtTms=60, WMaxLim_Ena=1)

    device.tick(59.0)
    assert 1500.0 == cap.cap_w
    device.tick(60.0)
    assert inf == cap.cap_w


def test_without_a_timer_a_cap_of_the_first_generation_stands():
    device, cap = capped(OLD, "1xx")
    put(device, WMaxLimPct=2500, WMaxLimPct_RvrtTms=0, WMaxLim_Ena=1)

    device.tick(1e6)
    assert 1500.0 == cap.cap_w


@pytest.mark.parametrize(("stays", "expected"), [(1, 600.0), (0, inf)])
def test_a_cap_of_the_second_generation_reverts_to_its_own_value_where_its_enable_stays(stays, expected):
    device, cap = capped(NEW, "7xx")
    put(
        device,
        WMaxLimPct=5000,
        WMaxLimPctRvrt=1000,
        WMaxLimPctEnaRvrt=stays,
        WMaxLimPctRvrtTms=60,
        WMaxLimPctEna=1,
    )

    device.tick(59.0)
    assert 3000.0 == cap.cap_w
    device.tick(60.0)
    assert expected == cap.cap_w


@pytest.mark.parametrize(("habits", "expected"), [((), inf), (("timer-fed-by-values",), 3000.0)])
def test_the_value_alone_feeds_a_timer_of_704_only_where_that_is_the_habit(habits, expected):
    device, cap = capped(NEW, "7xx", *habits)
    put(device, WMaxLimPct=5000, WMaxLimPctRvrtTms=60, WMaxLimPctEna=1)
    device.tick(40.0)
    put(device, WMaxLimPct=5000)
    device.tick(80.0)

    assert expected == cap.cap_w


def test_a_cap_of_zero_sends_into_standby_for_its_time_where_that_is_the_habit():
    device, cap = capped(OLD, "1xx", "standby-at-zero")
    put(device, WMaxLimPct=0, WMaxLim_Ena=1)
    assert cap.rests()

    put(device, WMaxLimPct=10_000)
    device.tick(299.0)
    assert cap.rests()
    device.tick(300.0)
    assert not cap.rests()
    assert not capped(OLD, "1xx")[1].rests()


def test_disconnected_is_a_cap_of_zero():
    device, cap = capped(OLD, "1xx")
    put(device, Conn=0)

    assert 0.0 == cap.cap_w


def test_large_ratings_have_a_scale_factor():
    assert (5000, 1) == (
        pv_inverter.build_ratings_121(50_000)["WMax"],
        pv_inverter.build_ratings_121(50_000)["WMax_SF"],
    )
    assert 0b11 == pv_inverter.build_ratings_702(5000, stores=True)["CtrlModes"]
    assert 82 == pv_inverter.build_ratings_120(5000, 82, 10_000)["DERTyp"]
