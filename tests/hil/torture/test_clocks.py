"""The short form of the torture: faults of time."""

import pytest

from quartier_hil.torture import command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


@pytest.mark.parametrize("fault", ["clock-jumps", "frozen"])
def test_no_timer_fires_no_order_outlives_its_time_and_nothing_is_lost(fault, tmp_path, record_property):
    verdict = command.tortured(fault, 1, command.SHORT, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
    assert verdict.figures["samples"] > 0
