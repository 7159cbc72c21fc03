"""Two homes of three days that fit on a page, and the five measured ones where they are at hand."""

import json

import numpy as np
import pytest

from quartier_bench.home_years.year_records import read_year

HOURS = 72
CELL = {"capacity": 6.4, "nominal_power": 5.0, "efficiency": 0.81}


@pytest.fixture
def folder(tmp_path):
    """A dear evening, a sunny noon, one home without a night load."""
    schema = {
        name: {
            "pv": {"attributes": {"nominal_power": 2.0}},
            "electrical_storage": {"attributes": CELL},
            "energy_simulation": f"{name}.csv",
        }
        for name in ("Building_1", "Building_2")
    }
    (tmp_path / "schema.json").write_text(json.dumps({"buildings": schema}))
    prices = ["electricity_pricing", *("0.5" if 16 <= hour % 24 < 20 else "0.2" for hour in range(HOURS))]
    (tmp_path / "pricing.csv").write_text("\n".join(prices))
    (tmp_path / "carbon_intensity.csv").write_text("\n".join(["carbon_intensity", *["0.1"] * HOURS]))
    for number, night_kwh in ((1, 0.5), (2, 0.0)):
        rows = [
            f"8,{hour % 24 + 1},{1.5 if 16 <= hour % 24 < 20 else night_kwh},{900.0 if 10 <= hour % 24 < 14 else 0.0}"
            for hour in range(HOURS)
        ]
        text = "\n".join(["month,hour,non_shiftable_load,solar_generation", *rows])
        (tmp_path / f"Building_{number}.csv").write_text(text)
    return tmp_path


@pytest.fixture
def year(folder):
    return read_year(folder)


@pytest.fixture(scope="session")
def measured(shared):
    return read_year(shared / "district" / "citylearn_2022_phase_1")


def is_kept(home, grid_kwh):
    """Whether a battery of these sizes could have done it: worked out from the grid alone."""
    done = grid_kwh - home.net_kwh
    eta = home.battery.efficiency
    held = np.cumsum(np.where(done >= 0, done * eta, done / eta))
    inside = held.min() >= -1e-6 and held.max() <= home.battery.capacity_kwh + 1e-6
    return inside and abs(done).max() <= home.battery.power_kw + 1e-9
