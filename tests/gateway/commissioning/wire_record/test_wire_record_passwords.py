"""A password that a meter is told in clear is in no record."""

from quartier.commissioning.wire_record.wire_record import hide_password
from quartier_drivers.meter.dlms import association, crc, hdlc
from quartier_drivers.tape import Frame


def aarq(secret=b"12345678"):
    apdu = association.request(association.LOW, secret)
    return hdlc.made(hdlc.server_address(1), hdlc.address(16), 0x10, b"\xe6\xe6\x00" + apdu)


def test_it_is_replaced_and_the_frame_holds():
    frame = Frame(0, 0, "out", aarq())
    masked = hide_password("dlms", frame).data

    assert b"12345678" in frame.data
    assert b"12345678" not in masked
    assert b"********" in masked
    assert len(frame.data) == len(masked)
    assert crc.holds(masked[1:-3], masked[-3:-1])


def test_what_is_no_such_request_is_left_as_it_was():
    heard = Frame(0, 0, "in", aarq())
    other = Frame(0, 0, "out", b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e")

    assert heard is hide_password("dlms", heard)
    assert other is hide_password("dlms", other)
    assert heard is hide_password("mbus", heard)
