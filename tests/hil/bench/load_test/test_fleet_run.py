import pytest

from quartier_bench.load_test.fleet_run import PhaseFigures


@pytest.mark.parametrize(("missing", "holes", "holds"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_load_test_holds_when_nothing_is_missing(missing, holes, holds):
    assert holds is PhaseFigures({"end": {"missing": missing, "holes": holes}}).holds


def test_a_load_test_that_did_not_end_does_not_hold():
    assert not PhaseFigures({"come": {}}).holds
