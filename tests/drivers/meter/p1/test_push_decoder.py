import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.p1.conftest import DUTCH, OLD, crc, telegram

from quartier_drivers.meter.p1 import push_decoder
from quartier_drivers.meter.p1.push_decoder import TELEGRAM_MAX, P1Decoder, crc_arc

NEW, PLAIN = telegram(*DUTCH), telegram(*OLD, has_crc=False)


def heard(capture: bytes, sizes=()) -> list:
    decoder = push_decoder.make_decoder(is_capture=True)
    done, place = [], 0
    for size in sizes:
        done += decoder.feed(capture[place : place + size])
        place += size
    return [*done, *decoder.feed(capture[place:]), *decoder.end()]


def test_a_telegram_is_whole_with_the_last_digit_of_its_crc():
    decoder = P1Decoder()

    assert [] == decoder.feed(NEW[:-3])
    (found,) = decoder.feed(NEW[-3:-2])
    assert ("E0044007382246019", len(DUTCH)) == (found.meter, len(found.groups))


def test_the_identification_line_of_the_last_telegram_is_kept():
    decoder = P1Decoder()

    assert "" == decoder.identity
    decoder.feed(NEW)
    assert NEW.splitlines()[0].decode()[1:] == decoder.identity


def test_the_crc_is_the_one_of_the_standard():
    assert 0xBB3D == crc_arc(b"123456789"), "the check value of CRC-16/ARC"
    assert crc(NEW) == crc_arc(NEW)


def test_a_crc_may_lack_its_leading_zeros():
    text = telegram("0-0:96.7.21(23031)")  # the first of such lines whose CRC begins with two zeros
    place = text.index(b"!") + 1

    assert b"00" == text[place : place + 2]
    assert 3 == len(heard(text + text[:place] + text[place + 2 :] + text[:place] + text[place + 1 :]))


def test_a_version_without_crc_is_good_when_it_is_complete():
    (found,) = heard(PLAIN)

    assert "K8EG004046395507" == found.meter
    assert 1 == len(heard(PLAIN.rstrip())), "also without the last line's end"


@pytest.mark.parametrize(
    "capture", [PLAIN[:-3], PLAIN[20:], PLAIN.replace(b")", b"", 1), PLAIN.replace(b"1-0:", b"1-\x00", 1)]
)
def test_a_version_without_crc_is_refused_when_it_is_not(capture):
    assert [] == heard(capture)


def test_a_telegram_whose_version_has_a_crc_needs_one():
    assert [] == heard(telegram(*DUTCH, has_crc=False))
    assert [] == heard(telegram("0-0:96.1.4(50217)", *DUTCH[2:], has_crc=False))


def test_a_telegram_that_says_what_time_it_is_needs_one_too():
    assert [1, 0] == [
        len(heard(telegram(*DUTCH[1:]))),
        len(heard(telegram(*DUTCH[1:], has_crc=False))),
    ]


def test_meters_of_all_versions_may_follow_each_other():
    assert [len(DUTCH), len(OLD) - 1, len(DUTCH)] == [len(one.groups) for one in heard(NEW + PLAIN + NEW)]


def test_seven_bits_with_parity_are_read_through_a_port_of_eight():
    raw = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in PLAIN)
    flipped = bytearray(raw)
    flipped[100] ^= 0x04

    assert heard(PLAIN) == heard(raw)
    assert [] == heard(bytes(flipped))


def test_a_capture_whose_line_ends_a_tool_has_changed_proves_itself():
    assert heard(NEW) == heard(NEW.replace(b"\r\n", b"\n"))


def test_a_stray_begin_or_end_costs_the_telegram_it_falls_into_and_no_other():
    for place in range(0, len(NEW) - 6, 7):
        for stray in (b"/", b"!", b"!\r\n", b"/XXX5", b"\xdb"):
            found = heard(NEW + NEW[:place] + stray + NEW[place:] + NEW)
            assert 2 + (place == 0) <= len(found) + (place == 0 and stray != b"/" and len(found) == 2)
            assert {len(DUTCH)} == {len(one.groups) for one in found}


