"""What a stand says where something does not hold."""

import time

import pytest

from quartier_bench.torture.testbed import FaultBench, FaultBenchSize, StateNotReached
from quartier_sim.site_clock import RigClock


@pytest.fixture
def stand(tmp_path):
    clock = RigClock(time.time(), 0.0, 60.0)
    return FaultBench(tmp_path, FaultBenchSize(), clock, [], None, None, None, None, ())


async def test_what_never_comes_is_given_up_and_named(stand):
    with pytest.raises(StateNotReached, match="the gateway is born: not within 0 s"):
        await stand.until("the gateway is born", lambda: False, patience_s=0.0)


async def test_a_condition_may_be_asked_of_another_process(stand):
    asked = []

    async def condition():
        asked.append(1)
        return len(asked) > 1

    await stand.until("it answers twice", condition)
    assert 2 == len(asked)
