from math import inf, isnan
from types import SimpleNamespace

import pytest

from quartier_hil.checks.run_record import OrderLedger, RunRecord
from quartier_hil.report.plan_comparison import (
    PLAN_COMPARISONS,
    compute_ordered_w,
    find_first_orders,
    list_active_plans,
    measure_deviation,
)

WORDS = {f"{plan.asset} {plan.words}": plan for plan in PLAN_COMPARISONS}


def record(*steps, at_s=None):
    made = RunRecord()
    for number, values in enumerate(steps):
        made.add(float(number) if at_s is None else at_s[number], values)
    return made


def battery(order_w, power_w):
    return {"order.battery_w": order_w, "bat1.power_w": power_w}


def test_a_setpoint_is_missed_on_either_side():
    found = measure_deviation(
        WORDS["battery setpoint"], record(battery(1000, 1000), battery(1000, 700), battery(1000, 1300))
    )

    assert (3.0, 200.0) == (found.active_s, found.deviation_w)
    assert 100 / 3 == pytest.approx(found.within_pct)
    assert (3000 / 3600, 3000 / 3600) == (found.planned_wh, found.measured_wh)


def test_a_cap_is_missed_only_beyond_it():
    grid = [{"limit.import_w": 4000, "grid.power_w": watts} for watts in (-5000, 4000, 4100, 5100)]
    found = measure_deviation(WORDS["grid import cap"], record(*grid))

    assert (300.0, 75.0) == (found.deviation_w, found.within_pct)
    sold = [{"limit.export_w": 1000, "grid.power_w": watts} for watts in (4000, -1000, -3000)]
    found = measure_deviation(WORDS["grid export cap"], record(*sold))
    assert 2000 / 3 == pytest.approx(found.deviation_w)


def test_a_current_is_a_power_and_too_little_of_it_is_none():
    plan = WORDS["car current limit"]

    assert [11_040.0, 4140.0, 0.0] == compute_ordered_w(
        plan, record(*({"order.current_max_a": amperes} for amperes in (16, 6, 5.9)))
    )


def test_a_closed_relay_orders_nothing_and_an_open_one_no_power():
    found = compute_ordered_w(
        WORDS["heat pump relay open"], record({"order.relay_on": 1.0}, {"order.relay_on": 0.0})
    )

    assert isnan(found[0])
    assert 0.0 == found[1]


def test_steps_count_by_their_length_and_those_without_plan_or_measurement_not_at_all():
    nothing = {"order.battery_w": inf, "bat1.power_w": 5.0}
    unseen = {"order.battery_w": 5.0}
    found = measure_deviation(
        WORDS["battery setpoint"],
        record(battery(0, 0), battery(0, 600), nothing, unseen, at_s=[0.0, 5.0, 6.0, 9.0]),
    )

    assert (6.0, 100.0) == (found.active_s, found.deviation_w)
    assert (0.0, 600 / 3600) == (found.planned_wh, found.measured_wh)


def test_only_plans_that_ever_stood_are_told():
    assert [] == list_active_plans(
        record({"grid.power_w": 1.0, "order.generation_max_w": inf, "order.relay_on": 1.0})
    )
    assert [WORDS["PV generation cap"]] == list_active_plans(
        record({"order.generation_max_w": inf}, {"order.generation_max_w": 3000.0})
    )


def test_a_run_of_no_or_one_step_divides_by_nothing():
    plan = WORDS["battery setpoint"]

    assert 0.0 == measure_deviation(plan, record()).within_pct
    assert 0.0 == measure_deviation(plan, record(battery(1, 1))).active_s


def test_a_plan_is_in_force_from_its_first_order_on():
    plan = WORDS["car current limit"]
    amperes = record(*({"order.current_max_a": 16.0, "ev1.power_w": 0.0} for _ in range(10)))
    ledger = OrderLedger()
    ledger.note(4.0, "ev1.current_max_a", 16.0, "why")

    found = measure_deviation(plan, amperes, find_first_orders(ledger))
    assert 6.0 == found.active_s
    assert 10.0 == measure_deviation(plan, amperes).active_s
    assert [] == list_active_plans(amperes, find_first_orders(OrderLedger()))


def test_the_first_order_is_the_one_of_the_gateways_own_ledger_where_the_rig_saw_a_later_one():
    ledger = OrderLedger()
    ledger.note(7.5, "bat1.setpoint_w", -500.0, "why")
    written = [
        SimpleNamespace(point="bat1.setpoint_w", at_s=at_s, value=value)
        for at_s, value in ((1.0, None), (3.0, -239.0), (4.0, -589.0))
    ]

    assert {"bat1.setpoint_w": 3.0} == find_first_orders(ledger, written)


def test_a_limit_of_the_grid_needs_no_order():
    grid = record({"limit.import_w": 4000, "grid.power_w": 0})
    assert [WORDS["grid import cap"]] == list_active_plans(grid, {})
