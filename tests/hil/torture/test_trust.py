import pytest

from quartier_hil.torture import command, trust
from quartier_hil.torture.names import is_possible
from quartier_hil.torture.stand import GivenUp


@pytest.mark.daemon
@pytest.mark.peer
@pytest.mark.skipif(not is_possible(), reason="a name server of one's own needs root")
def test_tls_starts_from_the_time_floor(tmp_path, record_property):
    verdict = command.tortured("time-floor", 1, command.SHORT, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken


@pytest.mark.parametrize("fault", [trust.nameless, trust.expired])
async def test_what_a_stand_cannot_do_is_said_and_not_passed_over(fault):
    class Bare:
        hosts = authority = None

    with pytest.raises(GivenUp, match="needs root|no certificates"):
        await fault(Bare(), None, 1)
