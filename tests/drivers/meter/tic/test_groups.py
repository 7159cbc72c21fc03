"""Two halves of lines that a checksum of six bits takes for one: the order of the frame before shows it."""

import pytest
from tests.drivers.meter.tic.conftest import BLUE, LINKY, frame, historic, standard, with_parity

from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.meter.tic.groups import (
    GROUP_SIZE_MIN,
    LineOrder,
    parse_group,
    recover_groups,
    render_iso_time,
)
from quartier_drivers.meter.tic.labels import HISTORIC, STANDARD
from quartier_drivers.meter.tic.push_decoder import TicDecoder

EAST = standard("EAST", "003519702")
BASE = historic("BASE", "007970903")


def test_the_checksum_of_the_standard_mode_covers_the_last_separator_that_of_the_historic_does_not():
    assert parse_group(b"EAST\t003519702\t*", is_framed=True) is not None, "as a real meter printed it"
    assert parse_group(b"PAPP 02840 /", is_framed=True) is not None, "as a real meter printed it"
    assert parse_group(b"PAPP 02840 O", is_framed=True) is None, "the same with the separator"


# What stood between two control bytes, and what it says.
WHOLE = [
    (EAST, Group("EAST", "003519702", "Wh")),
    (BASE, Group("BASE", "007970903", "Wh")),
    (
        standard("DATE", "", "H240210121355"),
        Group("DATE", "", "", "2024-02-10T12:13:55+01:00", {"season": "H"}),
    ),
    (
        standard("SMAXSN-1", "01422", "e240209211759"),
        Group("SMAXSN-1", "01422", "VA", "2024-02-09T21:17:59+02:00", {"season": "e"}),
    ),
    (standard("SMAXIN", "00000", " 000000000000"), Group("SMAXIN", "00000", "VA")),
    (standard("LTARF", "     HC BLEU    "), Group("LTARF", "     HC BLEU    ")),
    (historic("PAPP", "00740"), Group("PAPP", "00740", "VA")),
    (historic("BBRHCJB", "001444167"), Group("BBRHCJB", "001444167", "Wh")),
]


@pytest.mark.parametrize(("span", "group"), WHOLE)
def test_a_whole_span_is_one_group(span, group):
    assert group == parse_group(span, is_framed=True)
    assert group == parse_group(span, is_framed=False)
    assert [group] == recover_groups(with_parity(span)), "as a port of eight bits shows it"


def test_every_byte_may_be_a_checksum_the_separators_included():
    spans = [historic("BASE", f"{number:09}") for number in range(5_000)]

    assert b" " in {span[-1:] for span in spans}
    assert [span[5:14].decode() for span in spans] == [
        str(parse_group(span, is_framed=True).value) for span in spans
    ]


@pytest.mark.parametrize("span", [EAST, BASE, standard("SMAXSN", "05210", "E260701073012")])
def test_any_single_changed_byte_of_a_number_is_noticed(span):
    for place in range(len(span)):
        for byte in range(256):
            damaged = span[:place] + bytes((byte,)) + span[place + 1 :]
            group = parse_group(damaged, is_framed=True)
            if byte == span[place]:
                assert group is not None
            elif (
                group is not None
            ):  # a letter before a time is a season, and H and h differ by nothing but 32
                assert (b"SMAXSN", b"E", b" ") == (
                    span[:6],
                    span[place : place + 1],
                    damaged[place : place + 1],
                ) or (group.label not in {"EAST", "BASE"})


@pytest.mark.parametrize(
    "span", [b"", b"A", b"\t\t", b"A\tB", EAST[:-1], EAST + b"X", b"XYZW\t1\t" + EAST[-1:]]
)
def test_what_is_no_group_is_none(span):
    assert parse_group(span, is_framed=True) is None


def test_a_label_that_no_table_knows_counts_only_between_line_ends():
    stranger = historic("EA_s", "12345Wh")

    assert Group("EA_s", "12345Wh") == parse_group(stranger, is_framed=True)
    assert parse_group(stranger, is_framed=False) is None
    assert [] == recover_groups(b"?" + stranger)


# What the specification prints for each label: nothing shorter, nothing longer (CPT_54E, 6.1 and 6.2; CPT_02E).
WIDTHS = [
    *((standard, f"EA{which}", 9) for which in ("ST", "SF01", "SF10", "SD04", "IT")),
    *((standard, f"ERQ{quadrant}", 9) for quadrant in range(1, 5)),
    *((standard, label, 3) for label in ("IRMS1", "IRMS3", "URMS2", "RELAIS")),
    *((standard, label, 2) for label in ("VTIC", "PREF", "PCOUP", "NTARF", "NJOURF", "NJOURF+1")),
    *((standard, label, 5) for label in ("SINSTS", "SINSTS1", "SINSTI")),
    *((standard, label, width) for label, width in (("ADSC", 12), ("STGE", 8), ("PRM", 14))),
    *((historic, label, 9) for label in ("BASE", "HCHC", "HCHP", "EJPHN", "EJPHPM", "BBRHPJR")),
    *((historic, label, 3) for label in ("IINST", "IINST2", "IMAX", "ADPS", "ADIR3")),
    *((historic, label, 5) for label in ("PAPP", "PMAX")),
    *((historic, label, 2) for label in ("ISOUSC", "PEJP", "PPOT")),
    *((historic, label, width) for label, width in (("ADCO", 12), ("MOTDETAT", 6))),
]


@pytest.mark.parametrize(("form", "label", "width"), WIDTHS)
def test_a_value_that_lost_or_doubled_a_digit_is_refused_though_its_checksum_holds(form, label, width):
    for digits in range(20):
        span = form(label, "0" * digits)
        assert (digits == width) == (parse_group(span, is_framed=True) is not None), digits


