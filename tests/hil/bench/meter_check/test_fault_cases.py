from itertools import product

import pytest

from quartier_bench.meter_check.fault_cases import (
    CONTRACT_W,
    DISTRICT_W,
    FAILSAFE_W,
    LIMIT_SOURCES,
    LINK_STATES,
    METER_FAULTS,
    MeterFaultCase,
    draw_cases,
    iterate_cases,
)
from quartier_hil.scenario.events import FaultEvent
from quartier_hil.scenario.outside_events import HeartbeatEvent
from quartier_sim.devices.device_faults import Fault


def test_every_fault_comes_by_day_and_night_under_each_limit_in_each_link_state():
    wanted = set(product(METER_FAULTS, (False, True), LIMIT_SOURCES, LINK_STATES))

    assert wanted == {(one.fault, one.sun, one.limits, one.link) for one in iterate_cases()}
    assert len(wanted) == len({one.name for one in iterate_cases()})


@pytest.mark.parametrize("fault", [name for name in METER_FAULTS if name != "none"])
def test_every_fault_is_one_of_the_rig(fault):
    assert Fault(**METER_FAULTS[fault]).kind == METER_FAULTS[fault]["kind"]


@pytest.mark.parametrize(("grid_meter", "device"), [("usual", "meter"), ("slow", "meter"), ("linky", "tic")])
def test_every_case_is_a_scenario_whose_fault_begins_in_its_link_state(grid_meter, device):
    for case in iterate_cases(grid_meters=(grid_meter,)):
        scenario = case.make_scenario()
        faults = [one for one in scenario.events if isinstance(one, FaultEvent)]
        silent = [one for one in scenario.events if isinstance(one, HeartbeatEvent)]

        assert [device] * (case.fault != "none" and case.link != "INIT") == [one.device for one in faults]
        assert (case.link in ("HOLD", "FAILSAFE")) == bool(silent)


@pytest.mark.parametrize(
    ("limits", "mode", "expected"),
    [
        ("contract", "CONTROLLED", CONTRACT_W),
        ("district", "CONTROLLED", DISTRICT_W),
        ("district", "HOLD", DISTRICT_W),
        ("contract", "FAILSAFE", FAILSAFE_W),
        ("district", "FAILSAFE", DISTRICT_W),
        ("contract", "INIT", FAILSAFE_W),
        ("contract", "AUTONOMOUS", (9_600, 4_000)),
        ("district", "AUTONOMOUS", DISTRICT_W),
    ],
)
def test_the_limits_are_the_least_of_link_state_and_document(limits, mode, expected):
    assert expected == MeterFaultCase("none", sun=False, limits=limits, link="CONTROLLED").limits_w(mode)


@pytest.mark.parametrize(
    ("fault", "grid_meter", "expected"),
    [
        ("none", "usual", False),
        ("phases-swapped", "usual", False),
        ("gain-0.6", "slow", True),
        ("gain-0.6", "minute", False),
        ("reversed", "linky", False),
        ("frozen-500", "linky", True),
    ],
)
def test_an_alarm_is_owed_where_the_building_can_show_the_fault(fault, grid_meter, expected):
    assert expected == MeterFaultCase(fault, False, "contract", "HOLD", grid_meter).is_detectable


def test_the_same_seed_draws_the_same_cases():
    assert draw_cases(8, 3) == draw_cases(8, 3)
    assert draw_cases(8, 3) != draw_cases(8, 4)
    assert 8 == len({one.name for one in draw_cases(8, 3)})
