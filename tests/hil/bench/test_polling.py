import sys
from pathlib import Path

import pytest

from quartier_hil.bench import polling, responding
from quartier_hil.bench.bacnet import Peer
from quartier_hil.bench.polled import free_port
from quartier_hil.bench.process import Process


@pytest.mark.peer
def test_bacpypes3_polls_the_device_of_the_bench(tmp_path):
    argv = [sys.executable, str(Path(responding.__file__)), "0"]
    with Process(argv, tmp_path / "log", talks=True) as device:
        place = f"127.0.0.1:{device.line().rpartition(' ')[2]}"
        script = [sys.executable, str(Path(polling.__file__)), place, str(free_port()), "4"]
        with Peer(script, tmp_path, []) as peer:
            turn = peer.turn(2)

    assert (8, 20.125 + 20.25 + 20.375 + 20.5) == (turn.points_count, turn.total)
