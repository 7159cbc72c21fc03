import sys
from pathlib import Path

import pytest

from quartier_bench.measured_process import Process
from quartier_bench.peers import bacnet_device, bacpypes3_client
from quartier_bench.protocol_speed.bacnet_answers import PeerDecoder
from quartier_bench.protocol_speed.bacnet_polls import find_free_udp_port


@pytest.mark.peer
def test_bacpypes3_polls_the_device_of_the_bench(tmp_path):
    argv = [sys.executable, str(Path(bacnet_device.__file__)), "0"]
    with Process(argv, tmp_path / "log", talks=True) as device:
        place = f"127.0.0.1:{device.line().rpartition(' ')[2]}"
        script = [sys.executable, str(Path(bacpypes3_client.__file__)), place, str(find_free_udp_port()), "4"]
        with PeerDecoder(script, tmp_path, []) as peer:
            turn = peer.turn(2)

    assert (8, 20.125 + 20.25 + 20.375 + 20.5) == (turn.points_count, turn.total)
