"""Meters that lie: eight cells of the matrix here, all of them in ``make test-deep``."""

import pytest
from hypothesis import settings

from quartier_bench.meter_check.fault_cases import MeterFaultCase, TrueExcess, draw_cases, iterate_cases
from quartier_bench.meter_check.fault_matrix import (
    CaseResult,
    format_table,
    make_series,
    make_table_rows,
    run_case,
)

DANGEROUS = [
    MeterFaultCase("frozen-500", sun=False, limits="contract", link="CONTROLLED"),
    MeterFaultCase("reversed", sun=True, limits="contract", link="FAILSAFE"),
    MeterFaultCase("gain-0.6", sun=False, limits="contract", link="HOLD", unlisted_w=0.0),
    MeterFaultCase("none", sun=True, limits="district", link="INIT"),
]


def _cases():
    if settings.get_current_profile_name() == "deep":
        return [*DANGEROUS, *iterate_cases()]
    return [*DANGEROUS, *draw_cases(4, seed=2)]


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.name)
def test_the_limits_are_kept_by_true_values_and_the_meter_is_named(case, tmp_path):
    assert () == run_case(case, tmp_path).faults


def test_a_fault_that_nobody_sees_is_told_as_broken():
    """The same case with a verdict of its own: what is not kept must not read as kept."""
    excess = TrueExcess(DANGEROUS[0], over_s=200.0, late_s=110.0, worst_w=8_000.0, late_worst_w=7_900.0)
    result = CaseResult(
        case=DANGEROUS[0],
        link="CONTROLLED",
        suspect_s=None,
        implausible_s=31.0,
        words="",
        excess=excess,
        faults=tuple(excess.faults),
    )
    (row,) = make_table_rows([result])

    assert ("NO", "-", "31", "8000", "200", "110") == row[1:7]
    assert "frozen-500/night/contract/CONTROLLED" in format_table([row])


def test_a_day_of_the_matrix_has_sun_at_noon_and_appliances_by_a_seed():
    series = make_series(2)

    assert (0, True) == (series.solar_w_per_kw[0], max(series.solar_w_per_kw) > 700)
    assert max(series.base_w) > 2_000
    assert make_series(2).base_w == series.base_w != make_series(3).base_w
