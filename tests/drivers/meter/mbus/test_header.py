"""Headers: who says it, how well it is, whether it is encrypted."""

import pytest
from tests.drivers.meter.mbus.conftest import identity, maker_code

from quartier_drivers.meter.mbus.header import (
    MEDIA,
    TelegramHeader,
    parse_long_header,
    parse_short_header,
    render_maker,
)


def test_a_long_header_tells_number_maker_version_medium_access_state_and_configuration():
    data = identity("11490378", "ACW", 14, 22) + bytes([0x0A, 0x04]) + b"\x20\x05"

    found = parse_long_header(data)

    assert ("11490378", "ACW", 14, "cold_water") == (
        found.serial,
        found.maker,
        found.version,
        found.medium_text,
    )
    assert (0x0A, "power low", 0x0520) == (found.access, found.state_text, found.configuration)
    assert "1149037877040E16" == found.secondary


def test_in_mode_2_the_highest_byte_comes_first():
    data = identity("11490378", "ACW", 14, 22)
    turned = data[3::-1] + data[5:3:-1] + data[6:] + bytes([1, 0, 0x05, 0x20])

    found = parse_long_header(turned, high_first=True)

    assert ("11490378", "ACW", 0x0520) == (found.serial, found.maker, found.configuration)
    assert "1149037877040E16" == found.secondary


def test_a_short_header_tells_no_name():
    found = parse_short_header(b"\x07\x10\x00\x00")

    assert ("", "", 7, "temporary error") == (found.serial, found.secondary, found.access, found.state_text)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", 0x00),
        ("", 0xE0),
        ("application busy", 0x01),
        ("application error, permanent error", 0x0A),
        ("abnormal, power low, permanent error, temporary error", 0x1F),
    ],
)
def test_the_state_is_said_in_words(text, state):
    assert text == TelegramHeader(state=state).state_text


@pytest.mark.parametrize("letters", ["ABB", "ZZZ", "KAM"])
def test_a_maker_is_three_letters(letters):
    assert letters == render_maker(maker_code(letters))


def test_what_is_no_letter_is_a_question_mark():
    assert "???" == render_maker(0)
    assert "ABB" == render_maker(maker_code("ABB") | 0x8000)


@pytest.mark.parametrize(
    ("mode", "configuration"), [(0, 0), (5, 0x0520), (7, 0x0710), (0, 0xB627), (0, 0x0100)]
)
def test_a_mode_that_nobody_defined_is_an_old_signature(mode, configuration):
    assert mode == TelegramHeader(configuration=configuration).mode


def test_modes_have_words():
    assert "mode 5, AES-128-CBC" == TelegramHeader(configuration=0x0520).mode_text


def test_media_are_words_that_a_profile_can_select_by():
    assert all(word.isidentifier() for word in MEDIA.values())
    assert "type_f0" == TelegramHeader(medium=0xF0).medium_text
