"""Which rows of the loss table a cycle finds in force."""

from dataclasses import replace

import pytest
from tests.gateway.control.conftest import HOUSE

from quartier.control.allocate.results import AllocationResult
from quartier.control.cycle import run_cycle
from quartier.control.limits.breach import Breach
from quartier.control.observe.meter_check.judge import MeterCheck, MeterVerdict
from quartier.control.observe.meter_delay import MeterDelay
from quartier.control.reason import NO_REASON, make_reason
from quartier.control.records import Order, OrderBook
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.supervise import status
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now


def _names(plant):
    return [(row["name"], row["of"]) for row in plant.view["losses"]]


def test_a_house_that_is_well_has_no_loss(plant):
    assert [] == _names(plant(base_w=500).run(40))


def test_a_grid_meter_is_stale_before_it_is_lost(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"grid"}
    stale = _names(p.run(5))
    lost = _names(p.run(8))

    assert [("grid-meter-stale", "")] == stale
    assert [("grid-meter-lost", "")] == lost


def test_each_class_of_asset_has_its_own_row(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"bat1", "pv1", "ev1", "heat"}
    p.run(20)

    assert [
        ("battery-silent", "bat1"),
        ("pv-silent", "pv1"),
        ("ev-silent", "ev1"),
        ("load-silent", "heat"),
    ] == _names(p)


def test_a_device_that_was_never_heard_has_its_time_to_answer(plant):
    p = plant(base_w=500)
    p.silent = {"bat1"}

    assert [] == _names(p.run(10))
    assert [("battery-silent", "bat1")] == _names(p.run(10))


def test_the_district_is_lost_in_hold_and_in_failsafe(plant):
    p = plant(base_w=500).run(20)
    found = [_names(p.cap(mode=mode).run(1)) for mode in ("CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")]

    assert [[], [("uplink-lost", "")], [("uplink-lost", "")], []] == found


def test_the_order_is_that_of_the_table(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"grid", "bat1"}
    p.cap(mode="FAILSAFE").run(20)

    assert ["grid-meter-lost", "battery-silent", "uplink-lost"] == [name for name, _ in _names(p)]


@pytest.mark.parametrize("synced", [True, False])
def test_a_clock_that_is_not_synchronised_is_a_loss(plant, synced):
    p = plant(base_w=500).run(20)
    now = Now(20 * 10**9, 1_790_000_020_000, synced)
    found = run_cycle(ProcessImage().freeze(now.ns), Requests(caps=p.caps), p.state, now).view["losses"]

    assert (("clock-unsynced", "") in [(row["name"], row["of"]) for row in found]) is not synced


def test_cycles_that_come_late_are_a_loss_while_the_rule_dwells(plant):
    p = plant(base_w=500).run(20)
    p.state = replace(p.state, late_count=2, last_ns=p.state.last_ns - 2 * 10**9)

    assert [("cycle-late", "")] == _names(p.run(1))
    assert [("cycle-late", "")] == _names(p.run(59))
    assert [] == _names(p.run(3))


def test_what_comes_of_a_lost_grid_meter_names_it_as_its_cause(plant):
    p = plant(base_w=9_000).run(40)
    p.silent = {"grid"}
    alarms = p.run(30).view["alarms"]
    p.silent = set()
    after = p.run(5).view["alarms"]

    assert {"cap.unmet": status.METER_LOST_ROW, "output.given_back": status.METER_LOST_ROW} == {
        one.code: one.cause for one in alarms
    }
    assert {status.METER_LOST_ROW} == {one.cause for one in after}  # what was lost until now


def test_what_comes_of_a_silent_asset_names_that_and_what_does_not_names_nothing(plant):
    p = plant(base_w=500).run(40)
    p.silent = {"bat1"}
    (silent,) = p.run(20).view["alarms"]
    p.silent = {"bat1.soc_pct"}
    (half,) = p.run(40).view["alarms"]

    assert [("loss.battery_silent", "bat1"), None] == [silent.cause, half.cause]
    assert ["output.given_back"] * 2 == [silent.code, half.code]


def test_a_test_of_the_fail_safe_state_is_no_loss(plant):
    p = plant(base_w=500).run(40)
    lost = _names(p.cap(mode="FAILSAFE").run(1))
    tried = _names(p.cap(tested=True).run(1))

    assert ([("uplink-lost", "")], []) == (lost, tried)


POINT = "bat1.setpoint_w"


def test_a_view_says_mode_caps_whose_and_why(plant):
    view = plant(base_w=2000).run(3).view

    assert ("CONTROLLED", "test", "NORMAL", [], []) == (
        view["mode"], view["why"], view["stage"], view["rules"], view["alarms"],
    )  # fmt: skip
    cap = view["caps"]["export"]
    assert (6000, "hard limit") == (cap["max_w"], cap["whose"])
    assert 2.0 == view["mode_age_s"]


