"""Records are read by what the formats say, and what is none is refused with a reason."""

import contextlib
import struct

import pytest

from quartier_hil.replay.recording import RecordedEvent, Recording, UnreadableRecordError, read_recording


def block(kind, body):
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def pcapng(link_type, *packets):
    """``(ns, is_inbound, bytes)``: with a resolution of ns, and one of another option before the flags."""
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", link_type, 0, 0) + struct.pack("<HHBxxx", 9, 1, 9) + bytes(4))
    made = []
    for ns, is_inbound, data in packets:
        head = struct.pack("<IIIII", 0, ns >> 32, ns & 0xFFFFFFFF, len(data), len(data))
        options = (
            struct.pack("<HH4s", 1, 2, b"hi") + struct.pack("<HHI", 2, 4, 1 if is_inbound else 2) + bytes(4)
        )
        made.append(block(6, head + data + bytes(-len(data) % 4) + options))
    return section + interface + b"".join(made)


def ethernet(data, source=40000, target=502, flags=0x18):
    tcp = struct.pack(">HHIIBBHHH", source, target, 1, 1, 0x50, flags, 0, 0, 0) + data
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + bytes(8)
    return bytes(12) + b"\x08\x00" + ip + tcp


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "a.record"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_modbus_tcp_is_what_lies_in_the_segments_and_an_end_of_the_device(written):
    path = written(
        pcapng(
            1,
            (5, False, ethernet(b"", flags=2)),
            (10, False, ethernet(b"ask")),
            (20, True, ethernet(b"tell", 502, 40000)),
            (30, True, ethernet(b"", 502, 40000, flags=0x11)),
        )
    )

    assert Recording(
        "modbus-tcp",
        (RecordedEvent(10, "out", b"ask"), RecordedEvent(20, "in", b"tell"), RecordedEvent(30, "ended")),
    ) == read_recording(path)


def test_modbus_rtu_is_what_follows_the_tags(written):
    pdu = struct.pack(">HH8sHH", 12, 8, b"mbrtu\0\0\0", 0, 0) + b"\x01\x03"

    assert Recording(
        "modbus-rtu", (RecordedEvent(1_795_873_517_250_000_123, "out", b"\x01\x03"),)
    ) == read_recording(written(pcapng(252, (1_795_873_517_250_000_123, False, pdu))))


def test_rows_of_text_with_one_time_are_one_piece(written):
    path = written(
        "# quartier record 1\n# bus: tic0\n"
        "2026-11-28T13:45:17.000000000Z 1.000000000 = opened /dev/ttyUSB0\n"
        "2026-11-28T13:45:17.000000000Z 1.500000000 < 0a41 |.A|\n"
        "2026-11-28T13:45:17.000000000Z 1.500000000 < 42 |B|\n"
        "2026-11-28T13:45:18.000000000Z 2.000000001 > 2f3f |/?|\n"
        "2026-11-28T13:45:18.000000000Z 2.500000000 = ended it was unplugged\n"
    )

    assert Recording(
        "serial",
        (
            RecordedEvent(1_500_000_000, "in", b"\nAB"),
            RecordedEvent(2_000_000_001, "out", b"/?"),
            RecordedEvent(2_500_000_000, "ended"),
        ),
    ) == read_recording(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x00\x01", "no record"),
        ("# quartier record 1\nnonsense\n", "line 2"),
        (pcapng(1, (0, True, ethernet(b"x", 47808, 40000))), "cannot be served|can be served"),
        (pcapng(147, (0, True, b"x")), "link type 147"),
        (pcapng(1, (0, True, ethernet(b"x", 502)))[:-4], "torn"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(written, content, why):
    with pytest.raises(UnreadableRecordError, match=why):
        read_recording(written(content))


def test_a_file_that_is_cut_off_anywhere_is_read_or_refused(written):
    whole = pcapng(1, (0, True, ethernet(b"tell", 502, 40000)), (9, False, ethernet(b"ask")))
    for size in range(len(whole)):
        with contextlib.suppress(UnreadableRecordError):
            assert len(read_recording(written(whole[:size])).events) <= 2
