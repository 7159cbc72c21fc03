import datetime as dt

import pytest

from quartier_hil.checks.invariant_checks import (
    BatteryBandCheck,
    FloorCheck,
    FuseCheck,
    MinimumTimeCheck,
    ReasonPresenceCheck,
    SwitchingRateCheck,
    TierACheck,
    build_invariant_checks,
)
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario.events import DaemonFreeze, DaemonStop
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec

SCENARIO = Scenario(title="x", start=dt.datetime(2026, 6, 12, 15), duration_s=9_000)  # noqa: DTZ001 - the house's local time


def _judged(judge, moments, point="order.relay_on"):
    """``moments``: at which second an order had which value."""
    for now_s, value in moments:
        judge.step(now_s, 1.0, {point: value, "bat1.soc_pct": 50.0})
    return judge.verdict(RunData())


@pytest.mark.parametrize(("off_s", "holds"), [(181, True), (170, False)])
def test_a_load_stays_off_for_its_minimum_time(off_s, holds):
    moments = [(0, 1), (1_000, 0), (1_000 + off_s, 1)]

    assert holds == _judged(MinimumTimeCheck(SCENARIO), moments).holds


@pytest.mark.parametrize(("on_s", "holds"), [(300, True), (200, False)])
def test_a_load_stays_on_for_its_minimum_time(on_s, holds):
    assert holds == _judged(MinimumTimeCheck(SCENARIO), [(0, 0), (1_000, 1), (1_000 + on_s, 0)]).holds


def test_a_cars_current_may_change_but_not_pause_and_go_on_at_once():
    assert _judged(MinimumTimeCheck(SCENARIO), [(0, 16), (1, 6), (2, 9)], "order.current_max_a").holds
    assert not _judged(MinimumTimeCheck(SCENARIO), [(0, 16), (90, 0), (100, 6)], "order.current_max_a").holds


def test_what_a_release_switches_is_no_switching_of_the_cycle():
    killed = SCENARIO.model_copy(update={"events": (DaemonStop(at_s=1_000, do="kill", down_s=10),)})

    assert _judged(MinimumTimeCheck(killed), [(0, 0), (990, 1), (1_001, 0)]).holds


@pytest.mark.parametrize(("count", "holds"), [(6, True), (7, False)])
def test_a_load_is_switched_at_most_six_times_an_hour(count, holds):
    moments = [(0, 0)] + [(400 * (number + 1), (number + 1) % 2) for number in range(count)]

    assert holds == _judged(SwitchingRateCheck(SCENARIO), moments).holds


def test_switchings_of_another_hour_do_not_count():
    assert _judged(SwitchingRateCheck(SCENARIO), [(0, 0)] + [(700 * n, n % 2) for n in range(1, 20)]).holds


@pytest.mark.parametrize(("soc_pct", "holds"), [(9.6, True), (9.4, False), (95.4, True), (95.6, False)])
def test_the_battery_stays_in_its_band(soc_pct, holds):
    judge = BatteryBandCheck()
    judge.step(1, 1, {"bat1.soc_pct": soc_pct})

    assert holds == judge.verdict(RunData()).holds


def test_an_order_without_a_reason_is_named():
    judge = ReasonPresenceCheck(SCENARIO)
    judge.take_order(7, "bat1.setpoint_w", 5, "why")
    assert judge.verdict(RunData()).holds

    judge.take_order(8, "bat1.setpoint_w", 6, " ")
    assert (False, "bat1.setpoint_w = 6 at 8 s has none") == (
        judge.verdict(RunData()).holds,
        judge.verdict(RunData()).measured,
    )


def test_a_scenario_may_leave_one_out_and_a_house_what_it_has_not():
    names = [
        type(judge).__name__
        for judge in build_invariant_checks(SCENARIO, asked.InvariantExpectation(check="invariants"))
    ]

    assert "Lights" not in names
    assert "TierA" not in names
    assert "BandKept" not in [
        type(judge).__name__
        for judge in build_invariant_checks(
            SCENARIO, asked.InvariantExpectation(check="invariants", without=("band-kept",))
        )
    ]


def _with(**house):
    return SCENARIO.model_copy(update={"house": SiteSpec.model_validate(house)})


STREET = _with(
    boards=[{"name": "park", "fuse_a": 63}],
    assets=[
        {"kind": "lights", "name": "lamps1", "rated_w": 3_000},
        {"kind": "load", "name": "lift1", "rated_w": 1_000, "tier": "A"},
    ],
)


@pytest.mark.parametrize(("dim_pct", "holds"), [(50, True), (49, False)])
def test_street_lights_stay_at_half(dim_pct, holds):
    judge = FloorCheck(STREET)
    judge.step(1, 1, {"order.lamps1.dim_pct": dim_pct})

    assert holds == judge.verdict(RunData()).holds


def test_what_is_in_tier_a_gets_no_order():
    judge = TierACheck(STREET)
    judge.take_order(1, "lamps1.dim_pct", 50, "why")
    assert judge.verdict(RunData()).holds

    judge.take_order(2, "lift1.relay_on", 0, "why")
    assert "lift1.relay_on = 0 at 2 s" == judge.verdict(RunData()).measured


@pytest.mark.parametrize(("seconds", "holds"), [(5, True), (6, False)])
@pytest.mark.parametrize("phase", [1, 2, 3])
def test_no_phase_of_a_board_is_over_its_fuse_for_more_than_five_seconds(seconds, holds, phase):
    judge = FuseCheck(STREET)
    for now_s in range(20):
        currents = {f"park.current_l{p}_a": 60.0 for p in (1, 2, 3)}
        judge.step(now_s, 1, currents | {f"park.current_l{phase}_a": 70.0 if now_s < seconds else 60.0})

    assert holds == judge.verdict(RunData()).holds


def test_ten_percent_over_a_fuse_is_not_over():
    judge = FuseCheck(STREET)
    judge.step(1, 60, {f"park.current_l{p}_a": 69.3 for p in (1, 2, 3)})

    assert judge.verdict(RunData()).holds


def test_what_a_devices_own_timer_switches_is_no_switching_of_the_cycle():
    frozen = SCENARIO.model_copy(update={"events": (DaemonFreeze(at_s=1_000, do="freeze", for_s=150),)})

    moments = [(0, 16), (1_060, 0), (1_151, 16)]
    assert _judged(MinimumTimeCheck(frozen), moments, "order.current_max_a").holds
    assert not _judged(MinimumTimeCheck(SCENARIO), moments, "order.current_max_a").holds
