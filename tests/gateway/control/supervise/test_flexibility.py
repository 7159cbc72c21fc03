"""What each asset could do, in the shape of S2."""

import json
from dataclasses import replace

import pytest
from tests.gateway.control.walk.sites import STREET, TANK

from quartier.control.observe.charging_sessions import ChargingSession
from quartier.control.orders.conflicts import PointConflict
from quartier.control.supervise import flexibility
from quartier.control.switch_state import SwitchState


@pytest.fixture(scope="module")
def told(plant, house):
    """A building that ran for a minute; ``told(name, **changes of its state)``."""
    plain = replace(house, assets=(*house.assets, STREET, TANK))
    ran = {}  # what stays as it is afterwards may serve many tests

    def make(name, *, by_hand=(), local=(), of=plain, state=None, **building):
        if (key := repr((of, sorted(building.items())))) not in ran:
            plain_loads_w = {"pump": 1_000, "lift": 500}
            ran[key] = plant(house=of, **{"soc_pct": 50.0, "loads_w": plain_loads_w, **building}).run(60)
        p = ran[key]
        found = flexibility.report_flexibility(state(p.state) if state else p.state, p.now(), by_hand, local)
        json.dumps(found)
        return next((one for one in found if one["device"] == name), None)

    return make


def test_a_battery_has_a_range_and_energy_both_ways_between_reserve_and_full(told):
    bat = told("bat1")

    assert ("FILL_RATE_BASED_CONTROL", True, "") == (bat["control_type"], bat["available"], bat["why"])
    assert [[-5_000, 5_000]] == bat["power_ranges_w"]
    assert (pytest.approx(4_500, abs=120), pytest.approx(3_000, abs=120)) == (
        bat["energy_up_wh"],
        bat["energy_down_wh"],
    )
    assert (20, 95, 10_000) == tuple(
        bat[name] for name in ("fill_level_min_pct", "fill_level_max_pct", "capacity_wh")
    )


def test_a_full_battery_takes_nothing_more(told):
    assert [[-5_000, 0]] == told("bat1", soc_pct=95.0, base_w=0.0, loads_w={"street": 0.0, "tank": 0.0})[
        "power_ranges_w"
    ]


def test_a_charging_point_pauses_or_goes_between_its_floor_and_full(told):
    ev = told("ev1", ev_wants_w=8_000)

    assert ("POWER_ENVELOPE_BASED_CONTROL", True) == (ev["control_type"], ev["present"])
    assert [[0, 0], [4_140, 11_040]] == ev["power_ranges_w"]
    assert (None, 0) == (ev["energy_up_wh"], ev["energy_down_wh"])


def test_what_a_car_still_wants_is_its_energy_up(told, house):
    wanting = replace(
        house,
        assets=tuple(replace(a, energy_wanted_wh=9_000) if a.name == "ev1" else a for a in house.assets),
    )

    def stays(state):
        return replace(state, charging_sessions={"ev1": ChargingSession(0, charged_wh=2_000)})

    ev = told("ev1", of=wanting, ev_wants_w=8_000, state=stays)
    assert (7_000, "POWER_ENVELOPE_BASED_CONTROL") == (ev["energy_up_wh"], ev["control_type"])


def test_a_car_that_says_when_it_leaves_and_what_it_wants_is_filled(told, house):
    leaving = replace(
        house,
        assets=tuple(
            replace(a, energy_wanted_wh=9_000, departure_s=8 * 3600.0) if a.name == "ev1" else a
            for a in house.assets
        ),
    )
    ev = told(
        "ev1",
        of=leaving,
        ev_wants_w=8_000,
        state=lambda s: replace(s, charging_sessions={"ev1": ChargingSession(0)}),
    )

    assert "FILL_RATE_BASED_CONTROL" == ev["control_type"]
    assert 0 < ev["leaves_in_s"] <= 86_400


def test_a_tank_whose_temperature_is_known_is_filled_and_runs_in_modes_where_it_is_silent(told):
    tank = told("tank", raw={"tank.tank_c": 52.0})

    assert ("FILL_RATE_BASED_CONTROL", 52, 45, 60) == (
        tank["control_type"],
        *(tank[f"fill_level{name}_c"] for name in ("", "_min", "_max")),
    )
    assert "OPERATION_MODE_BASED_CONTROL" == told("tank")["control_type"]


def test_where_no_car_is_there_is_nothing_to_move(told):
    ev = told("ev1")

    assert ([[0, 0]], 0, False) == (ev["power_ranges_w"], ev["energy_up_wh"], ev["present"])


