"""The table of makings is complete: no row of the ladder is forgotten, and each is a scenario that can be run."""

import pytest

from quartier.control.supervise.loss_table import LOSSES
from quartier_hil.drill.makings import MAKINGS
from quartier_hil.scenario import Scenario


def test_every_row_of_the_ladder_is_made_or_says_why_not_in_the_tables_order():
    assert [loss.name for loss in LOSSES] == list(dict.fromkeys(making.loss for making in MAKINGS))


@pytest.mark.parametrize("making", MAKINGS, ids=lambda making: f"{making.loss} {making.of}".rstrip())
def test_each_is_a_scenario(making):
    Scenario.model_validate(
        {
            "title": making.how,
            "start": making.start,
            "duration_s": making.warm_s + making.lasts_s + 5,
            "rate": making.rate,
            "house": making.house,
            "events": making.events,
        }
    )
