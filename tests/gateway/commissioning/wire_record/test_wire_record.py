"""A password that a meter is told in clear is in no record."""

import json
from dataclasses import replace

from quartier.commissioning.wire_record.wire_record import dump_frame, hide_password, load_record
from quartier_drivers.meter.dlms import client_services, hdlc
from quartier_drivers.transport.frame_recorder import RecordedFrame


def aarq(secret=b"12345678"):
    apdu = client_services.make_associate_request(client_services.LOW_SECURITY, secret)
    return hdlc.make_frame(hdlc.make_server_address(1), hdlc.encode_address(16), 0x10, b"\xe6\xe6\x00" + apdu)


def test_it_is_replaced_and_the_frame_holds():
    frame = RecordedFrame(0, 0, "out", aarq())
    masked = hide_password("dlms", frame).data

    assert b"12345678" in frame.data
    assert b"12345678" not in masked
    assert b"********" in masked
    assert len(frame.data) == len(masked)
    assert hdlc.is_crc_valid(masked[1:-3], masked[-3:-1])


def test_what_is_no_such_request_is_left_as_it_was():
    heard = RecordedFrame(0, 0, "in", aarq())
    other = RecordedFrame(0, 0, "out", b"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e")

    assert heard is hide_password("dlms", heard)
    assert other is hide_password("dlms", other)
    assert heard is hide_password("mbus", heard)


def test_it_goes_through_json_whole(exchange):
    told = json.loads(json.dumps([exchange.head(), *map(dump_frame, exchange.frames)]))

    assert replace(exchange, secrets=()) == load_record(told[0], told[1:])


def test_a_frame_has_its_utc_by_the_monotonic_clock(exchange):
    assert exchange.utc_ms * 1_000_000 + 5_000_000 == exchange.utc_ns(exchange.frames[1])
