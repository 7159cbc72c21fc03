"""What each maker's list says comes out as groups, with units where they are known."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import (
    NO_DEVIATION,
    aidon,
    array,
    clock,
    described,
    enum,
    kaifa,
    kamstrup,
    named,
    notification,
    obis,
    octets,
    sealed,
    structure,
    text,
    u16,
    u32,
    unit,
)
from tests.drivers.meter.dlms.conftest import notification as sent

from quartier_drivers.meter.dlms.axdr import MalformedData, TruncatedData
from quartier_drivers.meter.dlms.pushed_lists import find_apdu_size, parse_list_groups, parse_notification
from quartier_drivers.meter.dlms.pushed_lists import parse_notification as read
from quartier_drivers.meter.telegrams import Group


def stated(
    body: bytes, moment: bytes = b"", *, is_tagged: bool = False
) -> tuple[str, dict[str, tuple[object, str]]]:
    meter, made = parse_list_groups(read(notification(body, moment, is_tagged=is_tagged)))
    return meter, {group.label: (group.value, group.unit) for group in made}


def test_aidon_says_names_values_scalers_and_units() -> None:
    expected = {
        "1-1:0.2.129": ("AIDON_V0001", ""),
        "0-0:96.1.0": ("7359992892837656", ""),
        "0-0:96.1.7": ("6525", ""),
        "1-0:1.7.0": (280, "W"),
        "1-0:31.7.0": (1.3, "A"),
        "1-0:32.7.0": (227.4, "V"),
        "0-0:1.0.0": ("2026-11-25T20:10:05", ""),
        "1-0:1.8.0": (1234560, "Wh"),
    }

    assert ("7359992892837656", expected) == stated(aidon(with_clock=True))


@pytest.mark.parametrize(("count", "labels"), [(1, 1), (9, 9), (13, 13), (14, 14), (18, 18)])
def test_kaifas_lists_are_known_by_their_length(count: int, labels: int) -> None:
    meter, made = stated(kaifa(count), clock(deviation=NO_DEVIATION), is_tagged=True)

    assert ("" if count == 1 else "6970631402614476") == meter
    assert labels + (count in (1, 9, 13)) == len(made)
    assert (9745, "W") == made["1-0:1.7.0"]
    assert ("2026-11-25T20:10:05", "") == made["0-0:1.0.0"]
    if count > 1:
        assert (33.813, "A") == made["1-0:31.7.0"]
        assert (216.8, "V") == made["1-0:32.7.0"]
        assert ("KFM_001", "") == made["1-1:0.2.129"]
    if count > 13:
        assert (79591144, "Wh") == made["1-0:1.8.0"]
        assert (3210932, "varh") == made["1-0:4.8.0"]


def test_one_number_alone_is_power_only_where_kaifa_says_it() -> None:
    assert {"1/0": (9745, "")} == stated(kaifa(1))[1]


def test_kamstrup_says_names_without_units() -> None:
    meter, made = stated(kamstrup())

    assert "5706567274389702" == meter
    assert (1468, "W") == made["1-1:1.7.0"]
    assert (462, "var") == made["1-1:4.7.0"]
    assert (5.64, "A") == made["1-1:31.7.0"]
    assert (232, "V") == made["1-1:32.7.0"]
    assert (63074980, "Wh") == made["1-1:1.8.0"]
    assert (0.87, "") == made["1-1:33.7.0"]
    assert ("Kamstrup_V0001", "") == made["1-1:0.2.129"]
    assert ("2026-11-25T20:10:05", "") == made["0-1:1.0.0"]
    assert "0-0:1.0.0" not in made


def test_kamstrup_behind_current_transformers_says_milliamperes() -> None:
    assert (0.564, "A") == stated(kamstrup("6851131BN24510101"))[1]["1-1:31.7.0"]


def test_a_known_defect_is_mended_where_it_is_named() -> None:
    made = parse_list_groups(read(notification(kamstrup())), ("energy-in-wh",))[1]

    assert Group("1-1:1.8.0", 6307498, "Wh") in made


def test_netz_niederoesterreich_says_flat_names_values_and_units() -> None:
    body = structure(
        octets(clock(deviation=-120)),
        *(named("1-0:1.8.0"), u32(12937), unit(0, 30)),
        *(named("1-0:1.7.0"), u32(0), unit(0, 27)),
        *(named("1-0:32.7.0"), u16(2337), unit(-1, 35)),
        *(named("1-0:13.7.0"), u16(1000), unit(-3, 255)),
        octets(b"181220000009"),
    )
    expected = {
        "1-0:1.8.0": (12937, "Wh"),
        "1-0:1.7.0": (0, "W"),
        "1-0:32.7.0": (233.7, "V"),
        "1-0:13.7.0": (1.0, ""),
        "0-0:1.0.0": ("2026-11-25T20:10:05+02:00", ""),
        "14/13": ("181220000009", ""),
    }

    assert ("181220000009", expected) == stated(body)


def test_kaifa_in_austria_says_structures_of_names_values_and_units() -> None:
    body = structure(
        named("0-0:1.0.0"),
        octets(clock()),
        structure(named("0-0:96.1.0"), octets(b"1KFM0200234804")),
        structure(named("0-0:42.0.0"), octets(b"KFM1200200234804")),
        structure(named("1-0:32.7.0"), u16(2292), unit(-1, 35)),
        structure(named("1-0:1.8.0"), u32(1327456), unit(0, 30)),
    )
    meter, made = stated(body, clock())

    assert "1KFM0200234804" == meter
    assert (229.2, "V") == made["1-0:32.7.0"]
    assert ("2026-11-25T20:10:05+01:00", "") == made["0-0:1.0.0"]
    assert 5 == len(made)


def test_landis_gyr_in_styria_says_flat_names_and_values() -> None:
    body = structure(octets(clock()), named("1-0:1.8.0"), u32(4408736), named("1-0:1.7.0"), u32(2893))

    assert {
        "0-0:1.0.0": ("2026-11-25T20:10:05+01:00", ""),
        "1-0:1.8.0": (4408736, ""),
        "1-0:1.7.0": (2893, ""),
    } == stated(body)[1]


def test_landis_gyr_in_switzerland_says_all_names_before_the_values() -> None:
    body = described(
        (40, "0-8:25.9.0", 1, octets(obis("0-8:25.9.0"))),
        (1, "0-0:42.0.0", 2, octets(b"LGZ1030655933512")),
        (8, "0-0:1.0.0", 2, octets(clock(status=0x80))),
        (3, "1-0:1.7.0", 2, u32(28)),
        (3, "1-0:32.7.0", 2, u16(236)),
        (3, "1-0:1.8.0", 2, u32(477)),
        (3, "1-0:1.8.0", 3, unit(3, 30)),
        (70, "0-0:96.3.10", 3, enum(1)),
        (4, "0-1:24.2.1", 2, u32(30545)),
        (4, "0-1:24.2.1", 5, octets(clock(hour=20, minute=0, second=0))),
    )
    meter, made = parse_list_groups(read(notification(body)))

    assert "LGZ1030655933512" == meter
    assert [
        Group("0-0:42.0.0", "LGZ1030655933512"),
        Group("0-0:1.0.0", "2026-11-25T20:10:05+01:00", "", "2026-11-25T20:10:05+01:00", {"summer": 1}),
        Group("1-0:1.7.0", 28),
        Group("1-0:32.7.0", 236),
        Group("1-0:1.8.0", 477000, "Wh"),
        Group("0-0:96.3.10", 1, "", "", {"attribute": 3}),
        Group("0-1:24.2.1", 30545, "", "2026-11-25T20:00:00+01:00"),
    ] == made


def test_a_name_list_that_does_not_fit_its_values_names_nothing() -> None:
    whole = described((3, "1-0:1.7.0", 2, u32(28)), (3, "1-0:2.7.0", 2, u32(29)))
    short = whole[:1] + bytes([whole[1] - 1]) + whole[2:-5]
    lines = short[: -len(u32(28))]
    body = bytes([2, 1]) + lines[2:]

    assert {} == stated(body)[1]


def test_descriptors_without_tags_name_their_values() -> None:
    bare = b"\x00\x03" + obis("1-0:1.7.0") + b"\x02"
    body = structure(enum(1), array(b"\x02\x02" + bare + u32(1956)))

    assert {"2/0": (1, ""), "1-0:1.7.0": (1956, "")} == stated(body)[1]


@pytest.mark.parametrize(
    ("label", "expected", "body"),
    [
        (
            "1-0:1.7.0",
            (2765, "W"),
            structure(octets(clock()), *map(u32, (222813, 13818, 10442, 116328, 2765, 0, 0, 428))),
        ),
        (
            "1-0:1.8.0",
            (222813, "Wh"),
            structure(octets(clock()), *map(u32, (222813, 13818, 10442, 116328, 2765, 0, 0, 428))),
        ),
        (
            "1-0:31.7.0",
            (7.81, "A"),
            structure(
                *map(u16, (228, 226, 230, 781, 1482, 643)),
                *map(u32, (5432, 0, 40091000, 0)),
                octets(b"30052002"),
            ),
        ),
        ("1-0:2.8.0", (7, "Wh"), structure(octets(b"999999999999"), *map(u32, (508, 0, 0, 20, 5, 7, 8, 9)))),
    ],
)
def test_lists_of_vienna_burgenland_and_ljubljana_are_told_by_their_form(
    label: str, expected: object, body: bytes
) -> None:
    assert expected == stated(body)[1][label]


def test_values_that_nothing_names_are_called_by_list_and_place() -> None:
    assert {"3/0": (1, ""), "3/1": (2, ""), "3/2": ("AB", "")} == stated(
        structure(u32(1), u16(2), text("AB"))
    )[1]


def test_what_states_nothing_gives_nothing() -> None:
    for body in (structure(), array(), structure(b"\x00", b"\x00"), b"\x00"):
        assert ("", {}) == stated(body)


def test_four_or_five_bytes_are_no_clock() -> None:
    for short in (bytes([20, 10, 5, 0]), clock()[:5]):
        assert {"2/0": (short.hex(), ""), "1-0:0.2.0": (short.hex(), "")} == stated(
            structure(octets(short), structure(named("1-0:0.2.0"), octets(short)))
        )[1]


def test_a_serial_number_may_be_a_number() -> None:
    body = structure(text("Kamstrup_V0001"), named("1-1:0.0.1"), u32(12343400), named("1-1:1.7.0"), u32(5))

    assert (
        "12343400",
        {"1-1:0.2.129": ("Kamstrup_V0001", ""), "1-1:0.0.1": (12343400, ""), "1-1:1.7.0": (5, "W")},
    ) == stated(body)


BODY = structure(u32(7))


@pytest.mark.parametrize(
    ("expected", "apdu"),
    [
        ((b"", False), sent(BODY)),
        ((clock(), False), sent(BODY, clock())),
        ((clock(), True), sent(BODY, clock(), is_tagged=True)),
        ((b"", False), BODY),
        ((b"", False), array(u32(7))),
    ],
)
def test_a_notification_is_read(expected: tuple[bytes, bool], apdu: bytes) -> None:
    notice = parse_notification(apdu)

    assert expected == (notice.moment, notice.is_tagged)
    assert 7 == notice.body.items[0].value


@pytest.mark.parametrize(
    "apdu",
    [
        b"",
        b"\x0f",
        sent(BODY)[:-1],
        b"\xc4\x01\xc1\x00" + BODY,
        sent(BODY, b"\x01" * 5),
        sent(BODY) + b"\x01",
    ],
)
def test_what_is_none_is_malformed(apdu: bytes) -> None:
    with pytest.raises(MalformedData):
        parse_notification(apdu)


@pytest.mark.parametrize(
    "apdu",
    [
        sent(BODY),
        sent(BODY, clock(deviation=NO_DEVIATION)),
        sent(BODY, clock(), is_tagged=True),
        sealed(sent(BODY), 1),
        BODY,
        b"\xdd" + b"\0" * 5 + b"\0\x01\x07",
    ],
)
def test_the_end_of_a_bare_apdu_is_told_by_itself(apdu: bytes) -> None:
    assert len(apdu) == find_apdu_size(apdu + sent(BODY))
    for size in range(1, len(apdu)):
        with pytest.raises(TruncatedData):
            find_apdu_size(apdu[:size])


@given(st.binary(max_size=200))
def test_any_bytes_have_an_end_or_none(data: bytes) -> None:
    with suppress(MalformedData):
        assert 0 < find_apdu_size(data) <= len(data)
