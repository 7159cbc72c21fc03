"""What is read by its known form is read as if it were new."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import (
    NO_DEVIATION,
    array,
    clock,
    described,
    enum,
    i8,
    i16,
    named,
    notification,
    octets,
    structure,
    text,
    u16,
    u32,
    unit,
)

from quartier_drivers.meter.dlms.push_decoder import KnownForms
from quartier_drivers.meter.dlms.pushed_lists import (
    parse_list_groups,
    parse_list_lines,
)
from quartier_drivers.meter.dlms.pushed_lists import (
    parse_notification as read,
)

WHOLE = st.integers(0, 2**32 - 1)
SMALL = st.integers(0, 2**16 - 1)
MINUTE = st.integers(0, 59)


def shapes(number: int, other: int, small: int, minute: int) -> list[bytes]:
    """One push of each shape with these numbers in it."""
    now = clock(minute=minute, deviation=NO_DEVIATION)
    single = b"\x17" + struct.pack(">f", number / 7)
    return [
        notification(
            array(
                structure(named("0-0:96.1.0"), text("735999289")),
                structure(named("1-0:1.7.0"), u32(number), unit(0, 27)),
                structure(named("1-0:32.7.0"), u16(small), unit(-1, 35)),
            ),
            now,
        ),
        notification(
            structure(
                octets(b"KFM_001"),
                octets(b"697063"),
                octets(b"MA304"),
                *map(u32, (number, other, 0, 1, small, small)),
            ),
            now,
            is_tagged=True,
        ),
        notification(
            structure(
                text("Kamstrup_V0001"),
                named("1-1:1.8.0"),
                u32(number),
                named("0-1:1.0.0"),
                octets(now),
                named("1-1:32.7.0"),
                u16(small),
            )
        ),
        notification(
            described(
                (8, "0-0:1.0.0", 2, octets(now)),
                (3, "1-0:1.8.0", 2, u32(number)),
                (3, "1-0:1.8.0", 3, unit(3, 30)),
                (70, "0-0:96.3.10", 3, enum(small % 256)),
            )
        ),
        structure(octets(now), *map(u32, (number, other, 3, 4, 5, 6, 7, 8))),
        notification(
            structure(single, i16(small - 2**15), i8(small % 100), b"\x19" + now, b"\x00", b"\x03\x01"), now
        ),
        notification(structure(named("1-0:1.7.0"), b"\x18" + struct.pack(">d", other * 1.1), unit(-2, 27))),
    ]


def learnt(forms: KnownForms, apdu: bytes) -> KnownForms:
    notice = read(apdu)
    forms.learn(apdu, notice, *parse_list_lines(notice))
    return forms


NUMBERS = st.tuples(WHOLE, WHOLE, SMALL, MINUTE)


@given(st.lists(NUMBERS, min_size=2, max_size=5))
def test_a_known_form_says_what_the_general_way_says(told: list[tuple[int, int, int, int]]) -> None:
    forms = KnownForms()
    for numbers in told:
        for apdu in shapes(*numbers):
            known = forms.decode(apdu)
            if known is None:
                known = learnt(forms, apdu).decode(apdu)

            assert parse_list_groups(read(apdu)) == known


SERIAL = st.one_of(
    st.sampled_from(["            ", "160456789012", "\x07\xea\x0b\x19\x03\x14\x04\x05\x00\x00\x00\x00"]),
    st.text(st.characters(max_codepoint=126), min_size=12, max_size=12),
)


OTHER = st.one_of(st.just(" " * 12), st.text(st.characters(max_codepoint=126), min_size=12, max_size=12))


@given(st.lists(st.tuples(SERIAL, OTHER, WHOLE), min_size=2, max_size=6))
def test_another_meter_of_the_same_kind_is_read_as_itself(told: list[tuple[str, str, int]]) -> None:
    forms = KnownForms()
    for serial, other, number in told:
        sent = serial.encode("latin-1")
        for apdu in (
            notification(
                structure(
                    named("0-0:96.1.0"),
                    octets(sent),
                    named("0-0:42.0.0"),
                    text(other),
                    named("1-0:1.8.0"),
                    u32(number),
                )
            ),
            notification(
                structure(
                    text("Kamstrup_V0001"),
                    named("1-1:0.0.1"),
                    u32(number % 2),
                    named("1-1:0.0.5"),
                    text(other),
                )
            ),
            notification(structure(named("0-0:96.1.0"), octets(sent[:6]), named("0-0:96.1.1"), octets(sent))),
            structure(octets(sent), *map(u32, (number, 0, 0, 0, 5, 6, 7, 8))),
            structure(octets(b"KFM_001"), octets(sent), octets(b"MA304"), *map(u32, (number, 0, 0, 1, 2, 3))),
        ):
            known = forms.decode(apdu)
            if known is None:
                known = learnt(forms, apdu).decode(apdu)

            assert parse_list_groups(read(apdu)) == known


def test_only_numbers_clocks_and_texts_may_differ() -> None:
    first, second = (shapes(number, 2, 3, 4)[0] for number in (1, 70000))
    forms = learnt(KnownForms(), first)

    assert forms.decode(second) is not None
    for at in range(len(second)):
        changed = bytearray(second)
        changed[at] ^= 0x10
        told = forms.decode(bytes(changed))
        assert told is None or told == parse_list_groups(read(bytes(changed)))


@pytest.mark.parametrize("number", [b"\x7f\xc0\x00\x00", b"\x7f\x80\x00\x00"])
def test_what_is_no_number_is_read_the_general_way(number: bytes) -> None:
    sent = notification(structure(named("1-0:1.7.0"), b"\x17" + struct.pack(">f", 1.5)))
    forms = learnt(KnownForms(), sent)

    assert forms.decode(sent[:-4] + number) is None


@pytest.mark.parametrize("sent", [b"\xff\xfe12", b"\xff" * 8, "a\N{REPLACEMENT CHARACTER}".encode()])
def test_a_text_that_is_no_utf_8_is_read_like_any_other(sent: bytes) -> None:
    text_at = b"\x0a" + bytes([len(sent)]) + sent
    first, second = (
        notification(structure(named("0-0:96.1.0"), text_at, named("1-0:1.7.0"), u32(number)))
        for number in (5, 6)
    )
    forms = learnt(KnownForms(), first)

    assert parse_list_groups(read(second)) == forms.decode(second)


def test_few_forms_are_remembered() -> None:
    forms = KnownForms()
    for size in range(1, 40):
        apdu = notification(structure(*[u32(1)] * size))
        learnt(forms, apdu)

    assert 16 == len(forms._known)
