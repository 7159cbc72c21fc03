"""What a Wh that is given up counts: each level more than all that lies below it."""

import math
import random
from array import array
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import Contract
from quartier.planning.site.site_meter import PLAIN_PRICES, SiteMeter, make_strict_prices

PRICE = 3e-4


def test_plain_prices_stand_five_times_apart_and_weigh() -> None:
    assert (5.0, 25.0, 125.0, 625.0) == PLAIN_PRICES[:4]
    assert not PLAIN_PRICES.is_strict


def test_levels_are_told_from_what_is_given_up_first_on() -> None:
    assert ["target", "comfort", "car", "caps"] == [name for name, _ in PLAIN_PRICES.prices_by_rank]
    assert sorted(PLAIN_PRICES.prices_by_rank, key=lambda level: level[1]) == list(
        PLAIN_PRICES.prices_by_rank
    )


def test_without_anything_that_lasts_strict_prices_are_the_plain_ones() -> None:
    relaxation = make_strict_prices(site(battery=BATTERY, car=replace(CAR, efficiency=1.0)), PRICE)

    assert PLAIN_PRICES[:4] == relaxation[:4]
    assert relaxation.is_strict


def test_a_target_counts_more_than_what_a_wh_in_it_may_cost() -> None:
    battery = replace(BATTERY, charge_efficiency=0.5, wear_eur_per_wh=1e-4, worth_eur_per_wh=-1e-3)

    assert 5.0 * (2.0 + (2e-4 + 1e-3) / PRICE) == pytest.approx(
        make_strict_prices(site(battery=battery), PRICE).target
    )


def test_a_car_counts_more_than_the_comfort_of_all_steps_that_its_energy_would_keep() -> None:
    tank = replace(TANK, heat_per_wh=3.0, time_constant_h=50.0)
    relaxation = make_strict_prices(site(tank=tank, car=CAR), PRICE)
    kept = 1.0 + sum(math.exp(-hour / 50.0) for hour in (1, 2, 3))

    assert relaxation.car > relaxation.comfort * 3.0 * kept / CAR.efficiency
    assert relaxation.caps > relaxation.car


def test_comfort_counts_more_than_the_target_that_a_wh_less_of_poor_heat_would_spare() -> None:
    relaxation = make_strict_prices(
        site(tank=replace(TANK, heat_per_wh=0.1, time_constant_h=4.0), battery=BATTERY), PRICE
    )

    assert relaxation.comfort > relaxation.target * math.e / 0.1


def test_import_peak_and_excess_are_told() -> None:
    meter = SiteMeter(
        site(
            Contract(peak_eur_per_w=0.01, peak_free_w=500.0),
            ahead=outlook(load_w=1000.0, import_max_w=1500.0),
        )
    )
    told = meter.tell(array("d", [0.0, 1000.0, 0.0, -1000.0]))

    assert 0.1 + 0.4 + 0.3 + 0.0 + 15.0 == pytest.approx(told.cost_eur)
    assert (500.0, 2000.0) == (told.excess_wh, told.peak_wh)
    assert [1000.0, 2000.0, 1000.0, 0.0] == list(told.column("grid_wh"))


def test_sun_beyond_the_export_cap_is_curtailed() -> None:
    meter = SiteMeter(site(ahead=outlook(pv_w=3000.0, export_max_w=1000.0)))

    assert [2000.0] * 4 == list(meter.tell(array("d", bytes(32))).column("curtailed_wh"))


def test_beside_others_the_peaks_price_counts_above_its_level() -> None:
    meter = SiteMeter(site(Contract(peak_eur_per_w=0.01)))
    around = meter.make_steps_around(array("d", [100.0, 0.0, 0.0, 0.0]), 700.0)

    assert [100.0, 0.0] == list(around[0:2])
    assert [0.01] * 4 == list(around[16:20])
    assert [700.0] * 4 == list(around[20:24])


def test_where_import_and_export_both_pay_an_import_counts_as_free() -> None:
    ahead = replace(outlook((-0.1, 0.1, 0.1, 0.1), pv_w=500.0), export_eur_per_wh=[1e-4] * 4)

    assert [0.0, 1e-4] == list(SiteMeter(site(ahead=ahead)).column("import_price"))[:2]


@pytest.mark.parametrize("seed", range(50))
def test_no_way_is_cheaper_than_the_lowest(seed: int) -> None:
    source = random.Random(seed)
    ahead = outlook(
        [source.uniform(-0.1, 0.4) for _ in range(4)],
        load_w=source.choice((0.0, 2000.0)),
        pv_w=source.choice((0.0, 3000.0)),
        import_max_w=2500.0,
        export_max_w=1000.0,
    )
    meter = SiteMeter(
        site(Contract(contract_w=1000.0, over_eur_per_wh=1e-4, peak_eur_per_w=1e-3), ahead=ahead)
    )
    prices = [source.uniform(-1e-4, 5e-4) for _ in range(4)]
    surcharges = [source.uniform(0.0, 2.5e-4) for _ in range(4)]
    lowest = meter.lowest(prices, surcharges, [(-2000.0, 3000.0)] * 4)
    for _ in range(50):
        moved = array("d", [source.uniform(-2000.0, 3000.0) for _ in range(4)])
        told = meter.tell(moved)
        paid = sum(price * wh for price, wh in zip(prices, moved, strict=True))

        assert lowest <= told.cost_eur + meter.excess_price * told.excess_wh - paid + 1e-9


def test_beside_what_yields_the_request_is_the_cheapest_of_what_is_worth_the_same() -> None:
    meter = SiteMeter(site(ahead=outlook(import_max_w=5000.0)))
    request, others = array("d", [700.0] * 4), array("d", [1000.0] * 4)
    steps = meter.make_elastic_steps(
        request, others, array("d", [2e-4] * 4), array("d", [500.0] * 4), float("inf")
    )

    assert [-700.0] * 4 == list(steps[:4])
    assert [2e-4 + 0.01 * meter.price_max, 2e-4 - 0.01 * meter.price_max] == pytest.approx(
        [steps[8], steps[12]]
    )
    assert 5000.0 + 500.0 - 1700.0 == steps[24]
