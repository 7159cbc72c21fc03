import pytest

from quartier_hil.swarm.course import Found


@pytest.mark.parametrize(("missing", "holes", "holds"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_swarm_holds_when_nothing_is_missing(missing, holes, holds):
    assert holds is Found({"end": {"missing": missing, "holes": holes}}).holds


def test_a_swarm_that_did_not_end_does_not_hold():
    assert not Found({"come": {}}).holds