TIMED = [
    ("SMAXSN", 5),
    ("SMAXSN2-1", 5),
    ("SMAXIN-1", 5),
    ("CCAIN", 5),
    ("UMOY3", 3),
    ("DPM1", 2),
    ("DATE", 0),
]


@pytest.mark.parametrize(("label", "width"), TIMED)
def test_a_value_with_a_time_has_its_width_too(label, width):
    for digits in range(10):
        span = standard(label, "0" * digits, "H231105023000")
        assert (digits == width) == (parse_group(span, is_framed=True) is not None), digits


@pytest.mark.parametrize(
    ("label", "text"), [("MSG1", "x" * 32), ("NGTF", "x" * 16), ("PPOINTE", " ".join(["NONUTILE"] * 11))]
)
def test_a_text_that_lost_or_doubled_a_letter_is_refused(label, text):
    assert parse_group(standard(label, text), is_framed=True) is not None
    for damaged in (text[1:], text[:-1], text + text[-1], text[:4] + text[3:], text[:9] + text[10:]):
        assert parse_group(standard(label, damaged), is_framed=True) is None


def test_the_shortest_group_is_not_shorter_than_what_is_looked_at():
    assert len(standard("AB", "")) == GROUP_SIZE_MIN == len(historic("AB", ""))


# Noise on both ends; what is still whole inside.
INSIDE = [
    (b"XX" + EAST, ["EAST"]),
    (EAST + b"??", ["EAST"]),
    (BASE + b"X" + historic("PAPP", "00740"), ["BASE", "PAPP"]),
    (b"~" + BASE + b"~", ["BASE"]),
    (EAST[:8] + EAST, ["EAST"]),
    (standard("EASF01", "000441982")[3:] + b"\xff" + EAST, ["EAST"]),
    (b"EAST\t" * 40, []),
    (bytes(range(256)) * 4, []),
]


@pytest.mark.parametrize(("span", "labels"), INSIDE)
def test_a_group_survives_the_loss_of_its_line_ends(span, labels):
    assert labels == [group.label for group in recover_groups(span)]


def test_noise_of_eight_bits_beside_a_group_of_seven_does_not_cost_it():
    assert ["EAST"] == [group.label for group in recover_groups(b"\xe5" + EAST)]


@pytest.mark.parametrize(
    "digits", ["H26023012000x", "H261301000000", "E260132000000", "E260101240000", " 000000000000", "H", ""]
)
def test_no_date_is_no_time(digits):
    assert render_iso_time(digits) == ""


def told(*labels: str, bad_count: int = 0, value: str = "1", meter: str = "041876097319") -> Telegram:
    return Telegram(meter, tuple(Group(label, value) for label in labels), bad_count)


def labels(telegram: Telegram) -> list[str]:
    return [group.label for group in telegram.groups]


def test_a_group_before_a_hole_that_nothing_explains_is_left_out_and_the_frame_is_not_whole() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADSC", "IRMS1", "URMS1", "SINSTS"))
    spliced = order.drop_doubtful_groups(told("ADSC", "IRMS1", "SINSTS", value="2"))

    assert ["ADSC", "SINSTS"] == labels(spliced)
    assert (1, False) == (spliced.bad_count, spliced.is_whole)


def test_a_refused_line_explains_a_hole() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert 3 == len(
        order.drop_doubtful_groups(told("ADSC", "IRMS1", "SINSTS", bad_count=1, value="2")).groups
    )


def test_a_group_that_says_what_it_said_stays() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert ["ADSC", "IRMS1", "SINSTS"] == labels(order.drop_doubtful_groups(told("ADSC", "IRMS1", "SINSTS")))


def test_a_label_that_was_never_stated_is_the_splice_itself() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADSC", "EASF06", "EASF07", "EASF08"))

    assert ["ADSC", "EASF06"] == labels(
        order.drop_doubtful_groups(told("ADSC", "EASF06", "EASF07SF08", value="2"))
    )


def test_a_warning_that_is_over_costs_its_neighbour_one_frame_at_most() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADCO", "IINST", "ADPS", "IMAX"))

    assert ["ADCO", "IMAX"] == labels(order.drop_doubtful_groups(told("ADCO", "IINST", "IMAX", value="2")))
    assert ["ADCO", "IINST", "IMAX"] == labels(
        order.drop_doubtful_groups(told("ADCO", "IINST", "IMAX", value="3"))
    )
    short = told("ADIR1", "ADCO", "IINST1", value="4")
    assert short is order.drop_doubtful_groups(short), "the short frames of an over-current leave out most"


def test_another_meter_is_learnt_anew() -> None:
    order = LineOrder()
    order.drop_doubtful_groups(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert 2 == len(order.drop_doubtful_groups(told("ADSC", "IRMS1", value="2", meter="041876000000")).groups)


def test_a_line_that_lost_any_stretch_tells_only_what_was_said() -> None:
    for whole, known in (
        (frame(*LINKY, standard("EAIT", "000003626")), STANDARD),
        (frame(*BLUE, historic("MOTDETAT", "000000")), HISTORIC),
    ):
        said = {(group.label, group.value) for one in TicDecoder().feed(whole) for group in one.groups}
        for start in range(0, len(whole), 3):
            for size in (1, 8, 14, 15, 16, 17, 31, 40):
                decoder = TicDecoder()
                stream = whole + whole[:start] + whole[start + size :] + whole
                found = [*decoder.feed(stream), *decoder.end()]
                told = {(group.label, group.value) for one in found for group in one.groups}
                assert {(label, value) for label, value in told - said if label.encode() in known} == set()
