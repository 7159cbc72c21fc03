"""Each unit's seat in one cycle: its room, its want, its place in the order."""

from array import array
from dataclasses import replace

import pytest

from quartier_native.reference import fleet_units
from quartier_native.reference.fleet_columns import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    MODED,
    PV_LIMIT,
    Columns,
    Unit,
)
from quartier_native.reference.fleet_units import Seat

S = 1_000_000_000


def seated(unit: Unit, now_s: int = 1000, **told: float) -> Seat:
    columns = Columns([unit], 1, 4, 4)
    state, inputs = columns.state(), columns.inputs()
    for name, value in told.items():
        getattr(state if hasattr(state, name) else inputs, name)[0] = value
    return fleet_units.make_seat(unit, 0, 0, state, inputs, now_s * S)


@pytest.mark.parametrize(
    ("soc_pct", "room_w"),
    [
        (20.0, (0.0, 3000.0)),
        (20.04, (0.0, 3000.0)),
        (20.5, (-1000.0, 3000.0)),
        (50.0, (-2000.0, 3000.0)),
        (94.5, (-2000.0, 1500.0)),
        (95.0, (-2000.0, 0.0)),
    ],
)
def test_a_battery_tapers_off_towards_its_edges(soc_pct: float, room_w: tuple[float, float]) -> None:
    unit = Unit(kind=BATTERY, charge_max_w=3000, discharge_max_w=2000, soc_floor_pct=20, soc_max_pct=95)
    seat = seated(unit, soc_pct=soc_pct)
    assert pytest.approx(room_w) == (seat.low_w, seat.high_w)


def test_what_is_off_wants_nothing_and_what_is_limited_no_more_than_its_limit() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140)
    pv = Unit(kind=PV_LIMIT, rated_w=9000)
    wants = [
        seated(ev, present_w=9000, on=0, told_ns=995 * S),
        seated(ev, present_w=9000, limit_w=5000, told_ns=995 * S),
        seated(ev, present_w=3000, limit_w=5000),
        seated(pv, present_w=-8000, limit_w=5000, told_ns=991 * S),
        seated(pv, present_w=-8000),
    ]
    assert [0.0, 5000.0, 3000.0, -5000.0, -8000.0] == [seat.want_w for seat in wants]


@pytest.mark.parametrize(
    ("kind", "answers_s", "over_w"),
    [(EV, 6, 690.0), (LOAD, 10, 200.0), (DIVISIBLE, 10, 450.0), (PV_LIMIT, 10, 450.0)],
)
def test_what_does_not_obey_in_its_time_counts_as_it_is(kind: int, answers_s: int, over_w: float) -> None:
    unit = Unit(kind=kind, rated_w=9000, ampere_w=690)
    sign = -1.0 if kind == PV_LIMIT else 1.0
    held = {"on": 0, "limit_w": 5000.0}

    def deaf(watts: float, ago_ns: int, **told: float) -> tuple[float, bool]:
        seat = seated(unit, present_w=sign * watts, told_ns=1000 * S - ago_ns, **told)
        return sign * seat.want_w, seat.deaf

    late_ns = answers_s * S
    assert (over_w + 1, True) == deaf(over_w + 1, late_ns, **held)
    assert (0.0, False) == deaf(over_w + 1, late_ns - 1, **held)
    assert (0.0, False) == deaf(over_w, late_ns, **held)
    if kind != LOAD:
        assert (5001 + over_w, True) == deaf(5001 + over_w, late_ns, limit_w=5000.0)
        assert (5000.0, False) == deaf(5000 + over_w, late_ns, limit_w=5000.0)


