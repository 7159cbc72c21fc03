import math

from quartier.commissioning.probe import probe_subject
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier_drivers.contract import Fallback

BATTERY = Battery(
    name="bat1",
    rated_w=5000,
    capacity_wh=1,
    charge_max_w=4000,
    discharge_max_w=5000,
    ramp_max_w_per_s=1,
)


def test_a_step_is_a_tenth_of_the_rated_power_unless_said():
    whole = probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None)

    assert (500, -5000, 4000) == (whole.step_w, whole.low_w, whole.high_w)
    assert 200 == probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", -200).step_w


def test_a_charging_point_is_commanded_in_amperes_in_steps_of_two_at_least():
    one = probe_subject.make_charge_point_subject(
        ChargePointAsset(name="ev1", rated_w=11_040), "ev1.current_max_a", 100
    )

    assert (1380, 4140, 11_040) == (one.step_w, one.low_w, one.high_w)
    assert 6.0 == one.value(4140)
    assert 4140 == one.watts(6.0)


def test_pv_is_commanded_by_a_cap_and_a_load_by_its_relay():
    pv = probe_subject.make_pv_subject(Pv(name="pv1", rated_w=6000), "pv1.generation_max_w", None)
    load = probe_subject.make_load_subject(Load(name="hp1", rated_w=2000), "hp1.relay_on")

    assert (5000, -5000) == (pv.value(-5000), pv.watts(5000))
    assert (1.0, 0.0, 2000, 0) == (load.value(2000), load.value(0), load.watts(1), load.watts(0))
    assert ("pv", "load", True) == (pv.role, load.role, load.is_switch)


def test_commands_are_refreshed_at_a_third_of_the_devices_timer():
    def refresh_s(fallback):
        return probe_subject.make_battery_subject(
            BATTERY, "bat1.setpoint_w", None, fallback=fallback
        ).refresh_s

    assert 20 == refresh_s(Fallback(0, 60))
    assert 5 == refresh_s(Fallback(0, 60, refresh_s=5))
    assert refresh_s(Fallback(0, math.inf)) is None
    assert refresh_s(None) is None


def test_a_point_without_fallback_is_refused_unless_the_site_accepts_it():
    bare = probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None)

    assert 'accept_no_fallback = "reason" under [assets.bat1]' in bare.refusal
    assert not probe_subject.make_battery_subject(
        BATTERY, "bat1.setpoint_w", None, accepted="it is only a lamp"
    ).refusal
    assert not probe_subject.make_battery_subject(
        BATTERY, "bat1.setpoint_w", None, fallback=Fallback(0, 60)
    ).refusal
