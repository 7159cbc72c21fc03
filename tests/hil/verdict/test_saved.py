import pytest

from quartier_hil.verdict.checks import Ending
from quartier_hil.verdict.kpis import Saving
from quartier_hil.verdict.saved import Saved
from quartier_hil.wanted import Saved as Asked

DAY = Saving(planned_eur=3.0, unplanned_eur=3.5, stored_wh=-1_000.0, price_eur_per_wh=0.0002)


@pytest.mark.parametrize(("low_eur", "holds"), [(0.0, True), (0.29, True), (0.31, False)])
def test_what_is_stored_less_at_the_end_was_not_saved(low_eur, holds):
    verdict = Saved(Asked(check="saved", low_eur=low_eur)).verdict(Ending(saving=DAY))

    assert pytest.approx(0.3) == DAY.saved_eur
    assert (holds, "3.00 EUR, 3.50 without a plan; -1.00 kWh stored: saved 0.30 EUR") == (
        verdict.holds,
        verdict.measured,
    )


def test_a_day_that_nobody_lived_without_a_plan_proves_nothing():
    judge = Saved(Asked(check="saved"))
    judge.step(1.0, 1.0, {})

    assert not judge.verdict(Ending()).holds