def test_one_that_does_not_obey_is_told_its_least_once_after_the_others() -> None:
    ev = Unit(kind=EV, rated_w=11_040, floor_w=4140, ampere_w=690, pool=2)
    load = Unit(kind=DIVISIBLE, rated_w=9000)
    made = [
        Seat(ev, 0, 0, tier=0, deaf=True, limit_w=5000.0),
        Seat(ev, 1, 1, tier=0, limit_w=5000.0),
        Seat(ev, 2, 2, tier=0, deaf=True, limit_w=4140.0, movable=False),
        Seat(ev, 3, 3, tier=1, deaf=True, limit_w=5000.0, movable=False),
        Seat(load, 4, 4, tier=1, deaf=True, limit_w=100.0),
        Seat(load, 5, 5, tier=1, deaf=True, limit_w=0.0),
    ]
    lowered = [(1, 4140.0, True, 2), (0, 4140.0, False, -1), (0, 0.0, False, -1), (1, 0.0, False, -1)]
    assert [*lowered, (3, 4140.0, False, -1), (4, 0.0, False, -1)] == fleet_units.down(made)


def test_one_that_does_not_obey_takes_no_more_for_being_asked_and_pv_is_told_to_make_none_once() -> None:
    pv = Unit(kind=PV_LIMIT, rated_w=9000)
    state = Columns([pv], 1, 4, 4).state()
    made = [
        Seat(
            Unit(kind=EV, rated_w=11_040, ampere_w=690),
            0,
            0,
            tier=0,
            deaf=True,
            limit_w=5000.0,
            want_w=9000.0,
        ),
        Seat(Unit(kind=LOAD, rated_w=2000), 1, 1, tier=0, deaf=True, on=False, want_w=2000.0),
        Seat(pv, 2, 2, tier=3, deaf=True, limit_w=500.0),
        Seat(pv, 3, 3, tier=3, deaf=True, limit_w=0.0),
        Seat(pv, 4, 4, tier=3, limit_w=0.0),
    ]
    assert [(2, 0.0, False, -1), (4, 0.0, True, -1)] == fleet_units.up(made, state)


def test_what_was_just_lowered_counts_as_before_for_four_seconds() -> None:
    load = Unit(kind=LOAD, rated_w=2000)
    held = {"on": 0, "before_w": 1800.0, "lowered_ns": 996 * S + 1, "present_w": 100.0}
    assert [1800.0, 100.0] == [seated(load, now_s, **held).present_w for now_s in (1000, 1001)]


@pytest.mark.parametrize(("kind", "answers_s", "over_w"), [(EV, 6, 690.0), (LOAD, 10, 200.0)])
def test_what_was_lowered_counts_as_before_until_it_shows_it_or_had_its_time(
    kind: int, answers_s: int, over_w: float
) -> None:
    unit = Unit(kind=kind, rated_w=9000, ampere_w=690)
    held = {"on": 0, "before_w": 7000.0, "lowered_ns": 990 * S}

    def present_w(now_s: int, watts: float, **told: float) -> float:
        return seated(unit, now_s, present_w=watts, **(held | told)).present_w

    assert [7000.0, over_w + 1] == [present_w(990 + answers_s - after_s, over_w + 1) for after_s in (1, 0)]
    assert over_w == present_w(990 + answers_s - 1, over_w)
    assert 3000.0 == present_w(995, 3000.0, on=1)


def test_steps_between_modes_go_by_the_measured_power() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0), normal=0)
    seat = seated(unit, present_w=1000.0, before_w=3000.0, lowered_ns=999 * S)
    assert (3000.0, 1000.0, 500.0) == (seat.present_w, seat.want_w, fleet_units.find_expected_w(seat, 1))


def test_only_one_machine_is_released_and_a_car_that_runs_goes_on() -> None:
    machine, other = Unit(kind=LOAD, min_on_s=300), Unit(kind=LOAD)
    ev = Unit(kind=EV, min_on_s=60)
    seats = [
        Seat(other, 0, 0, tier=0, on=False),
        Seat(machine, 1, 1, tier=0, on=False),
        Seat(machine, 2, 2, tier=0, on=False),
        Seat(ev, 3, 3, tier=0, movable=False),
        Seat(ev, 4, 4, tier=0),
    ]
    ups = [(place, 1.0, False, -1) for place in range(5)]

    def released(chosen: list[Seat], offered: list[int]) -> list[int]:
        return [step[0] for step in fleet_units.space_releases(chosen, [ups[place] for place in offered])]

    assert [0, 3, 4] == released(seats, [0, 1, 2, 3, 4])
    running = [*seats[:3], replace(seats[3], movable=True), seats[4]]
    assert [0, 1, 3, 4] == released(running, [0, 1, 2, 3, 4])
    assert [3, 0] == released(running, [3, 0, 1])
    assert [0] == released(running, [0])


