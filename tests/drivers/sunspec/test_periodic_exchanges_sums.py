"""A quantity that several points add up to."""

import pytest
from tests.drivers.sunspec.conftest import device_of

from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.periodic_exchanges import SummedQuantity
from quartier_drivers.sunspec.schema import SunspecPoint

MODULES = {"ID": 160, "L": 8 + 40, "DCW_SF": 1, "module": [{"DCW": 120}, {"DCW": 30}]}


@pytest.fixture
def summed(clock):
    def make(model=MODULES, **said):
        taken = SunspecPoint.model_validate({"source": [["160.module[1].DCW", "-160.module[2].DCW"]], **said})
        return SummedQuantity("bat.power_w", taken, taken.source[0], device_of([model]), None, clock)

    return make


def test_points_are_added_and_subtracted_and_take_the_houses_sign(summed):
    assert (900.0, Quality.GOOD) == (summed().reading().value, summed().reading().quality)
    assert -900.0 == summed(sign=-1).reading().value


def test_a_part_that_is_not_implemented_makes_the_sum_bad(summed):
    assert Quality.BAD is summed({**MODULES, "DCW_SF": None}).reading().quality
    assert Quality.BAD is summed({**MODULES, "module": [{"DCW": 1}, {}]}).reading().quality


def test_what_is_not_plausible_is_bad(summed):
    assert Quality.BAD is summed(high=800.0).reading().quality
