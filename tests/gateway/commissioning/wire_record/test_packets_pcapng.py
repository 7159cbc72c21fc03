"""The file's blocks are those of the draft: read back by their lengths, and by tshark."""

import struct

import pytest
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record.packets import LINK_ETHERNET, CapturedPacket, make_pcapng

PACKETS = [
    CapturedPacket(1_795_873_517_250_000_123, bytes(range(60)), is_inbound, "a comment")
    for is_inbound in (0, 1)
]


def blocks(content):
    start = 0
    while start < len(content):
        kind, size = struct.unpack_from("<II", content, start)
        assert struct.unpack_from("<I", content, start + size - 4) == (size,)
        yield kind, content[start + 8 : start + size - 4]
        start += size


def test_a_section_an_interface_and_a_block_a_packet_each_with_its_length_twice():
    assert [0x0A0D0D0A, 1, 6, 6] == [
        kind for kind, _ in blocks(make_pcapng(LINK_ETHERNET, "lan", "about", PACKETS))
    ]


def test_lengths_are_multiples_of_four_whatever_is_said():
    for size in range(5):
        content = make_pcapng(
            LINK_ETHERNET,
            "n" * size,
            "a" * size,
            [CapturedPacket(0, bytes(size), is_inbound=True, comment="c" * size)],
        )
        assert 3 == len(list(blocks(content)))
        assert 0 == len(content) % 4


@pytest.mark.peer
def test_tshark_reads_time_to_the_nanosecond_direction_and_comments(tmp_path):
    path = tmp_path / "a.pcapng"
    path.write_bytes(make_pcapng(LINK_ETHERNET, "lan", "about", PACKETS))
    names = ("frame.time_epoch", "frame.packet_flags_direction", "frame.comment", "frame.interface_name")

    rows = fields(path, *names)
    assert [2, 1] == [int(row[1], 0) for row in rows]
    assert [("a comment", "lan")] * 2 == [row[2:] for row in rows]
    assert all("17.250000123" in row[0] for row in rows)