def test_pv_can_make_what_it_makes_or_less(told, house):
    assert [[-3_000, 0]] == told("pv1", sun_w=3_000)["power_ranges_w"]
    relay = replace(
        house, assets=tuple(replace(a, curtail="relay") if a.name == "pv1" else a for a in house.assets)
    )
    pv = told("pv1", of=relay, sun_w=3_000)
    assert ("OPERATION_MODE_BASED_CONTROL", [[-3_000, -3_000], [0, 0]]) == (
        pv["control_type"],
        pv["power_ranges_w"],
    )
    assert [[-6_000, 0]] == told("pv1", silent={"pv1"})["power_ranges_w"]


def test_a_load_runs_or_not_and_its_minimum_time_is_a_timer(told):
    def just_off(state):
        return replace(
            state, switch_states={**state.switch_states, "pump": SwitchState(on=False, since_ns=0)}
        )

    pump = told("pump", state=just_off)

    assert [[0, 0], [3_000, 3_000]] == pump["power_ranges_w"]
    assert [{"id": "min_off", "duration_s": 180.0, "left_s": 120.0}] == pump["timers"]


def test_a_timer_that_is_over_is_none(told):
    def long_on(state):
        turns = {"pump": SwitchState(on=True, since_ns=-(10**12)), "pv1": SwitchState(on=True, since_ns=0)}
        return replace(state, switch_states={**state.switch_states, **turns})

    assert [] == told("pump", state=long_on)["timers"]
    assert [] == told("pv1", state=long_on)["timers"]


def test_pv_that_was_switched_off_has_a_timer_too(told):
    def off(state):
        return replace(state, switch_states={**state.switch_states, "pv1": SwitchState(on=False, since_ns=0)})

    assert ["min_off"] == [timer["id"] for timer in told("pv1", state=off)["timers"]]


def test_what_runs_in_modes_names_them(told):
    street = told("street")

    assert ("OPERATION_MODE_BASED_CONTROL", "100 % light") == (street["control_type"], street["mode"])
    assert 6 == len(street["modes"]) == len(street["power_ranges_w"])


def test_a_mode_that_was_never_ordered_is_the_normal_one(told):
    def unmet(state):
        return replace(state, switch_states={})

    assert "normal" == told("tank", state=unmet)["mode"]


@pytest.mark.parametrize(
    ("name", "building", "why"),
    [
        ("lift", {}, "takes no order"),
        ("pump", {"by_hand": ("pump",)}, "by hand"),
        ("pump", {"silent": {"pump"}}, "does not answer"),
        ("bat1", {"silent": {"bat1.soc_pct"}}, "state of charge"),
    ],
)
def test_what_cannot_be_moved_now_is_not_available_and_says_why(told, name, building, why):
    found = told(name, **building)

    assert not found["available"]
    assert why in found["why"]


def test_during_an_outage_nothing_is_available(told):
    def dark(state):
        return replace(state, events=replace(state.events, is_grid_lost=True))

    assert "voltage" in told("pump", state=dark)["why"]


def test_a_point_that_a_second_controller_moves_is_not_available(told):
    def rivalled(state):
        return replace(
            state,
            conflicts={
                "bat1.setpoint_w": PointConflict(rests_ns=1),
                "pump.relay_on": PointConflict(rests_ns=1),
            },
        )

    assert [False, False] == [told(name, state=rivalled)["available"] for name in ("bat1", "pump")]


@pytest.mark.long
def test_what_is_not_steered_shows_what_it_takes(told):
    assert ("NOT_CONTROLABLE", [[500, 500]]) == tuple(
        told("lift")[name] for name in ("control_type", "power_ranges_w")
    )
    assert [] == told("lift", silent={"lift"})["power_ranges_w"]
    silent = told("bat1", silent={"bat1.soc_pct"})
    assert ([], None, None) == tuple(
        silent[name] for name in ("power_ranges_w", "energy_up_wh", "energy_down_wh")
    )


def test_what_stays_in_the_building_is_not_told(told):
    assert None is told("pump", local=("pump",))


def test_there_is_nothing_to_tell_before_all_were_heard_or_had_their_time(plant, house):
    p = plant(house=house, silent={"pump"})
    assert not flexibility.is_flexibility_known(p.state, p.now())
    p.run(5)
    assert not flexibility.is_flexibility_known(p.state, p.now())
    assert flexibility.is_flexibility_known(p.run(300).state, p.now())
    heard = plant(house=house).run(5)
    assert flexibility.is_flexibility_known(heard.state, heard.now())
