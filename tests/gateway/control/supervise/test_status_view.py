from dataclasses import replace

import pytest
from tests.gateway.control.conftest import HOUSE

from quartier.control.allocate.results import AllocationResult
from quartier.control.limits.breach import Breach
from quartier.control.observe.meter_check.judge import MeterCheck, Verdict
from quartier.control.observe.meter_delay import MeterDelay
from quartier.control.reason import NO_REASON, make_reason
from quartier.control.records import Order, OrderBook
from quartier.control.state import ControlState
from quartier.control.supervise import status
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset

POINT = "bat1.setpoint_w"


def test_a_view_says_mode_caps_whose_and_why(plant):
    view = plant(base_w=2000).run(3).view

    assert ("CONTROLLED", "test", "WELL", [], []) == (
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
    assert ("battery", "D", "good", "steered") == (
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

    assert ("paused", "shed", "free", "measured only") == (
        states["ev1"],
        states["pump"],
        states["pv1"],
        states["lift"],
    )
    del house


def test_what_moved_is_named_with_the_rule_that_moved_it(plant):
    p = plant(base_w=3000, soc_pct=10, loads_w={"pump": 2000}).cap(import_max_w=3500).run(1)

    assert ["pump: import cap 3500 W (envelope dso 1): shed, tier C"] == p.view["acted"]


def test_what_follows_from_a_doubted_grid_meter_names_that_doubt(scene):
    meter = MeterCheck(verdict=Verdict.SUSPECT, causes=(("one_step", -1.0),))
    breach = Breach(fast_over=True)
    state = replace(
        ControlState.fresh(HOUSE), meter=meter, lag=MeterDelay(found_s=16.0), export_breach=breach
    )
    result = AllocationResult((), 0.0, 0.0, acted={}, met=True, gate=RestoreGate())
    found = {
        one.code: one for one in status.find_control_alarms(scene(state=state), (), result, OrderBook(), {})
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
def test_an_output_counts_as_given_back_only_once_its_device_took_it(scene, returns, why, words):
    result = AllocationResult((), 0.0, 0.0, acted={}, met=True, gate=RestoreGate())
    lost, book = {POINT: make_reason(why)}, OrderBook(returns=returns)

    assert [f"{POINT}: {words}"] == list(status.find_control_alarms(scene(), (), result, book, lost))


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
    found = status._shown_state(status._turn_state(ChargePointAsset(name="ev1", rated_w=11_040), turn))

    assert {"code": code, "values": values} == found["state_reason"]
    assert found["state"]
