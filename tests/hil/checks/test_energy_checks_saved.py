from dataclasses import replace

import pytest

from quartier_hil.checks.energy_checks import PeakCheck, SavingCheck
from quartier_hil.checks.figures import Saving
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.expectations import PeakExpectation as AskedLower
from quartier_hil.scenario.expectations import SavingExpectation as Asked

DAY = Saving(planned_eur=3.0, unplanned_eur=3.5, stored_wh=-1_000.0, price_eur_per_wh=0.0002)


@pytest.mark.parametrize(("low_eur", "holds"), [(0.0, True), (0.29, True), (0.31, False)])
def test_what_is_stored_less_at_the_end_was_not_saved(low_eur, holds):
    verdict = SavingCheck(Asked(check="saved", low_eur=low_eur)).verdict(RunData(saving=DAY))

    assert pytest.approx(0.3) == DAY.saving_eur
    assert (holds, "3.00 EUR, 3.50 without a plan; -1.00 kWh stored: saved 0.30 EUR") == (
        verdict.holds,
        verdict.measured,
    )


def test_a_day_that_nobody_lived_without_a_plan_proves_nothing():
    judge = SavingCheck(Asked(check="saved"))
    judge.step(1.0, 1.0, {})

    assert not judge.verdict(RunData()).holds


def test_heat_that_is_stored_and_the_largest_imports_are_part_of_what_was_saved():
    found = replace(DAY, heat_wh=2_000.0, tops_eur=(0.4, 0.9))
    verdict = SavingCheck(Asked(check="saved", low_eur=1.19)).verdict(RunData(saving=found))

    assert pytest.approx(1.2) == found.saving_eur
    assert verdict.holds
    assert (
        "3.00 EUR, 3.50 without a plan; the largest imports 0.40 and 0.90 EUR; "
        "-1.00 kWh and +2.00 kWh as heat stored: saved 1.20 EUR"
    ) == verdict.measured


@pytest.mark.parametrize(("by_w", "holds"), [(1_500.0, True), (1_501.0, False)])
def test_a_peak_is_lowered_by_as_much_as_the_largest_hours_differ(by_w, holds):
    judge = PeakCheck(AskedLower(check="peak-lowered", by_w=by_w))
    judge.step(1.0, 1.0, {})
    verdict = judge.verdict(RunData(saving=replace(DAY, top_w=(2_500.0, 4_000.0))))

    assert (holds, "2500 W, 4000 without a plan: 1500 lower") == (verdict.holds, verdict.measured)
    assert not judge.verdict(RunData()).holds
    assert not judge.verdict(RunData(saving=DAY)).holds
