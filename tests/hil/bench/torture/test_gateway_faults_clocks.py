"""The short form of the torture: faults of time."""

import pytest

from quartier_bench.torture import torture_command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


@pytest.mark.parametrize("fault", ["clock-jumps", "frozen"])
def test_no_timer_fires_no_order_outlives_its_time_and_nothing_is_lost(fault, tmp_path, record_property):
    verdict = torture_command.torture_lot(fault, 1, torture_command.SHORT_FORM, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
    assert verdict.figures["samples"] > 0
