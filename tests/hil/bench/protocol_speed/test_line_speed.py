import os
import struct

import pytest

from quartier_bench.measured_process import Process
from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.protocol_speed import line_speed
from quartier_bench.speed.measurement import Setting
from quartier_sim.modbus.framing import build_rtu_frame, parse_rtu_request

pytestmark = pytest.mark.peer


@pytest.fixture
def wire(tmp_path):
    program = PeerCache(tmp_path / "cache", lambda _: None).compile_source("wire")
    with Process([program, "115200", "2"], tmp_path / "log", talks=True) as found:
        yield found


def answered(port, frame, size):
    file = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(file, frame)
        heard = b""
        while len(heard) < size:
            heard += os.read(file, size - len(heard))
        return heard
    finally:
        os.close(file)


def test_a_unit_of_the_wire_answers_with_a_sound_frame(wire):
    port = wire.line()

    heard = answered(port, build_rtu_frame(2, struct.pack(">BHH", 3, 0, 4)), 5 + 8)

    assert (2, heard[1:-2]) == parse_rtu_request(heard)
    assert bytes([3, 8]) == heard[1:3]


def test_the_line_of_a_request_takes_the_time_of_its_characters(wire):
    port = wire.line()

    answered(port, build_rtu_frame(1, struct.pack(">BHH", 3, 0, 4)), 5 + 8)

    figures = wire.count()
    assert (8 + 3.5 + 13 + 3.5) * 10 / 115_200 == pytest.approx(figures["line_s"], abs=1e-6)
    assert 1 == figures["all"]


def test_a_frame_that_is_not_whole_gets_no_answer_and_is_counted(wire):
    port = wire.line()
    sound = build_rtu_frame(1, struct.pack(">BHH", 3, 0, 4))

    heard = answered(port, bytes(8) + sound, 5 + 8)

    assert 1 == heard[0]
    assert 1 == wire.count()["broken"]


def test_long_and_short_reads_are_measured_at_both_rates(tmp_path, monkeypatch):
    monkeypatch.setattr(line_speed, "BAUDS", (115_200,))
    setting = Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", lambda _: None), lambda _: None)

    found = {figure.name: figure.ours for figure in line_speed.measure_line(setting)}

    wanted = {f"line.{kind}{what}_115200" for kind in ("", "short_") for what in ("share", "gap", "cpu")}
    assert wanted == set(found)
    assert min(found.values()) > 0
