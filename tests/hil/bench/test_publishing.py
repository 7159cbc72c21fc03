import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from quartier_hil.bench import acknowledging, publishing
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting


@pytest.mark.peer
def test_aiomqtt_has_as_many_messages_acknowledged_as_it_is_told(tmp_path):
    if find_spec("aiomqtt") is None:
        pytest.skip("aiomqtt is not installed")
    setting = Setting(1, True, tmp_path, Cache(tmp_path / "cache", print), print)
    with acknowledging._broker(setting) as port:
        argv = [sys.executable, str(Path(publishing.__file__)), str(port), "a", "10"]
        with Process(argv, tmp_path / "log", talks=True) as peer:
            cpu_s, told = json.loads(peer.ask("30"))

    assert (30, True) == (told, cpu_s > 0)
