import datetime as dt

import numpy as np
import pytest

from quartier_bench.fleet import building_stock, plant_model
from quartier_bench.fleet.building_stock import OFFICE


@pytest.fixture(scope="module")
def made():
    fleet = building_stock.draw_stock(300, 1)
    return fleet, plant_model.make_day_inputs(fleet, dt.date(2026, 1, 15), 0.0)


def test_the_day_goes_from_noon_to_noon_with_the_night_in_its_middle(made):
    _, one = made

    assert (plant_model.MINUTES_PER_DAY, 300) == one.base_w.shape
    assert 0 == one.sun_w_per_w[600:900].max() < one.sun_w_per_w[:120].max() < 1.1
    assert 1020 == np.argmin(one.outside_c)
    assert 1.0 == pytest.approx(one.draw_share.sum())


def test_homes_are_busy_in_the_evening_and_offices_by_day(made):
    fleet, one = made
    is_office = fleet.column("kind") == OFFICE
    homes_w, offices_w = one.base_w[:, ~is_office].sum(axis=1), one.base_w[:, is_office].sum(axis=1)

    assert 5 * 60 < np.argmax(homes_w.reshape(-1, 30).mean(axis=1)) * 30 < 10 * 60
    assert offices_w[:180].mean() > 2 * offices_w[660:840].mean()


def test_the_same_seed_gives_the_same_day(made):
    fleet, one = made

    assert np.array_equal(one.base_w, plant_model.make_day_inputs(fleet, dt.date(2026, 1, 15), 0.0).base_w)
