import pytest

from quartier_drivers.bacnet.address import Place
from quartier_drivers.bacnet.iam import NO_SEGMENTATION, IAm, heard

HOST = ("10.0.0.9", 47808)
# Device 3, 1024 octets, no segmentation, vendor 99.
BODY = bytes.fromhex("c402000003 220400 9103 2163")


def test_a_device_says_that_it_is_there():
    assert IAm(3, Place(HOST), 1024, NO_SEGMENTATION, 99) == heard(BODY, 0, HOST, b"")


def test_one_behind_a_router_is_there():
    assert Place(HOST, 2001, b"\x05") == heard(BODY, 0, HOST, b"\x07\xd1\x05").place


@pytest.mark.parametrize("cut", range(len(BODY)))
def test_what_is_cut_is_none(cut):
    assert heard(BODY[:cut], 0, HOST, b"") is None


def test_who_is_no_device_is_none():
    assert heard(bytes.fromhex("c400000003 220400 9103 2163"), 0, HOST, b"") is None
    assert heard(bytes.fromhex("2103 220400 9103 2163"), 0, HOST, b"") is None
