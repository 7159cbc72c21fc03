"""A small fleet on a plain drive: nothing heavy is imported, and nobody waits for it."""

import numpy as np
import pytest

from quartier_hil.offline.fleet.drive import MINUTES, Drive
from quartier_hil.offline.fleet.stock import stock


def plain_drive(one):
    """A drive for a stock: people take twice as much in the evening, no sun, freezing."""
    evening = 1.0 + np.exp(-(((np.arange(MINUTES) - 420) / 90.0) ** 2))
    base_w = (evening[:, None] * one.column("use_kwh")[None, :] * 0.11).astype(np.float32)
    draw = np.full(MINUTES, 1.0 / MINUTES)
    return Drive(base_w, np.zeros(MINUTES), np.zeros(MINUTES), draw, "plain")


@pytest.fixture
def plain():
    """``plain_drive`` for a stock."""
    return plain_drive


@pytest.fixture
def small():
    return stock(50, 3)
