import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from quartier_bench.peers import bacpypes3_decoder
from quartier_bench.protocol_speed import bacnet_answers
from quartier_bench.protocol_speed.bacnet_answers import ANSWERS, POINTS, OurDecoder, PeerDecoder


@pytest.mark.peer
def test_bacpypes3_reads_the_same_sum(tmp_path):
    if find_spec("bacpypes3") is None:
        pytest.skip("bacpypes3 is not installed")
    datagrams = bacnet_answers.make_capture()
    with PeerDecoder([sys.executable, str(Path(bacpypes3_decoder.__file__))], tmp_path, datagrams) as peer:
        turn = peer.turn(1)

    assert (ANSWERS * POINTS, OurDecoder(datagrams).turn(1).total) == (
        turn.points_count,
        pytest.approx(turn.total),
    )
    assert ANSWERS == len(json.loads((tmp_path / "capture.json").read_text()))
