import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import modbus_speed
from quartier_bench.protocol_speed.modbus_speed import FastClock
from quartier_bench.speed.measurement import Setting


async def test_a_racing_clock_goes_on_and_waits_for_nothing_long():
    clock = FastClock()
    before_ns = clock.now_ns()
    await clock.sleep(1.0)

    assert clock.now_ns() - before_ns >= 1_000_000_000


@pytest.mark.peer
def test_both_sides_read_the_same_blocks_from_the_same_server(tmp_path):
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    (figure,) = modbus_speed.measure_driver(setting)

    assert figure.ours > 0
    assert figure.peer > 0
