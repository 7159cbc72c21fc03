"""Heads of BACnet/IP datagrams as the standard's examples have them."""

import pytest

from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import hear
from quartier_native.bacnet import ABORT, ERROR, SIMPLE_ACK


def test_a_request_says_who_it_is_for_and_that_no_segments_are_taken():
    request = datagrams.make_request(datagrams.READ_PROPERTY, bytes.fromhex("0c000000051955"))

    # 135-2020 F.3.5: PDU type 0, no segments, 1476 octets, ReadProperty of analog-input 5's present-value.
    assert bytes.fromhex("810a0011 0104 0005010c 0c000000051955") == request.datagram(1)
    assert bytes.fromhex("810a0011 0104 0005ff0c 0c000000051955") == request.datagram(255)
    assert 11 == request.apdu_size


def test_a_device_behind_a_router_is_named_by_network_and_address():
    request = datagrams.make_request(datagrams.READ_PROPERTY, b"\xaa", datagrams.make_route(2001, b"\x05"))

    assert bytes.fromhex("810a0010 0124 07d10105ff 0005020c aa") == request.datagram(2)


@pytest.mark.parametrize(
    ("answer_max", "code"),
    [(1476, 5), (1497, 5), (1475, 4), (1024, 4), (480, 3), (206, 2), (128, 1), (127, 0), (50, 0)],
)
def test_the_longest_answer_is_one_that_the_standard_has_a_code_for(answer_max, code):
    assert code == datagrams.make_request(12, b"", answer_max=answer_max).datagram(0)[7]


def test_a_notification_is_acknowledged_or_refused():
    assert (SIMPLE_ACK, 9, datagrams.COV_NOTIFICATION, 9, b"", b"") == hear(
        datagrams.make_acknowledgement(9, datagrams.COV_NOTIFICATION)
    )
    assert (ABORT, 9, 1, 9, b"", b"") == hear(datagrams.make_abort(9, 1))
    assert (ERROR, 9, datagrams.COV_NOTIFICATION, 9, b"", b"") == hear(
        datagrams.make_refusal(9, datagrams.COV_NOTIFICATION, 5, 79)
    )
    assert bytes.fromhex("810a000e 0120 07d10105ff 200901") == datagrams.make_acknowledgement(
        9, 1, b"\x07\xd1\x05"
    )


def test_the_answer_of_a_device_behind_a_router_comes_from_its_route():
    route = datagrams.make_route(2001, b"\x05\x06")

    assert route == hear(bytes.fromhex("810a000e 0108 07d1020506 200701"))[4]
    assert b"" == datagrams.make_route(None, b"")


@pytest.mark.parametrize(
    ("network", "mac"), [(0, b"\1"), (65535, b"\1"), (-1, b"\1"), (5, b""), (5, bytes(256))]
)
def test_what_is_no_route_is_refused(network, mac):
    with pytest.raises(ValueError, match="network"):
        datagrams.make_route(network, mac)
