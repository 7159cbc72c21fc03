"""What a session says and hears is on the tape, from the login on, and tshark reads it."""

import time

import pytest
from tests.drivers.opcua.conftest import URI
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.opcua.connection.session_types import VALUE_ATTRIBUTE
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.transport.frame_recorder import FrameRecorder


@pytest.fixture
async def taped(line):
    """(the line, its tape), connected anew so that the tape heard all of it."""
    tape = FrameRecorder(time.monotonic_ns, 1_000_000, 60)
    await line.close()
    line.record(tape)
    await line.open()
    return line, tape


async def asked(line):
    place = line.place(parse_node(f"nsu={URI};s=Power"))
    return await line.read(line.prepared([(place, VALUE_ATTRIBUTE, None)], 0.0), 1)


async def test_a_read_and_its_answer_are_on_the_tape(taped):
    line, tape = taped
    before = [frame.way for frame in tape.frames()]
    await asked(line)
    after = [frame.way for frame in tape.frames()][len(before) :]

    assert "opened" == before[0]
    assert ["out", "in"] == after
    assert all(frame.data[:3] in (b"MSG", b"OPN") for frame in tape.frames() if frame.data)


async def test_a_tape_that_is_taken_away_hears_no_more_and_the_line_goes_on(taped):
    line, tape = taped
    line.record(None)
    before = len(list(tape.frames()))

    assert await asked(line)
    assert before == len(list(tape.frames()))


@pytest.mark.peer
async def test_tshark_knows_each_message_without_a_setting(taped, tmp_path):
    line, tape = taped
    await asked(line)
    path = tmp_path / "a.pcapng"
    frames = tuple(tape.frames())
    path.write_bytes(
        record_file.make_file(WireRecord("plant", "opcua", "", "", frames[0].ns, 1_795_873_517_250, frames))
    )

    kinds = [row[0] for row in fields(path, "opcua.transport.type", wanted="opcua")]
    assert len(frames) - 1 == len(kinds)
    assert {"MSG"} == set(kinds)
