import pytest

from quartier_bench.torture import gateway_faults, torture_command
from quartier_bench.torture.broker_connection import can_bind_hosts
from quartier_bench.torture.testbed import StateNotReached


@pytest.mark.daemon
@pytest.mark.peer
@pytest.mark.skipif(not can_bind_hosts(), reason="a name server of one's own needs root")
def test_tls_starts_from_the_time_floor(tmp_path, record_property):
    verdict = torture_command.torture_lot("time-floor", 1, torture_command.SHORT_FORM, 1, tmp_path)
    record_property("figures", dict(verdict.figures))

    assert () == verdict.broken


@pytest.mark.parametrize("fault", [gateway_faults.remove_district_name, gateway_faults.expire_certificate])
async def test_what_a_stand_cannot_do_is_said_and_not_passed_over(fault):
    class Bare:
        hosts = authority = None

    with pytest.raises(StateNotReached, match="needs root|no certificates"):
        await fault(Bare(), None, 1)
