import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from quartier_hil.bench import bacnet, decoding
from quartier_hil.bench.bacnet import ANSWERS, POINTS, Ours, Peer


@pytest.mark.peer
def test_bacpypes3_reads_the_same_sum(tmp_path):
    if find_spec("bacpypes3") is None:
        pytest.skip("bacpypes3 is not installed")
    datagrams = bacnet.capture()
    with Peer([sys.executable, str(Path(decoding.__file__))], tmp_path, datagrams) as peer:
        turn = peer.turn(1)

    assert (ANSWERS * POINTS, Ours(datagrams).turn(1).total) == (turn.points_count, pytest.approx(turn.total))
    assert ANSWERS == len(json.loads((tmp_path / "capture.json").read_text()))
