"""Headers: who says it, how well it is, whether it is encrypted."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import identity, maker_code, record, reply

from quartier_drivers.meter.mbus.header import (
    ANY_ADDRESS,
    MEDIA,
    AddressMask,
    TelegramHeader,
    decrypt_records,
    parse_long_header,
    parse_mask,
    parse_short_header,
    render_maker,
)
from quartier_drivers.meter.mbus.push_decoder import MbusDecoder


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


OWN = parse_long_header(identity("11490378", "ACW", 14, 22) + bytes(4)).identity


@pytest.mark.parametrize(
    ("fits", "text"),
    [
        (True, "1149037877040E16"),
        (True, "11490378"),
        (True, "FFFFFFFF"),
        (True, "114FFFF8FFFFFF16"),
        (True, "FFFFFFFF7704FFFF"),
        (False, "11490379"),
        (False, "FFFFFFFFFFFFFF07"),
        (False, "FFFFFFFF7705FFFF"),
    ],
)
def test_a_mask_fits_all_but_what_it_names(fits, text):
    assert fits is parse_mask(text).fits(OWN)


def test_it_is_sent_with_the_lowest_byte_of_the_number_first():
    assert identity("11490378", "ACW", 14, 22) == parse_mask("1149037877040e16").wire
    assert b"\xff" * 8 == ANY_ADDRESS.wire


def test_it_is_shown_without_the_wild_end():
    assert ["1149FFFF", "1149037877040E16"] == [
        str(parse_mask("1149FFFF")),
        str(parse_mask("1149037877040E16")),
    ]


@pytest.mark.parametrize("text", ["", "1149", "114903787704", "1149037G", "1149037877040E161"])
def test_what_is_none_is_refused_saying_what_was_expected(text):
    with pytest.raises(ValueError, match="expected 8 or 16 hex digits"):
        parse_mask(text)


def test_it_is_narrowed_digit_by_digit_and_byte_by_byte():
    assert AddressMask("1F" + "F" * 14) == ANY_ADDRESS.set_digit(0, "1")
    assert AddressMask("F" * 14 + "07") == ANY_ADDRESS.with_byte(7, 7)


def test_only_a_whole_one_is_exact():
    assert parse_mask("1149037877040E16").is_exact
    assert not parse_mask("11490378").is_exact
    assert not parse_mask("114903787704FF16").is_exact


@given(st.from_regex(r"[0-9]{8}", fullmatch=True))
def test_every_number_has_its_own(serial):
    own = parse_long_header(identity(serial) + bytes(4))

    assert parse_mask(own.secondary).fits(own.identity)
    assert identity(serial) == parse_mask(own.secondary).wire


KEY = bytes(range(16))
ACCESS = 0x2A


def secret(plain, serial="12345678"):
    """AES-128-CBC; the vector is maker, number, version, medium as sent, and eight times the access number."""
    sent = identity(serial)
    vector = sent[4:6] + sent[0:4] + sent[6:8] + bytes([ACCESS]) * 8
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def header(configuration=0x0510):
    return parse_long_header(identity("12345678") + bytes([ACCESS, 0]) + configuration.to_bytes(2, "little"))


PLAIN = (b"\x2f\x2f" + record(12565, "13")).ljust(16, b"\x2f")


def test_the_key_opens_the_encrypted_blocks_and_what_follows_is_plain():
    assert PLAIN + b"tail" == decrypt_records(secret(PLAIN) + b"tail", header(), KEY)


@pytest.mark.parametrize(
    ("key", "configuration", "cut"),
    [
        (b"", 0x0510, 16),
        (bytes(16), 0x0510, 16),
        (KEY, 0x0520, 16),
        (KEY, 0x0710, 16),
        (KEY, 0x0500, 16),
        (KEY, 0x0510, 15),
    ],
)
def test_anything_else_stays_shut(key, configuration, cut):
    assert decrypt_records(secret(PLAIN)[:cut], header(configuration), key) is None


def test_a_decoder_with_the_key_reads_the_telegram():
    frame = reply(secret(PLAIN), access=ACCESS, configuration=0x0510)

    (found,) = MbusDecoder(KEY).feed(frame)

    assert [12.565, "0x00"] == [group.value for group in found.groups]


def test_why_it_stays_shut_is_said():
    decoder = MbusDecoder()
    decoder.feed(reply(secret(PLAIN), access=ACCESS, configuration=0x0510))

    assert "encrypted (mode 5, AES-128-CBC); no key is given" == decoder.why


def test_a_key_is_not_shown():
    assert KEY.hex() not in repr(MbusDecoder(KEY)) + repr(vars(MbusDecoder()))
