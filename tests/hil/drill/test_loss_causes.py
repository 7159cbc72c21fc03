"""The table of makings is complete: no row of the loss table is forgotten, and each is a scenario that can be run."""

import pytest

from quartier.control.supervise.loss_table import LOSSES
from quartier_hil.drill.loss_causes import LOSS_CAUSES
from quartier_hil.scenario.scenario_file import Scenario


def test_every_row_of_the_loss_table_is_made_or_says_why_not_in_the_tables_order():
    assert [loss.name for loss in LOSSES] == list(dict.fromkeys(making.loss for making in LOSS_CAUSES))


def test_each_loss_while_a_car_charges_requires_one_that_charges():
    charging = [making for making in LOSS_CAUSES if "while a car charges" in making.how]

    assert ["ev-silent", "uplink-lost", "clock-jumped"] == [making.loss for making in charging]
    assert {"ev1.power_w"} == {making.condition and making.condition.point for making in charging}


@pytest.mark.parametrize("making", LOSS_CAUSES, ids=lambda making: f"{making.loss} {making.of}".rstrip())
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
