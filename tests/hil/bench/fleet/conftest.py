"""A small fleet on a plain drive: nothing heavy is imported, and nobody waits for it."""

import numpy as np
import pytest

from quartier_bench.fleet.building_stock import draw_stock
from quartier_bench.fleet.plant_model import MINUTES_PER_DAY, DayInputs


def plain_drive(one):
    """A drive for a stock: people take twice as much in the evening, no sun, freezing."""
    evening = 1.0 + np.exp(-(((np.arange(MINUTES_PER_DAY) - 420) / 90.0) ** 2))
    base_w = (evening[:, None] * one.column("use_kwh")[None, :] * 0.11).astype(np.float32)
    draw = np.full(MINUTES_PER_DAY, 1.0 / MINUTES_PER_DAY)
    return DayInputs(base_w, np.zeros(MINUTES_PER_DAY), np.zeros(MINUTES_PER_DAY), draw, "plain")


@pytest.fixture
def plain():
    """``plain_drive`` for a stock."""
    return plain_drive


@pytest.fixture
def small():
    return draw_stock(50, 3)
