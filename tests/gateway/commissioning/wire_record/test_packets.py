"""Heads that are made anew fit: checksums, sequence numbers, both families of addresses."""

import struct

import pytest
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record.packets import (
    LINK_ETHERNET,
    CapturedPacket,
    TcpConnection,
    make_datagram,
    make_pcapng,
    make_upper_pdu,
    parse_endpoint,
)

PAIRS = [("10.0.0.2:40000", "10.0.0.3:502"), ("fe80::2%eth0:40000", "fe80::3:502")]


def written(path, frames):
    packets = [CapturedPacket(0, data, is_inbound) for is_inbound, data in frames]
    path.write_bytes(make_pcapng(LINK_ETHERNET, "lan", "", packets))
    return path


@pytest.mark.peer
@pytest.mark.parametrize("pair", PAIRS)
def test_tshark_finds_no_fault_in_a_connection(tmp_path, pair):
    link = TcpConnection(*map(parse_endpoint, pair))
    frames = [
        *link.open(),
        (False, link.carry(b"question", from_there=False)),
        (True, link.carry(b"the answer", from_there=True)),
        (True, link.end(from_there=True, is_hard=False)),
    ]
    path = written(tmp_path / "a.pcapng", frames)
    checked = ("tcp.checksum.status", "tcp.analysis.flags", "tcp.seq", "tcp.len", "tcp.flags.fin")

    rows = fields(path, *checked)
    assert 6 == len(rows)
    assert [""] * 6 == [row[1] for row in rows]
    assert [("1", "8"), ("1", "10"), ("11", "0")] == [row[2:4] for row in rows[3:]]


@pytest.mark.peer
def test_tshark_finds_no_fault_in_checksums(tmp_path):
    link = TcpConnection(*map(parse_endpoint, PAIRS[0]))
    path = written(tmp_path / "a.pcapng", [(False, link.carry(b"odd", from_there=False))])
    sure = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]

    assert [("1", "1")] == fields(path, "tcp.checksum.status", "ip.checksum.status", options=sure)


@pytest.mark.peer
def test_tshark_finds_no_fault_in_a_datagram(tmp_path):
    data = make_datagram(
        parse_endpoint("10.0.0.2:47808"), parse_endpoint("10.0.0.9:47808"), b"x", from_there=True
    )
    path = written(tmp_path / "a.pcapng", [(True, data)])
    sure = ["-o", "udp.check_checksum:TRUE"]

    assert [("10.0.0.9", "10.0.0.2", "1")] == fields(
        path, "ip.src", "ip.dst", "udp.checksum.status", options=sure
    )


def test_an_end_that_is_not_known_is_zeros():
    assert ("0.0.0.0", 0) == (str(parse_endpoint("")[0]), parse_endpoint("")[1])


def test_a_named_protocol_has_its_name_before_it():
    assert b"\x00\x0c\x00\x08mbrtu\x00\x00\x00" + bytes(4) + b"\x01\x03" == make_upper_pdu(
        "mbrtu", b"\x01\x03"
    )


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
