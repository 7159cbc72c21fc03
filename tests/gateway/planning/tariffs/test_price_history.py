"""Past prices by signal: what an hour cost, and what a plan of then knew of it."""

import json
import math

import pytest

from quartier.planning.tariffs.energy_prices import PriceSignal, Tariff
from quartier.planning.tariffs.price_history import (
    KEPT_AHEAD_H,
    KEPT_PAST_H,
    PRICE_CHANGES_MAX,
    PriceHistory,
    SignalledPrice,
)

SIGNAL = Tariff(kind="signal", zone="Europe/Paris", export_eur_per_wh=5e-5)
FIRST = 497_000
"""An hour since 1970."""


def at(hour):
    return (FIRST + hour) * 3600.0


def quote(begin_h, end_h, price, **more):
    return PriceSignal(at(begin_h), at(end_h), {"import_eur_per_wh": price, **more})


def test_an_hour_costs_what_was_said_last_and_a_plan_knew_what_was_said_before_it():
    quoted = PriceHistory()
    quoted.hear(SIGNAL, [quote(0, 6, 1e-4)], at(0) + 20)
    quoted.hear(SIGNAL, [quote(0, 4, 1e-4), quote(4, 12, 3e-4)], at(2) + 20)

    assert SignalledPrice(at(0) + 20, 1e-4, 5e-5) == quoted.find_final_price(FIRST)
    assert 3e-4 == quoted.find_final_price(FIRST + 5).import_eur_per_wh
    assert (1e-4,) * 5 == quoted.find_known_prices(FIRST + 1, 24).import_eur_per_wh, (
        "as far as it was said then"
    )
    assert (1e-4, 3e-4, 3e-4) == quoted.find_known_prices(FIRST + 3, 3).import_eur_per_wh
    assert (5e-5, 5e-5, 5e-5) == quoted.find_known_prices(FIRST + 3, 3).export_eur_per_wh
    assert (None, 0) == (quoted.find_final_price(FIRST + 12), quoted.find_known_prices(FIRST + 12, 24).count)


def test_the_running_hour_counts_as_known_although_it_was_said_a_moment_after_it_began():
    quoted = PriceHistory()
    quoted.hear(SIGNAL, [quote(0, 6, 1e-4)], at(0) + 20)

    assert 1 == quoted.find_known_prices(FIRST, 24).count, "the others were heard later"
    assert 5 == quoted.find_known_prices(FIRST + 1, 24).count


def test_quarters_are_a_mean_and_an_hour_that_is_known_in_part_is_not():
    quoted = PriceHistory()
    quarters = [quote(n / 4, (n + 1) / 4, (n + 1) * 1e-4, export_eur_per_wh=0.0) for n in range(6)]
    quoted.hear(SIGNAL, [*quarters, PriceSignal(at(0), at(2), {"import_g_per_wh": 0.2})], at(0))

    assert (2.5e-4, 0.0) == pytest.approx(quoted.find_final_price(FIRST)[1:])
    assert math.isnan(quoted.find_known_prices(FIRST, 1).import_g_per_wh[0])
    assert quoted.find_final_price(FIRST + 1) is None


def test_the_same_word_again_takes_no_room_and_none_takes_more_than_stated():
    quoted = PriceHistory()
    for minute in range(60):
        quoted.hear(SIGNAL, [quote(0, 2, 1e-4)], at(0) + 60 * minute)
    assert 2 == len(quoted.keep())
    for minute in range(60):
        quoted.hear(SIGNAL, [quote(1, 500, (minute + 1) * 1e-5)], at(0) + 60 * minute)

    assert 1 + (KEPT_AHEAD_H - 1) * PRICE_CHANGES_MAX == len(quoted.keep())
    assert 6e-4 == pytest.approx(quoted.find_final_price(FIRST + 1).import_eur_per_wh)
    quoted.hear(SIGNAL, [], at(KEPT_PAST_H + 1))
    assert FIRST + 1 == quoted.keep()[0][0]


def test_it_goes_on_after_a_restart_and_nonsense_is_refused_whole():
    quoted, later = PriceHistory(), PriceHistory()
    quoted.hear(SIGNAL, [quote(0, 6, 1e-4)], at(0))
    quoted.hear(SIGNAL, [quote(0, 6, 2e-4)], at(1))
    later.recall(json.loads(json.dumps(quoted.keep())))

    assert quoted.keep() == later.keep()
    for bad in (
        [[1.0, 2.0]],
        [[1.0, 2.0, 3.0, "x"]],
        7,
        [None],
        [[math.inf, 1.0, 1.0, 1.0]],
        [[1.0] * 3 + [math.nan]],
    ):
        with pytest.raises((TypeError, ValueError)):
            later.recall(bad)
    assert quoted.keep() == later.keep()
    assert all(math.isfinite(value) for row in later.keep() for value in row)
