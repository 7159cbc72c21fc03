"""Heads of BACnet/IP datagrams as the standard's examples have them."""

import pytest

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import hear
from quartier_drivers.bacnet.codec.application_data import RELINQUISH, encode_element
from quartier_drivers.bacnet.codec.datagrams import (
    NO_SEGMENTATION,
    NOTIFICATION_MAX,
    REQUEST_MAX,
    IAm,
    is_for_library,
    is_too_long,
    parse_i_am,
)
from quartier_native.bacnet import ABORT, ERROR, REAL, SIMPLE_ACK, Ref


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


HOST = ("10.0.0.9", 47808)
# Device 3, 1024 octets, no segmentation, vendor 99.
BODY = bytes.fromhex("c402000003 220400 9103 2163")


def test_a_device_says_that_it_is_there():
    assert IAm(3, DevicePlace(HOST), 1024, NO_SEGMENTATION, 99) == parse_i_am(BODY, 0, HOST, b"")


def test_one_behind_a_router_is_there():
    assert DevicePlace(HOST, 2001, b"\x05") == parse_i_am(BODY, 0, HOST, b"\x07\xd1\x05").place


@pytest.mark.parametrize("cut", range(len(BODY)))
def test_what_is_cut_is_none(cut):
    assert parse_i_am(BODY[:cut], 0, HOST, b"") is None


def test_who_is_no_device_is_none():
    assert parse_i_am(bytes.fromhex("c400000003 220400 9103 2163"), 0, HOST, b"") is None
    assert parse_i_am(bytes.fromhex("2103 220400 9103 2163"), 0, HOST, b"") is None


def test_one_property_is_asked_for():
    # F.3.5
    assert bytes.fromhex("0c00000005 1955") == datagrams.make_read_property(Ref(0, 5, 85))
    assert bytes.fromhex("0c02000004 194c 2901") == datagrams.make_read_property(Ref(8, 4, 76, 1))
    assert bytes.fromhex("0c00000005 1a0200") == datagrams.make_read_property(Ref(0, 5, 512))


def test_properties_of_one_object_share_its_head():
    # F.3.7, second example: three analog inputs; first example: two properties of one.
    assert bytes.fromhex("0c00000010 1e 0955 0967 1f") == datagrams.make_read_multiple(
        [Ref(0, 16, 85), Ref(0, 16, 103)]
    )
    assert bytes.fromhex(
        "0c00000021 1e 0955 1f 0c00000032 1e 0955 1f 0c00000023 1e 0955 1f"
    ) == datagrams.make_read_multiple([Ref(0, 33, 85), Ref(0, 50, 85), Ref(0, 35, 85)])
    assert bytes.fromhex("0c02000004 1e 094c 1900 1f") == datagrams.make_read_multiple([Ref(8, 4, 76, 0)])


def test_a_value_is_written_at_a_priority():
    # F.3.9: analog-value 1, 180.0; there without a priority.
    value = encode_element(REAL, 180.0)

    assert bytes.fromhex("0c00800001 1955 3e 44 43340000 3f") == datagrams.make_write_property(
        Ref(2, 1, 85), value
    )
    assert bytes.fromhex("0c00800001 1955 3e 44 43340000 3f 490a") == datagrams.make_write_property(
        Ref(2, 1, 85), value, 10
    )
    assert bytes.fromhex("0c00800001 1955 3e 00 3f 4908") == datagrams.make_write_property(
        Ref(2, 1, 85), RELINQUISH, 8
    )


@pytest.mark.parametrize("priority", [0, 17, -1])
def test_there_are_sixteen_priorities(priority):
    with pytest.raises(ValueError, match="expected 1 to 16"):
        datagrams.make_write_property(Ref(2, 1, 85), RELINQUISH, priority)


def test_a_subscription_is_made_renewed_and_ended():
    # F.1.10 (13.14): process 18, analog-input 10, confirmed, without end.
    assert bytes.fromhex("0912 1c0000000a 2901 3900") == datagrams.make_subscribe(
        18, 0, 10, confirmed=True, lifetime_s=0
    )
    assert bytes.fromhex("0912 1c0000000a 2900 3a012c") == datagrams.make_subscribe(
        18, 0, 10, confirmed=False, lifetime_s=300
    )
    assert bytes.fromhex("0912 1c0000000a") == datagrams.make_unsubscribe(18, 0, 10)


def test_a_number_takes_as_few_octets_as_hold_it():
    assert b"\x09\x00" == datagrams.encode_field(0, 0)
    assert b"\x0c\xff\xff\xff\xff" == datagrams.encode_field(0, 0xFFFFFFFF)
    with pytest.raises(ValueError, match="more than four octets"):
        datagrams.encode_field(0, 1 << 32)


def datagram(head, size):
    body = bytes.fromhex(head)
    body += bytes(size - 4 - len(body))
    return b"\x81\x0a" + size.to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("head", "longest"),
    [
        ("0104 0275010e", REQUEST_MAX),  # a request
        ("0100 1008", NOTIFICATION_MAX),  # Who-Is
        ("0100 1000", NOTIFICATION_MAX),  # I-Am
        ("0180 01", 1507),  # a router speaks
    ],
)
def test_each_kind_is_heard_up_to_its_length(head, longest):
    data, longer = datagram(head, longest), datagram(head, longest + 1)

    assert is_for_library(hear(data), len(data))
    assert not is_for_library(hear(longer), len(longer))


@pytest.mark.parametrize("answer", ["30f00e", "38f000040e", "20f00f", "50f00e910291", "60f009"])
def test_answers_are_not_heard_for_the_library_asks_nobody(answer):
    data = datagram(f"0100 {answer}", 60)

    assert not is_for_library(hear(data), len(data))


@pytest.mark.parametrize("service", ["02", "03", "04", "05", "06", "09", "0a", "0b", "ff"])
def test_services_that_nobody_here_does_are_not_heard(service):
    data = datagram(f"0100 10{service}", 40)

    assert not is_for_library(hear(data), len(data))


def test_who_asks_for_too_much_is_told_so():
    data = datagram("0104 0275010e", REQUEST_MAX + 1)

    assert is_too_long(hear(data), len(data))
    data = datagram("0100 1008", REQUEST_MAX + 1)
    assert not is_too_long(hear(data), len(data))
