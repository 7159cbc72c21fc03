import pytest
from tests.drivers.meter.tic.conftest import historic, standard, with_parity

from quartier_drivers.meter.telegram import Group
from quartier_drivers.meter.tic.group import LEAST, iso, salvaged, whole

EAST = standard("EAST", "003519702")
BASE = historic("BASE", "007970903")


def test_the_checksum_of_the_standard_mode_covers_the_last_separator_that_of_the_historic_does_not():
    assert whole(b"EAST\t003519702\t*", is_framed=True) is not None, "as a real meter printed it"
    assert whole(b"PAPP 02840 /", is_framed=True) is not None, "as a real meter printed it"
    assert whole(b"PAPP 02840 O", is_framed=True) is None, "the same with the separator"


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
    assert group == whole(span, is_framed=True)
    assert group == whole(span, is_framed=False)
    assert [group] == salvaged(with_parity(span)), "as a port of eight bits shows it"


def test_every_byte_may_be_a_checksum_the_separators_included():
    spans = [historic("BASE", f"{number:09}") for number in range(5_000)]

    assert b" " in {span[-1:] for span in spans}
    assert [span[5:14].decode() for span in spans] == [
        str(whole(span, is_framed=True).value) for span in spans
    ]


@pytest.mark.parametrize("span", [EAST, BASE, standard("SMAXSN", "05210", "E260701073012")])
def test_any_single_changed_byte_of_a_number_is_noticed(span):
    for place in range(len(span)):
        for byte in range(256):
            damaged = span[:place] + bytes((byte,)) + span[place + 1 :]
            group = whole(damaged, is_framed=True)
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
    assert whole(span, is_framed=True) is None


def test_a_label_that_no_table_knows_counts_only_between_line_ends():
    stranger = historic("EA_s", "12345Wh")

    assert Group("EA_s", "12345Wh") == whole(stranger, is_framed=True)
    assert whole(stranger, is_framed=False) is None
    assert [] == salvaged(b"?" + stranger)


@pytest.mark.parametrize(
    ("span", "value"),
    [
        (standard("SINSTS", "420"), "420"),
        (standard("URMS1", "0230"), "0230"),
        (standard("SMAXSN", "0", "H231105023000"), "0"),
        (standard("STGE", "3A0001"), "3A0001"),
        (historic("PAPP", "0"), "0"),
    ],
)
def test_a_number_between_line_ends_may_have_any_width(span, value):
    assert value == whole(span, is_framed=True).value
    assert whole(span, is_framed=False) is None


def test_the_shortest_group_is_not_shorter_than_what_is_looked_at():
    assert len(standard("AB", "")) == LEAST == len(historic("AB", ""))


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
    assert labels == [group.label for group in salvaged(span)]


def test_noise_of_eight_bits_beside_a_group_of_seven_does_not_cost_it():
    assert ["EAST"] == [group.label for group in salvaged(b"\xe5" + EAST)]


@pytest.mark.parametrize(
    "digits", ["H26023012000x", "H261301000000", "E260132000000", "E260101240000", " 000000000000", "H", ""]
)
def test_no_date_is_no_time(digits):
    assert iso(digits) == ""
