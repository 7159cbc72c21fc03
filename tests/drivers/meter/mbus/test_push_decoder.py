"""What the control information of an answer makes of its data."""

import pytest
from tests.drivers.meter.mbus.conftest import identity, record, reply

from quartier_drivers.meter.mbus.link_layer import MbusFrame, MbusFramer
from quartier_drivers.meter.mbus.push_decoder import APPLICATION_BUSY, UnreadableTelegram, parse_answer

VOLUME = record(12565, "13")


def answer(ci, data, **more):
    return parse_answer(MbusFrame(0x08, 3, ci, data), **more)


def test_a_reading_with_long_header_tells_its_records_and_the_state():
    (frame,) = MbusFramer().feed(reply(VOLUME, "11490378", state=0x08, address=3))

    found = parse_answer(frame)

    assert ("11490378", 3, False) == (found.header.serial, found.address, found.is_continued)
    assert [("0", 12.565), ("status", "0x08")] == [(group.label, group.value) for group in found.groups]


def test_mode_2_turns_all_fields_round():
    head = identity("11490378")
    found = answer(0x76, head[3::-1] + head[5:3:-1] + head[6:] + bytes(4) + b"\x04\x13\x00\x00\x31\x15")

    assert ("11490378", "ACW", 12.565) == (found.header.serial, found.header.maker, found.groups[0].value)


def test_short_and_missing_headers_tell_no_name():
    assert ("", 12.565) == (
        answer(0x7A, bytes(4) + VOLUME).header.serial,
        answer(0x7A, bytes(4) + VOLUME).groups[0].value,
    )
    assert [12.565] == [group.value for group in answer(0x78, VOLUME).groups]


def test_a_fixed_structure_is_known():
    found = answer(0x73, bytes.fromhex("93929190100005693165000069000000"))

    assert ("90919293", 6531000) == (found.header.serial, found.groups[0].value)


@pytest.mark.parametrize(
    ("code", "text", "data"),
    [
        (0, "application error: unspecified error", b""),
        (1, "application error: control information not implemented", b"\x01"),
        (3, "application error: too many records", b"\x03"),
        (5, "application error: more than 10 DIFE", b"\x05"),
        (APPLICATION_BUSY, "application error: application too busy for readout", b"\x08"),
        (0xC1, "application error: error C1", b"\xc1"),
    ],
)
def test_application_errors_are_said_in_words(code, text, data):
    found = answer(0x70, data)

    assert (code, text, [text]) == (
        found.failure_code,
        found.failure,
        [group.value for group in found.groups],
    )


def test_errors_and_alarms_may_have_a_header():
    head = identity("11490378") + bytes(4)

    assert ("11490378", 8) == (
        answer(0x6F, head + b"\x08").header.serial,
        answer(0x6F, head + b"\x08").failure_code,
    )
    assert 8 == answer(0x6E, bytes(4) + b"\x08").failure_code
    assert ["alarm: 03", "0x03"] == [group.value for group in answer(0x71, b"\x03").groups]
    assert ["alarm: 03", "0x03"] == [group.value for group in answer(0x75, head + b"\x03").groups]


def test_more_telegrams_are_announced():
    assert answer(0x78, VOLUME + b"\x1f").is_continued


@pytest.mark.parametrize(
    ("why", "ci", "data"),
    [
        ("control information 55 is unknown", 0x55, b""),
        ("premature end in the header", 0x72, bytes(11)),
        ("premature end in the header", 0x7A, bytes(3)),
        ("premature end in the header", 0x6F, bytes(3)),
        ("premature end in the data of a record", 0x78, VOLUME[:-1]),
        ("premature end in a value information block", 0x78, b"\x04"),
        ("more than 10 DIFE", 0x78, b"\x84" + 11 * b"\x80" + b"\x00"),
        ("15 bytes of fixed data, expected 16", 0x73, bytes(15)),
    ],
)
def test_what_is_no_telegram_is_refused_with_the_reason(why, ci, data):
    with pytest.raises(UnreadableTelegram, match=why):
        answer(ci, data)


@pytest.mark.parametrize(
    ("mode", "configuration"), [("mode 5, AES-128-CBC", 0x0520), ("mode 7, AES-128-CBC, derived key", 0x0710)]
)
def test_an_encrypted_telegram_is_recognised_and_said_in_words(mode, configuration):
    data = identity("11490378") + bytes([0x2A, 0]) + configuration.to_bytes(2, "little") + bytes(range(32))

    found = answer(0x72, data)

    assert (True, "11490378") == (found.is_secret, found.header.serial)
    assert f"encrypted ({mode}); no key is given" == found.groups[0].value
    assert f"encrypted ({mode}); the key does not fit" == answer(0x72, data, key=bytes(16)).groups[0].value
