"""What is kept of the meter's readings, and what they are beside the assets' own."""

from dataclasses import replace

from tests.gateway.control.observe.meter_check.conftest import BATTERY, BOILER, CAR, S

from quartier.control.observe.meter_check.samples import (
    find_median_w,
    find_noise_w,
    find_slowest_period_s,
    take_sample,
)
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order

NOW = 100 * S


def memories(**values):
    return {name.replace("__", "."): LastGood(value, NOW) for name, value in values.items()}


def test_sample_has_each_phase_where_the_phases_of_all_that_runs_are_known(building):
    house = building().house
    seen = memories(
        grid__power_w=5_000,
        grid__power_l1_w=3_000,
        grid__power_l2_w=1_000,
        grid__power_l3_w=1_000,
        bat1__power_w=3_000,
        boiler1__power_w=2_000,
        pv1__power_w=-600,
    )
    sample = take_sample(house, seen, {}, NOW)

    assert (5_000, 3_000, 1_000, 1_000) == sample.meter_w
    assert (5_000, 3_000, 1_000, 1_000) == tuple(round(watts) for watts in sample.controlled_w)
    assert -600 == sample.generated_w


def test_sample_has_the_total_alone_where_a_phase_is_not_known(building):
    house = replace(building().house, assets=(BATTERY, replace(BOILER, phase=None)))
    phases = memories(grid__power_l1_w=1, grid__power_l2_w=1, grid__power_l3_w=1)
    unknown = memories(grid__power_w=5_000, boiler1__power_w=2_000) | phases
    off = memories(grid__power_w=5_000, boiler1__power_w=0, bat1__power_w=300) | phases

    assert ((5_000,), (2_000,)) == (
        (found := take_sample(house, unknown, {}, NOW)).meter_w,
        found.controlled_w,
    )
    assert 4 == len(take_sample(house, off, {}, NOW).meter_w)
    assert 1 == len(take_sample(house, memories(grid__power_w=1), {}, NOW).meter_w)


def test_no_sample_without_a_reading(building):
    assert take_sample(building().house, {}, {}, NOW) is None


def test_orders_of_what_nothing_measures_are_told_apart(building):
    house = replace(building().house, assets=(BATTERY, replace(CAR, measured=False)))
    seen = memories(grid__power_w=5_000)

    def sample(**values):
        orders = {name.replace("__", "."): Order(value, NOW, NO_REASON) for name, value in values.items()}
        found = take_sample(house, seen, orders, NOW)
        return found.ordered, found.unseen_orders

    base = sample(bat1__setpoint_w=0.0, ev1__current_max_a=16.0)
    battery = sample(bat1__setpoint_w=500.0, ev1__current_max_a=16.0)
    car = sample(bat1__setpoint_w=0.0, ev1__current_max_a=6.0)
    assert (True, False) == (base[0] != battery[0], base[1] != battery[1])
    assert (False, True) == (base[0] != car[0], base[1] != car[1])


def test_samples_are_kept_for_two_minutes(samples):
    kept = samples(*range(500))

    assert (379, 499) == (kept[0].meter_w[0], kept[-1].meter_w[0])


def test_level_is_a_median_and_noise_a_deviation(samples):
    few = samples(100, 100, 5_000, 100, 100)

    assert 100 == find_median_w(few, 0)
    assert 1_960 == find_noise_w(few, 0)


def test_slowest_asset_counts_only_where_it_moved(samples):
    first, last = (
        replace(one, assets_w=watts) for one, watts in zip(samples(0, 0), [(0, 9), (500, 40)], strict=True)
    )

    assert 1.0 == find_slowest_period_s((1.0, 30.0), first, last)
    assert 30.0 == find_slowest_period_s((1.0, 30.0), first, replace(last, assets_w=(500, 90)))
    assert 0.0 == find_slowest_period_s((1.0, 30.0), first, first)
