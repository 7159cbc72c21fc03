from dataclasses import replace

import pytest
from tests.gateway.control.ordering import commanded

from quartier.control.allocate import restore
from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.events.outage import OutageRecovery
from quartier.control.orders.commands import Shed
from quartier.control.reason import make_text_reason
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier_drivers.contract import Origin

DSO = make_text_reason("envelope dso 12", Origin("document", "dso", "12", 3))
S = 1_000_000_000


def needs(p, name):
    return restore.find_return_needs(p.state, name, p.state.last_ns)


def kinds(p, name):
    return [need["what"] for need in needs(p, name)]


def test_what_is_not_held_needs_nothing(plant):
    p = plant(loads_w={"heat": 1000}).run(5)
    assert (None, None, None) == (needs(p, "heat"), needs(p, "bat1"), needs(p, "nobody"))


def test_what_is_not_read_yet_waits_like_what_was_shed(plant):
    p = plant(base_w=500)
    p.silent = {"ev1.current_max_a"}
    p.run(30)

    assert ["room", "spread"] == kinds(p, "ev1")


def test_a_shed_load_waits_for_its_minimum_time_for_room_and_until_it_fits(plant):
    p = plant(base_w=2000, soc_pct=10, loads_w={"heat": 1500}).run(60)
    p.cap(import_max_w=2500, sources={"import": DSO}).run(5)

    found = {need["what"]: need for need in needs(p, "heat")}
    assert ["minimum", "room", "fits"] == [kind for kind in found if kind != "spread"]
    assert (False, 60.0, 2250.0, 120.0) == (
        found["minimum"]["is_on"],
        found["minimum"]["least_s"],
        found["room"]["below_w"],
        found["room"]["for_s"],
    )
    assert 50 < found["minimum"]["left_s"] < 60
    assert 1500.0 == found["fits"]["power_w"]
    p.run(100)
    assert "minimum" not in kinds(p, "heat")
    assert 90 < next(need["below_s"] for need in needs(p, "heat") if need["what"] == "room") < 110


def test_of_several_the_one_that_was_shed_last_comes_first(plant):
    p = plant(base_w=1000, soc_pct=10, loads_w={"heat": 1000, "pump": 1000}).run(60)
    p.cap(import_max_w=1100).run(5)

    assert {"what": "turn", "before": ["pump"]} == needs(p, "heat")[-1]
    assert "turn" not in kinds(p, "pump")


def test_a_limited_pv_waits_for_the_export(plant):
    p = plant(base_w=200, sun_w=6000, soc_pct=99).run(30)
    p.cap(export_max_w=1000).run(30)
    assert [{"what": "export", "below_w": 1000.0}] == needs(p, "pv1")


def test_while_inputs_are_lost_that_comes_first(plant):
    p = plant(base_w=2000, soc_pct=10, loads_w={"heat": 1500}).run(60)
    p.cap(import_max_w=2500).run(5)
    p.silent.add("grid")
    p.run(20)
    assert "inputs" == kinds(p, "heat")[0]


def shed_heat(plant, **changes):
    """``heat`` is off for long, all is well otherwise; ``changes`` are of the state."""
    p = plant(base_w=500).run(5)
    turns = {**p.state.switch_states, "heat": SwitchState(on=False, before_w=1000.0)}
    now_ns = p.state.last_ns
    state = replace(
        p.state, switch_states=turns, gate=RestoreGate(below_since_ns=now_ns - 200 * S), **changes
    )
    return state, now_ns


def test_nothing_in_the_way_but_to_fit(plant):
    state, now_ns = shed_heat(plant)
    assert [{"what": "fits", "power_w": 1000.0}] == restore.find_return_needs(state, "heat", now_ns)


def test_a_low_frequency_holds_all_back(plant):
    state, now_ns = shed_heat(plant, events=GridEvents(low=ActiveRow(level=1, value=49.7)))
    assert "grid" == restore.find_return_needs(state, "heat", now_ns)[0]["what"]


def test_what_was_shed_often_within_the_hour_rests(plant):
    state, now_ns = shed_heat(plant)
    often = tuple(now_ns - minutes * 60 * S for minutes in (30, 20, 10))
    state = replace(
        state,
        switch_states={**state.switch_states, "heat": SwitchState(on=False, before_w=1000.0, sheds_ns=often)},
    )
    assert ["rest", "fits"] == [need["what"] for need in restore.find_return_needs(state, "heat", now_ns)]


def test_after_a_common_event_and_after_another_that_came_back_it_waits_so_long(plant):
    state, now_ns = shed_heat(plant)
    gate = replace(state.gate, not_before_ns=now_ns + 40 * S, last_ns=now_ns - 10 * S)
    found = restore.find_return_needs(replace(state, gate=gate), "heat", now_ns)
    assert [("spread", 40.0), ("spacing", 20.0)] == [(need["what"], need["left_s"]) for need in found[:2]]


def test_a_pv_behind_a_relay_waits_for_its_minimum_pause_too(plant):
    p = plant(base_w=500).run(5)
    turns = {**p.state.switch_states, "pv1": SwitchState(on=False, since_ns=p.state.last_ns - 100 * S)}
    found = restore.find_return_needs(replace(p.state, switch_states=turns), "pv1", p.state.last_ns)
    assert ("minimum", 300.0, 200.0, "export") == (
        found[0]["what"],
        found[0]["least_s"],
        found[0]["left_s"],
        found[1]["what"],
    )


def test_a_car_that_is_held_lower_needs_room_and_no_place_to_begin(plant):
    state, now_ns = shed_heat(plant)
    state = replace(state, switch_states={"ev1": SwitchState(limit_w=5_000.0)})

    assert [] == restore.find_return_needs(state, "ev1", now_ns)


def test_while_the_building_rises_after_an_outage_the_room_is_that_of_the_rise(plant):
    rising = OutageRecovery(is_open=True, rises_ns=0, from_w=700.0)
    state, now_ns = shed_heat(plant, events=GridEvents(outage=rising))
    found = restore.find_return_needs(replace(state, gate=RestoreGate()), "heat", now_ns)

    assert ("room", pytest.approx(700 + 1_000 * now_ns / 60e9, abs=0.1)) == (
        found[0]["what"],
        found[0]["below_w"],
    )


def test_what_a_command_has_off_waits_for_its_end(plant):
    p = commanded(plant, loads_w={"heat": 1_000}).run(30)
    until_utc_ms = p.now().utc_ms + 120_000
    p.command(Shed(1, 120))
    p.run(5)

    assert {"what": "command", "id": "c1", "until_utc_ms": until_utc_ms} in needs(p, "heat")
    p.run(116)
    assert {"command"}.isdisjoint(need["what"] for need in needs(p, "heat") or ())
