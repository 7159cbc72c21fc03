import pytest

from quartier.control.allocate import thermal_preferences
from quartier.site.asset_types import OperationMode, VentilationUnit

UNIT = VentilationUnit(
    name="air",
    rated_w=3_000,
    tier="C",
    quantity="speed_pct",
    senses=("co2_ppm",),
    modes=tuple(OperationMode(f"{p} % speed", p, 3_000 * (p / 100) ** 3) for p in (100, 80, 60, 40)),
    co2_max_ppm=1_200,
)


def test_the_step_onto_the_least_ventilation_comes_last(seen):
    leaning = thermal_preferences.find_ventilation_preference(UNIT, seen(UNIT, co2_ppm=900))

    assert (3, "C", "B") == (leaning.lowest, leaning.tier, leaning.last_tier)


@pytest.mark.parametrize(("co2_ppm", "lowest"), [(1_200, 3), (1_201, 1)])
def test_bad_air_keeps_it_from_being_slowed_further(seen, co2_ppm, lowest):
    leaning = thermal_preferences.find_ventilation_preference(UNIT, seen(UNIT, mode=1, co2_ppm=co2_ppm))

    assert (0, lowest) == (leaning.wanted, leaning.lowest)
