import json
import os

import pytest

from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import sunspec_speed
from quartier_bench.protocol_speed.sunspec_speed import AdvancingClock, TurnResult
from quartier_bench.speed.measurement import Setting
from quartier_drivers.device_profile import loading


def test_a_rate_is_registers_per_cpu_second():
    assert 500.0 == TurnResult(2.0, 1000).rate


def test_groups_and_models_are_counted_from_one_in_a_profile():
    assert "705.Crv[1].Pt[3].V" == sunspec_speed.name_point("705.Crv[0].Pt[2].V")
    assert "804#2.SoC" == sunspec_speed.name_point("804#1.SoC")
    assert "701.W" == sunspec_speed.name_point("701.W")


def test_every_number_of_the_device_is_a_point_of_a_profile_that_loads(tmp_path):
    count = sunspec_speed.write_profile(tmp_path)
    loaded = loading.load_profile(sunspec_speed.PROFILE, [tmp_path])

    assert count == len(loaded.parts[""])
    assert count > 200
    assert "701.W" in dict(sunspec_speed.list_quantities()).values()
    assert "701.MnAlrmInfo" not in dict(sunspec_speed.list_quantities()).values()


def test_a_clock_is_put_forward_and_never_back():
    clock = AdvancingClock()
    due_ns = clock.now_ns() + 3_600_000_000_000
    clock.step_to(due_ns)
    assert due_ns <= clock.now_ns() < due_ns + 3_600_000_000_000

    clock.step_to(0)
    assert due_ns <= clock.now_ns()


def test_all_of_a_run_is_on_one_processor_and_what_comes_after_is_not():
    allowed = os.sched_getaffinity(0)
    with sunspec_speed.pin_to_one_core():
        assert 1 == len(os.sched_getaffinity(0))
    assert allowed == os.sched_getaffinity(0)


def test_a_turn_of_the_peer_is_its_cpu_and_registers(tmp_path):
    answer = json.dumps([0.5, 1000, 30])
    with Process(
        ["sh", "-c", f"read line; echo '{answer}'; read line"], tmp_path / "log", talks=True
    ) as peer:
        assert TurnResult(0.5, 1000) == sunspec_speed.ask_peer(peer, "scan 1")
        with pytest.raises(RuntimeError, match="gave no answer to 'scan 1'"):
            sunspec_speed.ask_peer(peer, "scan 1")


def test_sides_that_read_different_registers_make_no_figure():
    sunspec_speed.check_counts({469})
    with pytest.raises(RuntimeError, match=r"\[400, 469\] registers, not the same"):
        sunspec_speed.check_counts({469, 400})


@pytest.mark.peer
def test_both_sides_scan_and_poll_the_same_device(tmp_path):
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    scan, poll = sunspec_speed.measure_sunspec(setting)

    assert ("sunspec.scan", "sunspec.poll") == (scan.name, poll.name)
    assert min(scan.ours, scan.peer, poll.ours, poll.peer) > 0
