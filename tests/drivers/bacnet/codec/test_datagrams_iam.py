import pytest

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec.datagrams import NO_SEGMENTATION, IAm, parse_i_am

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
