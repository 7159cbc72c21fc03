"""What a Wh that is given up counts: each rung more than all that lies below it."""

import math
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATTERY, CAR, TANK, site

from quartier.planning.site.site_meter import PLAIN_PRICES, make_strict_prices

PRICE = 3e-4


def test_plain_prices_stand_five_times_apart_and_weigh() -> None:
    assert (5.0, 25.0, 125.0, 625.0) == PLAIN_PRICES[:4]
    assert not PLAIN_PRICES.is_strict


def test_rungs_are_told_from_what_is_given_up_first_on() -> None:
    assert ["target", "comfort", "car", "caps"] == [name for name, _ in PLAIN_PRICES.ranked_prices]
    assert sorted(PLAIN_PRICES.ranked_prices, key=lambda rung: rung[1]) == list(PLAIN_PRICES.ranked_prices)


def test_without_anything_that_lasts_strict_prices_are_the_plain_ones() -> None:
    ladder = make_strict_prices(site(battery=BATTERY, car=replace(CAR, efficiency=1.0)), PRICE)

    assert PLAIN_PRICES[:4] == ladder[:4]
    assert ladder.is_strict


def test_a_target_counts_more_than_what_a_wh_in_it_may_cost() -> None:
    battery = replace(BATTERY, charge_efficiency=0.5, wear_eur_per_wh=1e-4, worth_eur_per_wh=-1e-3)

    assert 5.0 * (2.0 + (2e-4 + 1e-3) / PRICE) == pytest.approx(
        make_strict_prices(site(battery=battery), PRICE).target
    )


def test_a_car_counts_more_than_the_comfort_of_all_steps_that_its_energy_would_keep() -> None:
    tank = replace(TANK, heat_per_wh=3.0, time_constant_h=50.0)
    ladder = make_strict_prices(site(tank=tank, car=CAR), PRICE)
    kept = 1.0 + sum(math.exp(-hour / 50.0) for hour in (1, 2, 3))

    assert ladder.car > ladder.comfort * 3.0 * kept / CAR.efficiency
    assert ladder.caps > ladder.car


def test_comfort_counts_more_than_the_target_that_a_wh_less_of_poor_heat_would_spare() -> None:
    ladder = make_strict_prices(
        site(tank=replace(TANK, heat_per_wh=0.1, time_constant_h=4.0), battery=BATTERY), PRICE
    )

    assert ladder.comfort > ladder.target * math.e / 0.1
