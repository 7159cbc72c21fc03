import datetime as dt

import pytest

from quartier_hil.checks.promised_values import DeclaredValueCheck, list_declared_values
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.scenario_file import Scenario


def _scenario(*events):
    start = dt.datetime(2026, 6, 12, 15)  # noqa: DTZ001 - the house's local time
    return Scenario.model_validate(
        {"title": "x", "start": start, "duration_s": 3_000, "events": list(events)}
    )


KILL = {"at_s": 100, "do": "kill", "down_s": 200}
CUT = {"at_s": 100, "do": "fault", "device": "charger", "kind": "unplugged"}
METER = {"at_s": 100, "do": "fault", "device": "meter", "kind": "silent"}
CLEAR = {"at_s": 400, "do": "clear", "device": "meter"}


def test_a_kill_with_release_wants_every_release_value():
    found = list_declared_values(_scenario(KILL))

    assert {"bat1.setpoint_w": 0, "ev1.current_max_a": 0, "hp1.relay_on": 0} == {
        one.output.point: one.value for one in found
    }
    assert {(105, 300)} == {(one.from_s, one.until_s) for one in found}


def test_without_a_release_the_devices_timers_must_act_and_a_relay_has_none():
    found = list_declared_values(_scenario(KILL | {"release": False}))

    assert {("bat1.setpoint_w", 165), ("ev1.current_max_a", 165)} == {
        (one.output.point, one.from_s) for one in found
    }


def test_a_short_freeze_wants_nothing():
    assert [] == list_declared_values(_scenario({"at_s": 100, "do": "freeze", "for_s": 30}))


def test_a_lost_grid_meter_takes_the_battery_back_until_it_is_well():
    (one,) = list_declared_values(_scenario(METER, CLEAR))

    assert ("bat1.setpoint_w", 115, 400) == (one.output.point, one.from_s, one.until_s)


def test_a_cut_device_is_on_its_own_and_the_others_are_not():
    assert ["ev1.current_max_a"] == [one.output.point for one in list_declared_values(_scenario(CUT))]


@pytest.mark.parametrize(("value", "holds"), [(0.0, True), (6.0, False)])
def test_an_output_that_is_not_there_in_time_is_named(value, holds):
    judge = DeclaredValueCheck(list_declared_values(_scenario(CUT)))
    for now_s in (120, 170, 500):
        judge.step(now_s, 1.0, {"order.current_max_a": 9.0 if now_s < 165 else value})

    verdict = judge.verdict(RunData())
    assert holds == verdict.holds
    assert holds or "ev1.current_max_a is 6 instead of 0 at 170 s (charger unplugged)" == verdict.measured


def test_a_dead_wire_leaves_its_device_on_its_own_as_a_cut_does():
    wire = CUT | {"device": "charger_net", "kind": "off"}

    assert ["ev1.current_max_a"] == [one.output.point for one in list_declared_values(_scenario(wire))]
