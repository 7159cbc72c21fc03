"""The true excess of a case of the fault matrix: what counts, and when it is due."""

from dataclasses import replace

import pytest

from quartier_bench.meter_check.fault_cases import MeterFaultCase, TrueExcess

CASE = MeterFaultCase("frozen", sun=False, limits="contract", link="CONTROLLED")
WELL = {"bat1.soc_pct": 50.0, "bat1.power_w": 0.0, "ev1.power_w": 0.0, "pv1.power_w": 0.0, "hp1.power_w": 0.0}


def _excess(*spans, period_s=1.0, **values):
    """After these spans of (seconds, grid power), from the fault on."""
    found = TrueExcess(CASE, period_s)
    now_s = CASE.fault_s
    for seconds, grid_w in spans:
        for _ in range(seconds):
            found.step(now_s, 1.0, WELL | {"grid.power_w": grid_w} | values, "CONTROLLED")
            now_s += 1.0
    return found


def test_the_gateway_has_30_s_for_evidence_30_s_to_find_it_and_30_s_to_act():
    assert [] == _excess((90, 15_000.0), (600, 5_000.0)).faults
    late = _excess((97, 15_000.0), (600, 5_000.0))

    assert (7, pytest.approx(1_800)) == (late.late_s, late.late_worst_w)
    assert ["limit exceeded for 7 s after it was due, by 1800 W"] == late.faults


def test_a_slow_meter_gives_four_of_its_periods_to_find_it():
    assert 30 + 30 == TrueExcess(CASE, 1.0).patience_s
    assert 240 + 30 == TrueExcess(CASE, 60.0).patience_s
    assert [] == _excess((299, 15_000.0), period_s=60.0).faults


def test_excess_that_comes_and_goes_counts_together():
    flapping = [(10, 15_000.0), (50, 5_000.0)] * 6

    assert _excess(*flapping).faults


def test_export_is_judged_by_its_own_limit():
    assert [] == _excess((600, -4_300.0)).faults
    assert _excess((600, -4_500.0)).faults


@pytest.mark.parametrize(("link", "grid_w", "faults_count"), [
    ("CONTROLLED", 15_000.0, 1), ("INIT", 15_000.0, 0), ("INIT", 26_000.0, 1), ("INIT", -4_500.0, 1),
])  # fmt: skip
def test_a_load_that_no_sound_reading_ever_showed_does_not_count_as_import(link, grid_w, faults_count):
    case = replace(CASE, link=link)
    found = TrueExcess(case)
    for second in range(200):
        values = WELL | {"grid.power_w": grid_w, "base.power_w": 12_000.0}
        found.step(case.fault_s + second, 1.0, values, "CONTROLLED")

    assert faults_count == len(found.faults)


def test_what_is_within_a_tenth_over_is_no_breach():
    assert (0, []) == ((one := _excess((600, 13_200.0))).over_s, one.faults)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"bat1.soc_pct": 5.0}, "battery at 5.0"),
        ({"bat1.power_w": -8_000.0}, "beyond its rating: bat1"),
    ],
)
def test_a_battery_outside_its_band_and_a_device_beyond_its_rating_are_told(values, words):
    assert words in "; ".join(_excess((1, 0.0), **values).faults)
