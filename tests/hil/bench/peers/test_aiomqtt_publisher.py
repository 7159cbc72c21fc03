import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from quartier_bench.measured_process import Process
from quartier_bench.peers import aiomqtt_publisher
from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import link_speed
from quartier_bench.speed.measurement import Setting


@pytest.mark.peer
def test_aiomqtt_has_as_many_messages_acknowledged_as_it_is_told(tmp_path):
    if find_spec("aiomqtt") is None:
        pytest.skip("aiomqtt is not installed")
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", print), print)
    with link_speed._open_broker(setting) as port:
        argv = [sys.executable, str(Path(aiomqtt_publisher.__file__)), str(port), "a", "10"]
        with Process(argv, tmp_path / "log", talks=True) as peer:
            cpu_s, told = json.loads(peer.ask("30"))

    assert (30, True) == (told, cpu_s > 0)