@pytest.mark.parametrize("said", ["Watch out! now", "!", "!!1!ABCD", "!beef"])
@pytest.mark.parametrize("has_crc", [True, False])
def test_an_exclamation_mark_in_a_text_is_no_end(said, has_crc):
    capture = telegram(*(DUTCH if has_crc else OLD), f"0-0:96.13.4({said})", has_crc=has_crc)

    for found in heard(capture * 2), heard(capture * 2, [1] * len(capture * 2)):
        assert [said] * 2 == [one.groups[-1].value for one in found]


def test_a_lost_line_end_behind_the_crc_does_not_cost_the_next_telegram():
    assert 3 == len(heard(NEW.rstrip() + NEW.rstrip() + NEW))


def test_half_a_telegram_before_and_behind_costs_no_whole_one():
    decoder = P1Decoder()
    found = decoder.feed(NEW[200:] + NEW + NEW[:200]) + decoder.end()

    assert [len(DUTCH)] == [len(one.groups) for one in found]
    assert 1 == decoder.counts.bad_count


def test_any_single_wrong_byte_is_noticed():
    dice = random.Random(3)
    for place in range(len(NEW) - 2):
        damaged = bytearray(NEW)
        damaged[place] ^= dice.randrange(1, 256)
        if bytes(damaged).upper() != NEW.upper():  # the CRC's letters may be small
            assert [] == heard(bytes(damaged)), place


@given(
    st.lists(
        st.sampled_from([NEW, PLAIN, NEW[:300], b"/", b"!", b"!12", b"\xff" * 50, b"/" * 20]), max_size=5
    ),
    st.lists(st.integers(1, 700), max_size=30),
)
def test_any_chunks_give_the_same_telegrams(parts, sizes):
    capture = b"".join(parts)
    at_once, by_one = P1Decoder(is_capture=True), P1Decoder(is_capture=True)
    expected = at_once.feed(capture) + at_once.end()

    assert expected == [one for byte in capture for one in by_one.feed(bytes((byte,)))] + by_one.end()
    assert expected == heard(capture, sizes)
    assert at_once.counts == by_one.counts


@given(st.binary(max_size=3_000))
def test_any_bytes_are_taken(capture):
    heard(capture)


@pytest.mark.parametrize("rubbish", [b"\x00", b"/", b"!", b"/!", b"(", b"/A5\r\n!\r\n"])
def test_what_is_kept_has_an_end_and_a_good_telegram_is_found_behind_it(rubbish):
    decoder = P1Decoder()
    for _ in range(60):
        decoder.feed(rubbish * (1_000 // len(rubbish)))
    assert len(decoder._buffer) <= 2 * TELEGRAM_MAX
    assert 1 == len(decoder.feed(NEW))
    assert 0 < decoder.counts.resync_count


EXPECTED = {
    "v3.txt": (16, {"1-0:1.8.1": (12345.678, "kWh"), "0-1:24.3.0": (1.001, "m3"), "0-0:17.0.0": (16, "A")}),
    "v4_2.txt": (
        33,
        {"1-0:1.8.2": (1435.706, "kWh"), "1-0:41.7.0": (1.247, "kW"), "0-1:24.2.1": (981.443, "m3")},
    ),
    "v5.txt": (37, {"1-0:32.7.0": (230.0, "V"), "1-0:71.7.0": (0.86, "A"), "0-1:24.2.1": (0.107, "m3")}),
    "v5_two_mbus.txt": (38, {"1-0:72.7.0": (222.9, "V"), "0-2:24.2.1": (246.138, "m3")}),
    "fluvius_v171.txt": (
        36,
        {"1-0:1.6.0": (2.589, "kW"), "0-1:24.2.3": (112.384, "m3"), "0-2:24.2.1": (872.234, "m3")},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_published_telegrams_are_read_whole_and_in_any_chunks(shared, name):
    count, said = EXPECTED[name]
    capture = (shared / "p1" / name).read_bytes()
    (found,) = heard(capture)
    values = {group.label: (group.value, group.unit) for group in found.groups}

    assert count == len(found.groups)
    assert said == {label: values[label] for label in said}
    assert [found] == heard(capture, [1] * len(capture))
