"""A home with an hour of each kind, so that nothing has to be read from a folder."""

from pathlib import Path

import numpy as np
import pytest

from quartier_bench.home_years.year_records import Home, HomeBattery, read_year

FOLDER = Path(__file__).parents[5] / "shared" / "fixtures" / "district" / "citylearn_2022_phase_1"


@pytest.fixture
def home():
    """Two days of a home: nothing at night, a morning, sun at noon, much in the evening."""
    load = [0.1] * 6 + [1.5] * 3 + [0.5] * 8 + [4.5] * 4 + [0.0] * 3
    sun = [0.0] * 8 + [1.0, 2.0, 3.0, 3.5, 3.0, 2.0, 1.0] + [0.0] * 9
    return Home("home", np.array(load * 2), np.array(sun * 2), HomeBattery(6.4, 5.0, 0.95), pv_rated_kw=4.0)


@pytest.fixture(scope="session")
def measured():
    """The measured homes, where the folder is beside the clone."""
    if not FOLDER.exists():
        pytest.skip("../shared/fixtures/district is not beside the clone")
    return read_year(FOLDER).homes


@pytest.fixture
def folder():
    """Where the measured homes lie."""
    return FOLDER
