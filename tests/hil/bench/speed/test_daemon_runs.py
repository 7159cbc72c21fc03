"""The measuring instruments themselves: what was answered is what is counted."""

import shutil
import socket
import struct
import time

import pytest

from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import daemon_runs

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return PeerCache(tmp_path_factory.mktemp("peers"), lambda _: None)


def asked(port, *, function=3, count=2):
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(struct.pack(">HHHBBHH", 7, 0, 6, 1, function, 0, count))
        return line.recv(300)


def test_every_register_holds_the_time_of_the_answer(cache, tmp_path):
    with Process([cache.compile_source("registers"), "2"], tmp_path / "log", talks=True) as server:
        ports = [int(word) for word in server.line().split()]
        before_ms = int(time.time() * 1000)
        answer = asked(ports[1])
        after_ms = int(time.time() * 1000)

    transaction, protocol, length, unit, function, size, first, second = struct.unpack(">HHHBBBHH", answer)
    assert (7, 0, 7, 1, 3, 4) == (transaction, protocol, length, unit, function, size)
    assert first == second
    assert first in {at % 65_536 for at in range(before_ms, after_ms + 1)}


def test_only_what_is_answered_inside_the_window_counts(cache, tmp_path):
    with Process([cache.compile_source("registers"), "1"], tmp_path / "log", talks=True) as server:
        port = int(server.line())
        now_ms = int(time.time() * 1000)
        server.ask(f"window {now_ms + 100_000} {now_ms + 200_000}")
        asked(port)
        outside = server.count()
        server.ask(f"window {now_ms} {now_ms + 100_000}")
        asked(port, count=125)

        assert (0, 125) == (outside["registers"], server.count()["registers"])


@pytest.mark.parametrize(("function", "count", "code"), [(3, 126, 3), (4, 0, 3), (6, 1, 1)])
def test_what_the_server_does_not_do_it_refuses(cache, tmp_path, function, count, code):
    with Process([cache.compile_source("registers"), "1"], tmp_path / "log", talks=True) as server:
        answer = asked(int(server.line()), function=function, count=count)

    assert bytes([function | 0x80, code]) == answer[7:]


@pytest.mark.skipif(
    not (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")),
    reason="mosquitto is not installed",
)
def test_the_daemon_is_measured_from_register_to_subscriber(cache, tmp_path):
    with daemon_runs.open_testbed(cache, tmp_path, devices=2, registers=5) as arena:
        place = tmp_path / "ours"
        place.mkdir()
        one = arena.measure(daemon_runs.start_quartier, place, warm_s=0.0, window_s=2.0)

    assert 0 == one.missing_points_count
    assert one.kept
    assert one.points > 0
    assert one.cpu_us_per_point > 0
    assert one.memory_mib > 10