@pytest.mark.parametrize(
    ("unit", "is_machine"),
    [
        (Unit(kind=LOAD, min_on_s=300), True),
        (Unit(kind=LOAD), False),
        (Unit(kind=DIVISIBLE, min_on_s=300), False),
        (Unit(kind=MODED, modes_w=(2000.0, 0.0), min_on_s=300), True),
        (Unit(kind=MODED, modes_w=(0.0, -4000.0), min_on_s=300), False),
    ],
)
def test_a_machine_has_a_minimum_on_time_and_does_not_generate(unit: Unit, *, is_machine: bool) -> None:
    assert is_machine == unit.is_machine


def test_sheds_count_for_a_day() -> None:
    columns = Columns([Unit(kind=LOAD)], 1, 4, 4)
    state = columns.state()
    state.sheds_ns[:] = array("q", [0, 50_000 * S, 86_400 * S, 7])
    state.shed_count[0] = 3
    counts = [
        fleet_units.make_seat(columns.units[0], 0, 0, state, columns.inputs(), now_s * S).sheds_count
        for now_s in (86_399, 86_400, 136_400)
    ]
    assert [3, 2, 1] == counts


def test_the_order_of_shedding_is_tier_then_sheds_then_cost_then_number() -> None:
    unit = Unit(kind=LOAD)
    cheap = Unit(kind=LOAD, comfort_cost=-1.0)
    made = [
        Seat(unit, 0, 0, tier=1),
        Seat(unit, 1, 1, tier=0, sheds_count=1),
        Seat(unit, 2, 2, tier=0),
        Seat(cheap, 3, 3, tier=0),
        Seat(unit, 4, 4, tier=0),
        Seat(unit, 5, 5, tier=3),
    ]
    assert [3, 2, 4, 1, 0] == [seat.place for seat in fleet_units.in_turn(made)]


def test_one_in_modes_is_expected_to_take_its_share_of_each_mode() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0), normal=1)
    seat = seated(unit, present_w=1500.0, wanted=1)
    assert [4000.0, 1500.0, 0.0] == [fleet_units.find_expected_w(seat, mode) for mode in range(3)]


def test_what_went_down_may_go_further_down_at_once_and_up_after_its_least_time() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0), normal=1, min_on_s=300, min_off_s=180)
    ended = {"mode": 1, "on": 0, "since_ns": 999 * S, "present_w": 2000.0}
    wants = [seated(unit, wanted=mode, **ended) for mode in range(3)]
    let_run = seated(unit, wanted=2, **(ended | {"on": 1}))

    assert [(1, True), (1, True), (2, True), (1, False)] == [(s.mode, s.sinks) for s in (*wants, let_run)]
    assert [(0, 0.0, False, -1)] == fleet_units.down([replace(wants[1], tier=1)])
    assert [] == fleet_units.down([replace(let_run, tier=1)])
    assert [] == fleet_units.up([replace(wants[1], tier=1)], Columns([unit], 1, 4, 4).state())


def test_a_held_one_in_modes_goes_no_further_up_by_itself() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0))
    free = seated(unit, present_w=2000.0, mode=1, wanted=0)
    held = seated(unit, present_w=2000.0, mode=1, wanted=0, held=1)
    resting = seated(Unit(kind=MODED, modes_w=(4000.0, 0.0), min_off_s=60), mode=1, on=0, since_ns=950 * S)
    assert ([0, 1, 1], False) == ([free.mode, held.mode, resting.mode], resting.movable)
