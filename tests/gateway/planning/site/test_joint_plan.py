"""A plan of several parts, and what can be done to it."""

from array import array
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATCH, BATTERY, CAR, TANK, outlook, site

from quartier.planning.site.joint_plan import JointPlan
from quartier.planning.site.site_plan import make_joint_plan, make_parts

SITE = site(
    ahead=outlook(load_w=1000.0, import_max_w=4000.0), battery=BATTERY, tank=TANK, car=CAR, batch=BATCH
)


def joint() -> JointPlan:
    meter, parts = make_parts(SITE)
    return JointPlan(meter, list(parts.values()))


def test_parts_are_told_by_their_kind() -> None:
    one = joint()

    assert ([0, 1], [2], [3]) == (one.stores, one.cars, one.runs)


def test_the_total_is_what_all_take_but_for_those_that_are_left_out() -> None:
    one = joint()
    one.ways = [array("d", [float(number)] * 4) for number in (1, 10, 100, 1000)]

    assert [1111.0] * 4 == list(one.total())
    assert [1001.0] * 4 == list(one.total(without=(1, 2)))
    assert 2111.0 == one.find_meter_flows().peak_wh


def test_the_program_and_the_plans_beside_each_other_keep_under_the_bound() -> None:
    one = joint()
    free = [*one.stores, *one.cars]
    one.take(one.runs)
    found = one.solve_relaxed(free)
    bound = one.find_lower_bound(free, found)
    one.plan_elastic(one.cars, found.prices)
    one.plan_stores()
    before = one.cost()
    one.replan_parts()

    assert bound <= one.cost() <= before
    assert one.find_meter_flows().excess_wh == pytest.approx(0.0, abs=1e-6)
    assert {0.0, *(230.0 * number for number in range(6, 17))} >= set(one.ways[2])
    assert one.work > 0
    assert (1, 1) <= (one.plans_count, one.programs_count)


def test_the_first_plan_takes_no_more_than_is_told_before() -> None:
    one = joint()
    most = one.find_first_work_max()
    free = [*one.stores, *one.cars]
    for _ in range(2):
        one.solve_relaxed(free)
        one.take(one.runs)
    one.take(one.cars)
    one.plan_stores()
    one.replan_parts()

    assert one.work <= most


def test_a_way_that_cannot_be_found_stays_as_it_is() -> None:
    meter, parts = make_parts(site(battery=replace(BATTERY, reserve_wh=10.0, energy_wh=10.0)))
    one = JointPlan(meter, list(parts.values()))
    one.take([0])

    assert [0.0] * 4 == pytest.approx(list(one.ways[0]))


def test_moves_of_a_car_keep_its_energy_on_whole_amperes_and_save() -> None:
    one = joint()
    prices = array("d", [4e-4, 3e-4, 2e-4, 1e-4])
    one.ways[2] = array("d", [230.0 * 16, 230.0 * 14, 0.0, 0.0])
    moves = one.moves(2, prices, 99)

    assert moves
    for added, way in moves:
        amperes = [round(wh / 230.0) for wh in way]
        assert 30 == sum(amperes)
        assert {0, *range(6, 17)} >= set(amperes)
        cost = sum(a * b for a, b in zip(way, prices, strict=True))
        assert cost - (16 * 0.092 + 14 * 0.069) == pytest.approx(added)
        assert added < 0.0


def test_of_many_moves_those_that_save_most_come_first() -> None:
    one = joint()
    prices = array("d", [4e-4, 3e-4, 2e-4, 1e-4])
    one.ways[2] = array("d", [230.0 * 16, 230.0 * 14, 0.0, 0.0])
    every, few = one.moves(2, prices, 99), one.moves(2, prices, 3)

    assert every[:3] == few
    assert sorted(added for added, _ in every) == [added for added, _ in every]


def test_what_moves_of_a_car_over_two_days_in_five_minutes_take_is_bounded_and_counted() -> None:
    car = replace(CAR, need_wh=50e3, room_wh=60e3, until_step=576, current_max_a=32.0)
    ahead = replace(outlook([0.1] * 576), step_s=300)
    one = make_joint_plan(site(ahead=ahead, car=car))
    one.ways[0] = array("d", [230.0 / 12.0 * 16] * 576)
    moves = one.moves(0, array("d", [1e-4 - 1e-8 * at for at in range(576)]), 24)

    assert 24 == len(moves)
    assert 576 < one.work < 576 * 24


def test_moves_of_a_batch_are_its_other_starts_that_save() -> None:
    one = joint()
    one.ways[3] = one.list_starts(3)[0]

    # 1 then 2 kWh: 0.3 now, 0.7 an hour later, 0.25 two hours later.
    assert [(pytest.approx(-0.05), one.list_starts(3)[2])] == one.moves(
        3, array("d", [1e-4, 1e-4, 2.5e-4, 0.0]), 99
    )
    assert [] == one.moves(3, array("d", [1e-4] * 4), 99)
    assert [] == one.moves(0, array("d", [1e-4] * 4), 99)


def test_a_car_that_lacks_energy_may_move_to_one_more_ampere() -> None:
    one = joint()
    one.ways[2] = array("d", [230.0 * 16, 230.0 * 13, 0.0, 0.0])
    moves = one.moves(2, array("d", [1e-4] * 4), 99)

    assert [(0.0, 230.0)] == [
        (way[0] - one.ways[2][0], way[1] - one.ways[2][1]) for _, way in moves if sum(way) == 230.0 * 30
    ]
