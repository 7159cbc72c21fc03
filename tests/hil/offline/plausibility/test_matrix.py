"""Meters that lie: eight cells of the matrix here, all of them in ``make test-deep``."""

import pytest
from hypothesis import settings

from quartier_hil.offline.plausibility.cases import Case, all_cases, draw
from quartier_hil.offline.plausibility.excess import Excess
from quartier_hil.offline.plausibility.matrix import Result, make_series, perform, tabulate, text

DANGEROUS = [
    Case("frozen-500", sun=False, limits="contract", link="CONTROLLED"),
    Case("reversed", sun=True, limits="contract", link="FAILSAFE"),
    Case("gain-0.6", sun=False, limits="contract", link="HOLD", unlisted_w=0.0),
    Case("none", sun=True, limits="district", link="INIT"),
]


def _cases():
    if settings.get_current_profile_name() == "deep":
        return [*DANGEROUS, *all_cases()]
    return [*DANGEROUS, *draw(4, seed=2)]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.name)
def test_the_limits_are_kept_by_true_values_and_the_meter_is_named(case, tmp_path):
    assert () == perform(case, tmp_path).faults


def test_a_fault_that_nobody_sees_is_told_as_broken():
    """The same case with a verdict of its own: what is not kept must not read as kept."""
    excess = Excess(DANGEROUS[0], over_s=200.0, late_s=110.0, worst_w=8_000.0, late_worst_w=7_900.0)
    result = Result(
        case=DANGEROUS[0],
        link="CONTROLLED",
        suspect_s=None,
        implausible_s=31.0,
        words="",
        excess=excess,
        faults=tuple(excess.faults),
    )
    (row,) = tabulate([result])

    assert ("NO", "-", "31", "8000", "200", "110") == row[1:7]
    assert "frozen-500/night/contract/CONTROLLED" in text([row])


def test_a_day_of_the_matrix_has_sun_at_noon_and_appliances_by_a_seed():
    series = make_series(2)

    assert (0, True) == (series.solar_w_per_kw[0], max(series.solar_w_per_kw) > 700)
    assert max(series.base_w) > 2_000
    assert make_series(2).base_w == series.base_w != make_series(3).base_w
