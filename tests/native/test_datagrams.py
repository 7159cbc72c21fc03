"""Heads of BACnet datagrams: twin and kernel say the same, for any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import datagrams as compiled
from quartier_native.reference import datagrams as reference
from quartier_native.reference.datagrams import (
    ABORT,
    COMPLEX_ACK,
    CONFIRMED,
    ERROR,
    REJECT,
    SEGMENT,
    SEGMENT_ACK,
    SIMPLE_ACK,
    UNCONFIRMED,
)

ENGINES = pytest.mark.parametrize("engine", [compiled, reference], ids=["cython", "twin"])


def bvlc(npdu, function=0x0A, length=None):
    size = 4 + len(npdu) if length is None else length
    return bytes([0x81, function]) + (size & 0xFFFF).to_bytes(2, "big") + npdu


def npdu(apdu, control=0, way=b""):
    return bytes([1, control]) + way + apdu


WAYS = st.sampled_from(
    [
        (0, b""),
        (4, b""),
        (0x20, b"\xff\xff\x00\xff"),
        (0x20, b"\x07\xd1\x01\x05\xff"),
        (0x08, b"\x07\xd1\x01\x05"),
        (0x08, b"\x07\xd1\x00"),
        (0x08, b"\x00\x00\x01\x05"),
        (0x08, b"\xff\xff\x01\x05"),
        (0x08, b"\x07\xd1\x06\xc0\xa8\x01\x02\xba\xc0"),
        (0x28, b"\xff\xff\x00\x07\xd1\x01\x05\xfe"),
        (0x80, b"\x01"),
    ]
)
DATAGRAMS = st.builds(
    lambda way, apdu, function, length, version, origin: bvlc(
        (origin if function == 4 else b"") + bytes([version]) + npdu(apdu, *way)[1:], function, length
    ),
    WAYS,
    st.builds(lambda first, rest: bytes([first]) + rest, st.integers(0, 255), st.binary(max_size=12))
    | st.just(b""),
    st.sampled_from([0x0A, 0x0A, 0x0B, 0x04, 0x00, 0x05]),
    st.sampled_from([None, None, None, None, 0, 65535]),
    st.sampled_from([1, 1, 1, 1, 0, 2]),
    st.just(b"\xc0\xa8\x01\x02\xba\xc0"),
)


@given(
    DATAGRAMS, st.none() | st.integers(0, 40), st.none() | st.tuples(st.integers(0, 30), st.integers(0, 255))
)
def test_twin_and_kernel_hear_the_same_of_any_bytes(data, cut, hit):
    data = data if cut is None else data[:cut]
    if hit is not None and hit[0] < len(data):
        data = data[: hit[0]] + bytes([hit[1]]) + data[hit[0] + 1 :]

    assert reference.hear(data) == compiled.hear(data)


@given(
    st.lists(
        st.sampled_from([0x09, 0x0A, 0x1C, 0x2C, 0x39, 0x3D, 0x02, 0x00]) | st.integers(0, 255), max_size=24
    ).map(bytes),
    st.integers(-1, 30),
)
def test_twin_and_kernel_find_the_same_notice_in_any_bytes(data, at):
    assert reference.notice_of(data, at) == compiled.notice_of(data, at)


@ENGINES
@pytest.mark.parametrize(
    ("apdu", "heard"),
    [
        ("3007 0e aa", (COMPLEX_ACK, 7, 14, 3)),
        ("3c07 02 05 0e aa", (SEGMENT, 7, 2, 5)),
        ("2007 05", (SIMPLE_ACK, 7, 5, 3)),
        ("5007 0c 9101911f", (ERROR, 7, 12, 3)),
        ("6007 09", (REJECT, 7, 9, 3)),
        ("7107 04", (ABORT, 7, 4, 3)),
        ("4007 03 01", (SEGMENT_ACK, 7, 3, 4)),
        ("1002 0901", (UNCONFIRMED, -1, 2, 2)),
        ("0002 07 01 09", (CONFIRMED, 7, 1, 4)),
        ("0a02 07 00 03 01 09", (SEGMENT, 7, 0, 6)),
    ],
)
def test_each_type_of_message_is_told(engine, apdu, heard):
    pdu, invoke_id, service, at = heard
    apdu = bytes.fromhex(apdu)

    assert (pdu, invoke_id, service, 6 + at, b"", b"") == engine.hear(bvlc(npdu(apdu)))
    for size in range(at - 1 if pdu == SEGMENT else at):
        assert engine.hear(bvlc(npdu(apdu[:size]))) is None


@ENGINES
def test_who_is_behind_a_router_or_a_bbmd_is_told(engine):
    apdu, behind = bytes.fromhex("20070f"), b"\x07\xd1\x01\x05"

    assert b"\x07\xd1\x05" == engine.hear(bvlc(npdu(apdu, 0x08, behind)))[4]
    assert b"\x07\xd1\x05" == engine.hear(bvlc(npdu(apdu, 0x28, b"\xff\xff\x00" + behind + b"\xfe")))[4]
    origin = bytes.fromhex("c0a80102bac0")
    assert (SIMPLE_ACK, 7, 15, 15, b"", origin) == engine.hear(bvlc(origin + npdu(apdu), 0x04))


@ENGINES
@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes.fromhex("810a0004"),
        bytes.fromhex("820a000901002007" + "0f"),  # BVLL of IPv6
        bytes.fromhex("810a000a01002007" + "0f"),  # a length that lies
        bytes.fromhex("8100000901002007" + "0f"),  # a BVLC result
        bytes.fromhex("810a000902002007" + "0f"),  # another version
        bytes.fromhex("810a000701800" + "0"),  # a message of the network layer
        bvlc(npdu(bytes.fromhex("20070f"), 0x20, b"\x07\xd1\x01\x05\xff")),  # to another network
        bvlc(npdu(bytes.fromhex("80070f"))),  # a reserved type
        bvlc(npdu(bytes.fromhex("30070e") + bytes(1500))),
    ],
)
def test_what_is_not_for_us_is_left(engine, data):
    assert engine.hear(data) is None


@ENGINES
def test_a_notification_names_its_subscription(engine):
    data = bytes.fromhex("0912 1c02000004 2c0000000a 3900 4e4f")

    assert (18, 4, 10, 0, 14) == engine.notice_of(data, 0)
    for size in range(14):
        assert engine.notice_of(data[:size], 0) is None
    assert engine.notice_of(data.replace(b"\x1c\x02", b"\x1c\x03"), 0) is None
