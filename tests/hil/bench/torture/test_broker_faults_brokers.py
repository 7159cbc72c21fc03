"""The short form of the torture: faults of the broker and of the way to it."""

import pytest

from quartier_bench.torture import torture_command

pytestmark = [pytest.mark.daemon, pytest.mark.peer]


@pytest.mark.parametrize("fault", ["broker-killed", "district-away", "flapping", "half-open"])
def test_nothing_is_lost_and_all_comes_in_its_order(fault, tmp_path, record_property):
    verdict = torture_command.torture_lot(fault, 1, torture_command.SHORT_FORM, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken
    assert verdict.figures["samples"] > 0
    assert verdict.figures["late"] > 0, "what was taken meanwhile came late"
