"""A port is joined in the middle of anything and loses any stretch: it tells what was said, or nothing.

TIC, P1 without CRC and IEC 62056-21 mode D have tests of their own (``tic/test_line_order.py``,
``p1/test_without_crc.py``, ``iec62056/test_familiar.py``): they prove less by checksums.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.meter.dlms import conftest as dlms
from tests.drivers.meter.mbus import conftest as mbus
from tests.drivers.meter.p1 import conftest as p1
from tests.drivers.meter.sml import conftest as sml

from quartier_drivers.meter import protocols
from quartier_drivers.meter.keys import NO_KEYS, MeterKeys

Told = set[tuple[str, object]]
LIST = dlms.notification(dlms.aidon())
OTHER = dlms.notification(dlms.kaifa(18), dlms.clock(deviation=dlms.NO_DEVIATION), is_tagged=True)
APDUS = (LIST, OTHER, dlms.notification(dlms.kamstrup(), dlms.clock(deviation=dlms.NO_DEVIATION)))
KEYS = MeterKeys(dlms.KEY)


def told(protocol: str, data: bytes, keys: MeterKeys = NO_KEYS, **how: bool) -> Told:
    decoder = protocols.make_decoder(protocol, {}, keys, **how)
    found = decoder.feed(data) + decoder.end()
    return {(group.label, group.value) for one in found for group in one.groups}


def cuts(data: bytes, step: int) -> Iterator[bytes]:
    """The data from any start on, and without a stretch of it."""
    for start in range(0, len(data), step):
        yield data[start:]
        for size in (1, 2, 7, 40, 64, 71, 150):
            yield data[:start] + data[start + size :]


def in_frames(apdus: tuple[bytes, ...]) -> dict[str, bytes]:
    return {
        "hdlc": b"".join(dlms.segmented(apdu, 400) for apdu in apdus),
        "hdlc in segments": b"".join(dlms.segmented(apdu, 31) for apdu in apdus),
        "hdlc in blocks": b"".join(dlms.hdlc(part) for apdu in apdus for part in dlms.blocks(apdu, 50)),
        "m-bus": b"".join(dlms.mbus(apdu, 60) for apdu in apdus),
        "sealed": b"".join(
            dlms.segmented(dlms.sealed(apdu, number), 100) for number, apdu in enumerate(apdus, 1)
        ),
    }


@pytest.mark.parametrize("framing", in_frames(APDUS))
def test_dlms_on_a_serial_port(framing: str) -> None:
    stream = in_frames(APDUS)[framing]
    said = told("dlms", stream, KEYS, is_capture=True)

    assert told("dlms", stream * 2, KEYS)
    for damaged in cuts(stream, 11):
        assert told("dlms", damaged, KEYS) <= said


def test_a_published_push_joined_at_every_offset_of_its_frame_is_read_right_or_not_at_all(
    shared: Path,
) -> None:
    pushes = json.loads((shared / "dlms" / "han_apdus.json").read_text())
    apdus = tuple(bytes.fromhex(push["hex"])[3:] for push in pushes.values())
    for framing in ("hdlc", "hdlc in segments", "m-bus"):
        for apdu in apdus:
            stream = in_frames((apdu,))[framing]
            said = told("dlms", stream, is_capture=True)
            assert said
            for start in range(len(stream)):
                assert told("dlms", stream[start:]) <= said, start


def test_an_apdu_without_frame_is_read_from_a_file_and_never_from_a_port() -> None:
    for stream in (b"".join(APDUS), b"".join(dlms.LLC + apdu for apdu in APDUS)):
        assert told("dlms", stream, is_capture=True)
        assert told("dlms", stream * 3) == told("dlms", stream * 3, over_tcp=True) == set()


def test_the_middle_of_a_list_is_no_list_though_it_begins_as_one() -> None:
    """A last segment may begin with 0F, the tag of an eight-bit number and of a notification."""
    scaler = dlms.structure(dlms.i8(0), dlms.enum(27))
    whole = dlms.LLC + dlms.notification(dlms.structure(dlms.named("1-0:1.7.0"), dlms.u32(3000), scaler))
    head = len(whole) - 4
    assert whole[head] == 0x0F
    # What follows the tag reads as a notification of nothing but 0 W, should anybody take it for one.
    false = bytes.fromhex("0f00161b0900") + dlms.structure(dlms.named("1-0:1.7.0"), dlms.u32(0))
    tail = dlms.hdlc(false)

    assert ("1-0:1.7.0", 0) in told("dlms", tail, is_capture=True)
    assert told("dlms", tail + dlms.hdlc(whole)) == told("dlms", dlms.hdlc(whole))
    assert ("1-0:1.7.0", 0) not in told("dlms", dlms.hdlc(whole) + tail + tail), "its lists have heads"


def test_lists_without_llc_head_are_read_from_the_second_on() -> None:
    frames = b"".join(dlms.hdlc(apdu) for apdu in (LIST, LIST))

    assert told("dlms", frames) == told("dlms", dlms.hdlc(LIST), is_capture=True)
    assert told("dlms", dlms.hdlc(LIST)) == set()
    assert told("dlms", dlms.hdlc(LIST) + bytes(range(1, 100)) + dlms.hdlc(LIST)), "noise between them"
    part = dlms.segmented(LIST, 90)
    assert told("dlms", part + dlms.hdlc(LIST)) == told("dlms", part), "its lists have heads"


def test_a_wrapper_is_read_over_tcp_from_the_second_of_a_row_on() -> None:
    stream = dlms.wrapped(LIST)
    said = told("dlms", stream, is_capture=True)

    assert told("dlms", stream * 3) == set(), "a serial line has none"
    assert [set(), said] == [told("dlms", stream * count, over_tcp=True) for count in (1, 2)]
    for start in range(len(stream)):
        assert told("dlms", stream[start:] + stream * 2, over_tcp=True) == said


def test_sml() -> None:
    entries = [
        sml.entry("1-0:1.8.0*255", sml.unsigned(123_456_789, 8), 30, -1, sml.unsigned(0x82, 1)),
        sml.entry("1-0:16.7.0*255", sml.signed(-12_345, 4), 27, -1),
    ]
    stream = sml.frame(sml.server_id("EMH", 1234), entries) * 2
    said = told("sml", stream)

    assert said
    for damaged in cuts(stream, 3):
        assert told("sml", damaged) <= said


def test_p1_with_a_crc() -> None:
    stream = p1.telegram(*p1.DUTCH) * 2
    said = told("p1", stream)

    assert said
    for damaged in cuts(stream, 7):
        assert told("p1", damaged) <= said


def test_an_answer_of_an_mbus_meter_that_lost_any_stretch_is_none() -> None:
    records = mbus.record(21_837, "06") + mbus.record(12_565, "13") + mbus.record(5200, "2B")
    answer = mbus.reply(records)
    assert told("mbus", answer)
    for start in range(len(answer)):
        for size in range(1, len(answer)):
            assert told("mbus", answer[:start] + answer[start + size :]) == set()
        assert told("mbus", answer[: start + 1] + answer[start:]) in (set(), told("mbus", answer))
