"""What a unit remembers of a cycle."""

from typing import Any

from quartier_native.reference import fleet_memory
from quartier_native.reference.fleet_columns import (
    DIVISIBLE,
    EV,
    LOAD,
    MODED,
    NONE_W,
    PV_LIMIT,
    Columns,
    FleetState,
    Unit,
)
from quartier_native.reference.fleet_units import Seat
from quartier_native.reference.tree import Tree

S = 1_000_000_000
ON_L1 = (1.0, 0.0, 0.0)


def after(
    unit: Unit, setpoint_w: float, now_s: int, state: FleetState | None = None, **seat: Any
) -> FleetState:
    state = state or Columns([unit], 1, 4, 2).state()
    seat = {"present_w": 5000.0, "want_w": 5000.0} | seat
    seat.setdefault("seen_w", seat["present_w"])
    fleet_memory.remember(Seat(unit, 0, 0, tier=0, **seat), state, setpoint_w, now_s * S, moved=True)
    return state


def test_a_load_that_was_lowered_is_off_and_its_shed_is_noted() -> None:
    state = after(Unit(kind=LOAD), 0.0, 100)
    assert (0, 100 * S, 5000.0, 100 * S, 1, 100 * S) == (
        state.on[0],
        state.since_ns[0],
        state.before_w[0],
        state.lowered_ns[0],
        state.shed_count[0],
        state.sheds_ns[0],
    )


def test_the_oldest_shed_is_forgotten_where_there_is_no_room() -> None:
    unit = Unit(kind=LOAD)
    state = after(unit, 0.0, 100)
    for now_s in (200, 300):
        after(unit, 0.0, now_s, state)
    assert (2, [200 * S, 300 * S]) == (state.shed_count[0], list(state.sheds_ns))
    after(unit, 0.0, 300 + 86_400, state)
    assert (1, (300 + 86_400) * S) == (state.shed_count[0], state.sheds_ns[0])


def test_a_car_is_held_no_lower_than_its_floor_or_paused() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    held, paused = after(ev, 2000.0, 1), after(ev, 0.0, 1)
    assert ((1, 4140.0, 0), (0, NONE_W, 1)) == tuple(
        (state.on[0], state.limit_w[0], state.shed_count[0]) for state in (held, paused)
    )


def test_one_that_settles_goes_on_from_its_first_lowering() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    state = after(ev, 4800.0, 100)
    after(ev, 4500.0, 103, state, present_w=4800.0)
    assert (4500.0, 100 * S, 5000.0) == (state.limit_w[0], state.lowered_ns[0], state.before_w[0])
    after(ev, 4200.0, 104, state, present_w=4500.0)
    assert (4200.0, 104 * S, 4500.0) == (state.limit_w[0], state.lowered_ns[0], state.before_w[0])


def test_only_less_than_before_is_an_order_to_obey() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    state = after(ev, 4800.0, 100)
    after(ev, 4900.0, 105, state)
    assert (4800.0, 100 * S) == (state.limit_w[0], state.told_ns[0])
    after(ev, 4200.0, 106, state)
    assert (4200.0, 106 * S) == (state.limit_w[0], state.told_ns[0])
    after(ev, 0.0, 107, state)
    assert (0, 107 * S) == (state.on[0], state.told_ns[0])


def test_one_that_does_not_obey_is_told_on_and_given_no_time_anew() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    state = after(ev, 4800.0, 100)
    after(ev, 4140.0, 107, state, deaf=True)
    assert (4140.0, 100 * S) == (state.limit_w[0], state.told_ns[0])
    after(ev, 0.0, 108, state, deaf=True)
    assert (0, 100 * S) == (state.on[0], state.told_ns[0])


def test_what_rises_is_on_and_free_at_its_full_power() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    part, full = (after(ev, watts, 9, on=False, want_w=0.0) for watts in (4140.0, 11_040.0))
    assert ((1, 9 * S, 4140.0), (1, 9 * S, NONE_W)) == tuple(
        (state.on[0], state.since_ns[0], state.limit_w[0]) for state in (part, full)
    )


def test_what_takes_less_than_it_may_is_not_lowered_by_being_raised() -> None:
    for kind in (EV, DIVISIBLE):
        unit = Unit(kind=kind, rated_w=11_040, floor_w=4140)
        state = Columns([unit], 1, 4, 2).state()
        state.limit_w[0] = 7000.0
        after(unit, 3000.0, 1, state, present_w=2000.0, want_w=2000.0)
        assert 7000.0 == state.limit_w[0]
        after(unit, 8000.0, 1, state, present_w=2000.0, want_w=2000.0)
        assert 8000.0 == state.limit_w[0]


def test_modes_are_held_shed_and_their_turns_noted() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0))
    seat = {"present_w": 4000.0, "want_w": 4000.0, "lowest": 2}
    state = after(unit, 2000.0, 50, **seat)
    assert (1, 1, 0, 1, 1, 50 * S) == (
        state.mode[0],
        state.held[0],
        state.on[0],
        state.shed_count[0],
        state.veer_count[0],
        state.veers_ns[0],
    )
    up = {"present_w": 2000.0, "want_w": 2000.0, "before": 1, "mode": 1, "lowest": 2, "on": False}
    after(unit, 4000.0, 90, state, **up)
    assert (0, 0, 1) == (state.mode[0], state.held[0], state.on[0])
    assert (2, [50 * S, 90 * S]) == (state.veer_count[0], list(state.veers_ns[:2]))


def test_cars_come_down_to_whole_amperes_that_fit_each_after_the_other() -> None:
    ev = Unit(kind=EV, rated_w=3680, floor_w=1380, ampere_w=230)
    state = Columns([ev, ev], 1, 4).state()
    seated = [Seat(ev, place, place, tier=0) for place in range(2)]
    state.setpoint_w[0] = state.setpoint_w[1] = 1000.0
    tree = Tree([-1], [0, 0], [ON_L1, ON_L1])
    fleet_memory.settle(seated, tree, state, [1, 1], [5000.0, 1400.0, 0.0, 0.0], 7 * S)
    assert [2300.0, 1380.0] == list(state.limit_w)
    assert [7 * S, 7 * S] == list(state.told_ns)
    fleet_memory.settle(seated, tree, state, [1, 0], [0.0, 0.0, 0.0, 0.0], 8 * S)
    assert [1380.0, 1380.0] == list(state.limit_w)
    assert [8 * S, 7 * S] == list(state.told_ns)


def test_pv_rises_by_a_quarter_of_the_least_room_on_its_way() -> None:
    pv = Unit(kind=PV_LIMIT, rated_w=9000)
    state = Columns([pv], 1, 8).state()
    state.limit_w[0], state.setpoint_w[0] = 3000.0, -2900.0
    seat = Seat(pv, 0, 0, tier=0, present_w=-2900.0, want_w=-2900.0)
    tree = Tree([-1, 0], [1], [ON_L1])
    fleet_memory.raise_pv([seat], tree, state, [8000.0, 8000.0, 0.0, 0.0, 4000.0, 2000.0, 0.0, 0.0], 1.0)
    assert [3500.0] == list(state.limit_w)
