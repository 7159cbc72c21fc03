"""Energy that stands from step to step: its rows, its cost, and what is cheaper than any way of it."""

import random
from dataclasses import replace

import pytest

from quartier.planning.site.energy_chain import EnergyChain

CHAIN = EnergyChain(
    first=2,
    energy_wh=1000.0,
    keep=0.9,
    gain=0.5,
    out=2.0,
    charge_max_wh=800.0,
    discharge_max_wh=300.0,
    charge_price=1e-5,
    discharge_price=2e-5,
    draws_wh=[0.0, 100.0, 50.0],
    lows_wh=[500.0, 500.0, 900.0],
    highs_wh=[1200.0] * 3,
    shorts_wh=[0.0, 500.0, 900.0],
    short_price=1e-2,
    worth_price=3e-4,
)


def test_energy_follows_charge_discharge_losses_and_draws() -> None:
    assert [900.0 + 200.0, 990.0 - 100.0, 801.0 - 200.0 - 50.0] == CHAIN.find_energies_wh(
        [400.0, 0.0, -100.0]
    )


def test_what_is_missing_costs_as_far_as_it_may() -> None:
    way = [-300.0, 0.0, 0.0]  # 300, 170 and 103 Wh are left

    assert [0.0, 330.0, 797.0] == pytest.approx(CHAIN.missing(way))
    assert 300 * 2e-5 + 1127.0 * 1e-2 - 103.0 * 3e-4 == pytest.approx(CHAIN.cost(way))


def test_its_columns_make_its_rows() -> None:
    source = random.Random(1)
    columns = list(CHAIN.columns())
    values = [source.uniform(0.0, column.most_wh) for column in columns]
    rows = [0.0] * 3
    for column, value in zip(columns, values, strict=True):
        at = column.step - CHAIN.first
        rows[at] += column.here * value
        if at < 2:
            rows[at + 1] += column.after * value

    # e above the low, less what is missing, follows by the row's own formula.
    energy, at = CHAIN.energy_wh, 0
    for at in range(3):
        charge, discharge, above, *short = [
            value for column, value in zip(columns, values, strict=True) if column.step == CHAIN.first + at
        ]
        energy = 0.9 * energy + 0.5 * charge - 2.0 * discharge - CHAIN.draws_wh[at]
        there = CHAIN.lows_wh[at] + above - sum(short)

        assert there - energy == pytest.approx(rows[at] - CHAIN.right(at))
        energy = there


@pytest.mark.parametrize("seed", range(40))
def test_no_way_is_cheaper_than_the_lowest_at_any_duals(seed: int) -> None:
    source = random.Random(seed)
    duals = [source.uniform(-1e-3, 1e-3) for _ in range(3)]
    prices = [0.0, 0.0, *(source.uniform(-1e-4, 4e-4) for _ in range(3))]
    lowest = CHAIN.lowest(duals, prices[2:])
    for _ in range(200):
        way = [source.uniform(-300.0, 800.0) for _ in range(3)]
        inside = CHAIN.find_energies_wh(way)
        kept = all(
            low - short <= energy <= high
            for energy, low, short, high in zip(
                inside, CHAIN.lows_wh, CHAIN.shorts_wh, CHAIN.highs_wh, strict=True
            )
        )
        if kept:
            paid = sum(price * wh for price, wh in zip(prices[2:], way, strict=True))

            assert lowest <= CHAIN.cost(way) + paid + 1e-9


def test_charges_within_narrower_ranges_count_from_their_least_on() -> None:
    narrow = replace(CHAIN, charges_wh=[(200.0, 800.0), (0.0, 0.0), (100.0, 100.0)], charge_price=1e-4)
    charges = [(column.step, column.most_wh) for column in narrow.columns() if column.bus == 1.0]

    assert [(2, 600.0)] == charges
    assert CHAIN.right(0) + 0.5 * 200.0 == narrow.right(0)
    assert CHAIN.right(1) == narrow.right(1)
    assert CHAIN.constant_cost + 300.0 * 1e-4 == pytest.approx(narrow.constant_cost)


def test_nothing_within_narrower_ranges_is_cheaper_than_their_lowest() -> None:
    source = random.Random(7)
    narrow = replace(CHAIN, charges_wh=[(200.0, 800.0), (0.0, 0.0), (100.0, 500.0)], highs_wh=[2000.0] * 3)
    for _ in range(200):
        prices = [source.uniform(0.0, 3e-4) for _ in range(3)]
        way = [source.uniform(200.0, 800.0), 0.0, source.uniform(100.0, 500.0)]
        duals = [source.uniform(-1e-3, 1e-3) for _ in range(3)]
        paid = sum(a * b for a, b in zip(way, prices, strict=True))

        assert narrow.lowest(duals, prices) <= narrow.cost(way) + paid + 1e-12
