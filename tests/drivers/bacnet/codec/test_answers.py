"""A prepared read and what comes back of it: columns, or a reason why not."""

import math
import struct

import pytest

from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import (
    PreparedNotification,
    PreparedRead,
    Ref,
    check_acknowledged,
    check_answer,
    hear,
)
from quartier_drivers.bacnet.codec.application_data import Element
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_native.bacnet import (
    BITS,
    CHARACTERS,
    COMPLEX_ACK,
    DENIED,
    LIST,
    MISSING,
    OBJECT,
    REAL,
    UNSIGNED,
)

REFS = [Ref(0, 1, 85), Ref(0, 1, 111), Ref(0, 1, 77), Ref(8, 7, 76)]


def datagram(apdu):
    apdu = bytes.fromhex(apdu)
    return b"\x81\x0a" + (6 + len(apdu)).to_bytes(2, "big") + b"\x01\x00" + apdu


def taken(read, apdu):
    data = datagram(apdu)
    return read.take(data, hear(data))


ANSWER = (
    "30010e 0c00000001 1e 2955 4e 4441ac0000 4f 296f 4e 820400 4f 294d 4e 7300 5433 4f 1f "
    "0c02000007 1e 294c 4e c402000007 c400000001 4f 1f"
)


def test_an_answer_to_several_becomes_columns():
    told = taken(PreparedRead(REFS), ANSWER)

    assert 4 == len(told)
    assert bytes([REAL, BITS, CHARACTERS, LIST]) == told.kinds
    assert [21.5, 0.0] == told.values[:2].tolist()
    assert (Element(CHARACTERS, "T3"),) == told.elements(2)
    assert ((8, 7), (0, 1)) == tuple(one.value for one in told.elements(3))
    assert b"\x82\x04\x00" == told.octets(1)
    assert told.denial(0) is None


def test_what_was_denied_says_why_and_what_was_not_told_says_nothing():
    told = taken(PreparedRead(REFS), "30010e 0c00000001 1e 2955 5e 9101 911f 5f 1f")

    assert bytes([DENIED, MISSING, MISSING, MISSING]) == told.kinds
    assert "unknown-object (object)" == str(told.denial(0))
    assert told.denial(0).is_gone
    assert (b"", ()) == (told.octets(1), told.elements(1))
    assert math.isnan(told.values[1])


def test_one_property_is_asked_for_by_itself():
    read = PreparedRead([Ref(2, 1, 87, 3)])
    told = taken(read, "30010c 0c00800001 1957 2903 3e 00 3f")

    assert datagrams.READ_PROPERTY == read.request.service
    assert (Element(0, None),) == told.elements(0)
    assert datagrams.READ_PROPERTY_MULTIPLE == PreparedRead([Ref(2, 1, 85)], multiple=True).request.service


def test_sixty_four_bits_are_all_there():
    told = taken(
        PreparedRead([Ref(48, 1, 85)]),
        "30010c 0c0c000001 1955 3e 2508ffffffffffffffff 3f".replace("2508", "2508"),
    )

    assert (UNSIGNED, 2.0**64) == (told.kinds[0], told.values[0])
    assert (2**64 - 1,) == tuple(one.value for one in told.elements(0))


@pytest.mark.parametrize(
    ("apdu", "why"),
    [
        ("50010e 9105 911d", "service-request-denied"),
        ("600109", "unrecognized-service"),
        ("710104", "segmentation-not-supported"),
        ("700101", "buffer-overflow"),
    ],
)
def test_a_no_to_the_whole_is_raised(apdu, why):
    with pytest.raises(DeviceRefused, match=why):
        taken(PreparedRead(REFS), apdu)


@pytest.mark.parametrize(
    ("apdu", "why"),
    [
        (ANSWER[:-6], "within a value"),
        ("30010e 0c00000001 1e 2955 4e 4441ac0000 5f", "closes another"),
        ("30010e 1c00000001", "another tag"),
        ("30010e 0c00000001 1e 2955 4e" + 40 * "0e", "without end"),
        ("30010c 0c00000001", "service 12"),
        ("20010e", "type 2"),
        ("380100020e 00", "segmented"),
        ("50010e 9105", "without class and code"),
        ("50010e 2105 2105", "without class and code"),
        ("50010e 0e", "another tag"),
        ("50010c 9105 911d", "service 12"),
    ],
)
def test_another_answer_is_none(apdu, why):
    with pytest.raises(GarbledAnswer, match=why):
        taken(PreparedRead(REFS), apdu)


def test_what_was_done_is_acknowledged():
    def said(apdu):
        data = datagram(apdu)
        check_acknowledged(data, hear(data), datagrams.WRITE_PROPERTY)

    said("20010f")
    with pytest.raises(DeviceRefused, match="write-access-denied"):
        said("50010f 9102 9128")
    with pytest.raises(GarbledAnswer, match="service 12"):
        said("20010c")


def test_a_read_is_of_something_and_of_several_only_where_that_is_asked_for():
    for wrong in (lambda: PreparedRead([]), lambda: PreparedRead(REFS, multiple=False)):
        with pytest.raises(ValueError, match="properties in one request"):
            wrong()
    with pytest.raises(ValueError, match="twice"):
        PreparedRead([REFS[0], REFS[0]])


NOTICE = "1002 0912 1c02000004 2c00000001 393c 4e 0955 2e 4441ac0000 2f 096f 2e 820400 2f 4f"


def test_a_notification_becomes_columns():
    follow = PreparedNotification(REFS[:2])
    for apdu in (NOTICE, NOTICE.replace("1002", "00020701")):
        data = datagram(apdu)
        change = follow.take(data, hear(data))
        assert (60, [21.5, 0.0]) == (change.left_s, change.answer.values.tolist())
        assert bytes([REAL, BITS]) == change.answer.kinds


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("2c00000001", "2c00000002", "about this object"),
        (" 4f", "", "ends within"),
        (" 4f", " 4f 00", "another tag"),
        ("393c", "", "about this"),
    ],
)
def test_another_notification_is_none(old, new, why):
    data = datagram(NOTICE.replace(old, new))

    with pytest.raises(GarbledAnswer, match=why):
        PreparedNotification(REFS[:2]).take(data, hear(data))


def test_a_subscription_is_about_one_object():
    for refs in ([], REFS):
        with pytest.raises(ValueError, match="objects in one subscription"):
            PreparedNotification(refs)


def test_every_cut_of_an_answer_is_no_answer():
    apdu = bytes.fromhex(ANSWER)
    for size in range(3, len(apdu)):
        data = datagram(apdu[:size].hex())
        heard = hear(data)
        check_answer(data, heard, datagrams.READ_PROPERTY_MULTIPLE, COMPLEX_ACK)
        try:
            told = PreparedRead(REFS).take(data, heard)
        except GarbledAnswer:
            continue
        assert MISSING in told.kinds, size
        assert OBJECT not in told.kinds
    assert struct.pack(">f", 21.5).hex() in ANSWER