def test_each_asset_shows_power_age_quality_tier_state_and_last_command(plant):
    asset = plant(base_w=2000).run(3).view["assets"]["bat1"]

    shown = {"role", "tier", "power_w", "age_s", "quality", "soc_pct", "state", "state_reason", "command"}
    assert shown | {"led_by"} == set(asset)
    assert {"code": "state.steered", "values": {}} == asset["state_reason"]
    assert ("battery", "D", "good", "controlled") == (
        asset["role"],
        asset["tier"],
        asset["quality"],
        asset["state"],
    )
    assert ("self-consumption: grid target 0 W", "rule: self-consumption") == (
        asset["command"]["reason"],
        asset["led_by"],
    )


def test_states_have_the_words_of_their_role(plant, house):
    p = plant(base_w=3000, soc_pct=10, ev_wants_w=7000, loads_w={"pump": 2000}).cap(import_max_w=3000).run(3)
    states = {name: asset["state"] for name, asset in p.view["assets"].items()}

    assert ("paused", "shed", "not limited", "measured only") == (
        states["ev1"],
        states["pump"],
        states["pv1"],
        states["lift"],
    )
    del house


def test_an_order_shows_why_it_was_written_also_while_it_stands_for_another_reason(plant):
    p = plant(base_w=3000, ev_wants_w=0, soc_pct=15).cap(import_max_w=8000)
    p.raw["ev1.plugged_on"] = 1.0
    reasons = set()
    for base_w in (3000, 6000, 500):
        p.base_w = base_w
        for _ in range(60):
            command = p.run(1).view["assets"]["ev1"].get("command")
            if command is not None:
                last = [one.reason for _, one in p.log if one.point == command["point"]][-1]
                assert last == command.get("written_reason", command["reason"])
                reasons.add((command["reason"], command.get("written_reason")))

    assert any(written is not None for _, written in reasons)


def test_what_moved_is_named_with_the_rule_that_moved_it(plant):
    p = plant(base_w=3000, soc_pct=10, loads_w={"pump": 2000}).cap(import_max_w=3500).run(1)

    assert ["pump: import cap 3500 W (envelope dso 1): shed, tier C"] == p.view["acted"]


def test_what_follows_from_a_doubted_grid_meter_names_that_doubt(make_inputs):
    meter = MeterCheck(verdict=MeterVerdict.SUSPECT, causes=(("one_step", -1.0),))
    breach = Breach(fast_over=True)
    state = replace(
        ControlState.fresh(HOUSE), meter=meter, lag=MeterDelay(found_s=16.0), export_breach=breach
    )
    result = AllocationResult((), 0.0, 0.0, acted={}, is_met=True, gate=RestoreGate())
    found = {
        one.code: one
        for one in status.find_control_alarms(make_inputs(state=state), (), result, OrderBook(), {})
    }

    assert found["meter.late"].cause == ("meter.suspect", "grid")
    assert found["cap.exceeded"].endswith("; the grid meter is doubted: see meter.suspect first")


@pytest.mark.parametrize(
    ("returns", "why", "words"),
    [
        ({POINT: Order(0.0, 0, NO_REASON)}, "meter.lost", "being given back, grid meter lost"),
        ({POINT: Order(0.0, 0, NO_REASON, is_kept=True)}, "meter.lost", "given back, grid meter lost"),
        ({}, "meter.lost", "no longer ordered, grid meter lost"),
    ],
)
def test_an_output_counts_as_given_back_only_once_its_device_took_it(make_inputs, returns, why, words):
    result = AllocationResult((), 0.0, 0.0, acted={}, is_met=True, gate=RestoreGate())
    lost, book = {POINT: make_reason(why)}, OrderBook(returns=returns)

    assert [f"{POINT}: {words}"] == list(status.find_control_alarms(make_inputs(), (), result, book, lost))


@pytest.mark.parametrize(
    ("turn", "code", "values"),
    [
        (SwitchState(), "free", {}),
        (SwitchState(limit_w=4_140.4), "state.limited", {"limit_w": 4_140}),
        (SwitchState(on=False), "state.paused", {}),
        (SwitchState(unread_ns=0), "state.unread", {}),
    ],
)
def test_how_an_asset_stands_has_a_code_with_values(turn, code, values):
    found = status._render_state(status._turn_state(ChargePointAsset(name="ev1", rated_w=11_040), turn))

    assert {"code": code, "values": values} == found["state_reason"]
    assert found["state"]
