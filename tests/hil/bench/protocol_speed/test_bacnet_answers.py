import itertools
import json

import pytest

from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import bacnet_answers
from quartier_bench.protocol_speed.bacnet_answers import ANSWERS, POINTS, TurnResult
from quartier_bench.speed.measurement import Setting
from quartier_drivers.bacnet.codec.answers import hear


def setting(tmp_path):
    return Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)


def test_every_answer_of_the_capture_is_read_whole():
    turn = bacnet_answers.OurDecoder(bacnet_answers.make_capture()).turn(2)

    assert 2 * ANSWERS * POINTS == turn.points_count
    assert -50 * ANSWERS * POINTS < turn.total < 500 * ANSWERS * POINTS


def test_noise_is_heard_and_no_answer():
    strange = list(itertools.islice(bacnet_answers.generate_noise(), 20))

    assert all(hear(data) is not None for data in strange)
    assert 20 == bacnet_answers.OurDecoder(bacnet_answers.make_capture()).refuse(strange)


def test_sides_that_read_something_else_make_no_figure(tmp_path):
    count = ANSWERS * POINTS
    ours, half = (
        (lambda times: TurnResult(1.0, count * times, 5.0)),
        (lambda times: TurnResult(1.0, count * times // 2, 5.0)),
    )

    assert ([1e6 / count], [1e6 / count]) == bacnet_answers.measure_sides(ours, ours, setting(tmp_path))
    with pytest.raises(RuntimeError, match=r"read 5\.0 and 6\.0, not the same"):
        bacnet_answers.measure_sides(
            ours, lambda times: TurnResult(1.0, count * times, 6.0), setting(tmp_path)
        )
    with pytest.raises(RuntimeError, match="a side read 1000 points"):
        bacnet_answers.measure_sides(ours, half, setting(tmp_path))


def test_a_peer_is_told_how_often_and_what_it_said_last_when_it_fell(tmp_path):
    answer = json.dumps([0.5, 1000, 30.5])
    argv = ["sh", "-c", f"read line; echo '{answer}'; echo fallen >&2; read line"]
    with bacnet_answers.PeerDecoder(argv, tmp_path, [b"\x81"]) as peer:
        assert TurnResult(0.5, 1000, 30.5) == peer.turn(1)
        with pytest.raises(RuntimeError, match="fallen"):
            peer.turn(1)
    assert ["81"] == json.loads((tmp_path / "capture.json").read_text())
