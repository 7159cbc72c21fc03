"""Each unit's seat in one cycle: its room, its want, its place in the order."""

from array import array

import pytest

from quartier_native.reference import seats
from quartier_native.reference.buildings import BATTERY, EV, LOAD, MODED, PV_LIMIT, Columns, Unit
from quartier_native.reference.seats import Seat

S = 1_000_000_000


def seated(unit: Unit, now_s: int = 1000, **told: float) -> Seat:
    columns = Columns([unit], 1, 4, 4)
    state, inputs = columns.state(), columns.inputs()
    for name, value in told.items():
        getattr(state if hasattr(state, name) else inputs, name)[0] = value
    return seats.seated(unit, 0, 0, state, inputs, now_s * S)


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
        seated(ev, present_w=9000, on=0),
        seated(ev, present_w=9000, limit_w=5000),
        seated(ev, present_w=3000, limit_w=5000),
        seated(pv, present_w=-8000, limit_w=5000),
        seated(pv, present_w=-8000),
    ]
    assert [0.0, 5000.0, 3000.0, -5000.0, -8000.0] == [seat.want_w for seat in wants]


def test_what_was_just_lowered_counts_as_before_for_four_seconds() -> None:
    load = Unit(kind=LOAD, rated_w=2000)
    held = {"on": 0, "before_w": 1800.0, "lowered_ns": 996 * S + 1, "present_w": 100.0}
    assert [1800.0, 100.0] == [seated(load, now_s, **held).present_w for now_s in (1000, 1001)]


def test_sheds_count_for_a_day() -> None:
    columns = Columns([Unit(kind=LOAD)], 1, 4, 4)
    state = columns.state()
    state.sheds_ns[:] = array("q", [0, 50_000 * S, 86_400 * S, 7])
    state.shed_count[0] = 3
    counts = [
        seats.seated(columns.units[0], 0, 0, state, columns.inputs(), now_s * S).sheds_count
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
    assert [3, 2, 4, 1, 0] == [seat.place for seat in seats.in_turn(made)]


def test_one_in_modes_is_expected_to_take_its_share_of_each_mode() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0), normal=1)
    seat = seated(unit, present_w=1500.0, wanted=1)
    assert [4000.0, 1500.0, 0.0] == [seats.expected_w(seat, mode) for mode in range(3)]


def test_a_held_one_in_modes_goes_no_further_up_by_itself() -> None:
    unit = Unit(kind=MODED, modes_w=(4000.0, 2000.0, 0.0))
    free = seated(unit, present_w=2000.0, mode=1, wanted=0)
    held = seated(unit, present_w=2000.0, mode=1, wanted=0, held=1)
    resting = seated(Unit(kind=MODED, modes_w=(4000.0, 0.0), min_off_s=60), mode=1, on=0, since_ns=950 * S)
    assert ([0, 1, 1], False) == ([free.mode, held.mode, resting.mode], resting.movable)
