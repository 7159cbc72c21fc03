"""Lines of the TIC: groups, frames, and the labels that a reader knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.tic.conftest import BLUE, LINKY, historic, standard

from quartier_drivers.meter.tic.group import whole
from quartier_drivers.meter.tic.labels import KIND_ROWS
from quartier_native.reference import lines

KINDS = lines.LineKinds(KIND_ROWS)
LABELS = st.sampled_from([kind.label for kind in KIND_ROWS] + ["ABCDEFGHIJKLMNOP", "XY", "E", ""])
LETTERS = st.text(st.characters(codec="latin-1"), max_size=20)
VALUES = (
    st.text("0123456789", max_size=14)
    | st.text("0123456789ABCDEFabcdef", max_size=18)
    | st.sampled_from(
        ["HC..", "BBR~", "BBR ", "TH..", "HPJR", "BLEU", "A", "", " ", "NONUTILE", "041876097319"]
    )
    | st.lists(st.sampled_from(["00008001", "NONUTILE", "0000800g", "", " ", "0000800"]), max_size=12).map(
        " ".join
    )
    | LETTERS
)
TIMES = st.sampled_from(
    ["", "E260701121000", " 000000000000", "h261301000000", "x260701121000", "e2607011210"]
)
SPANS = (
    st.builds(historic, LABELS, VALUES)
    | st.builds(standard, LABELS, VALUES, TIMES)
    | st.sampled_from([*LINKY, *BLUE])
)


ENDS = (
    [b"\r\n"] * 6 + [b"\r\x03\x02\n"] * 2 + [b"\r", b"\n", b"\r\x03", b"\n\r", b"\x04", b"\x8d\x82\x84", b""]
)


@st.composite
def streams(draw):
    data = bytearray(draw(st.sampled_from([b"\n", b"\x02\n", b""])))
    for span in draw(st.lists(SPANS, max_size=8)):
        data += span + draw(st.sampled_from(ENDS))
    for _ in range(draw(st.integers(0, 2)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


class Reader:
    """A reader that is driven as the driver does it, and the telegrams that it gives."""

    def __init__(self):
        self.reader, self.telegrams = lines.LineReader(KINDS), []

    def take(self, data: bytes) -> list:
        told, at, end = [], 0, 0
        while True:
            at, end = self.reader.read(data, at, self.telegrams)
            told.append((at, end, self.reader.after))
            if end < 0:
                return told
            self.judge(data[at:end], lines.BARE.get(data[end], data[end]))
            at = end + 1

    def judge(self, span: bytes, control: int) -> None:
        """Accept or refuse a span by its own bytes: some are groups, some are not."""
        is_group = sum(span) % 3 > 0
        if is_group:
            label = span[:3].decode("latin-1") if sum(span) % 2 else "EAST"
            self.reader.add(self.group(label), self.telegrams)
        else:
            self.reader.refuse()
        self.reader.control(control, self.telegrams, is_close=False, is_sound=is_group)

    def group(self, label: str):
        return lines.Group(label, "1")


@given(streams())
def test_a_damaged_stream_is_read_to_its_end_in_spans_that_follow_each_other(data):
    reader = Reader()
    told = reader.take(data)

    places = [place for at, end, _ in told[:-1] for place in (at, end)]
    assert told[-1][1] < 0
    assert sorted(places) == places


@given(SPANS)
def test_a_line_that_is_taken_is_what_the_driver_makes_of_it(span):
    known = {kind.label + chr(kind.separator) for kind in KIND_ROWS}
    group = whole(span, is_framed=True)
    is_known = group is not None and group.label + chr(span[len(group.label)]) in known

    assert (repr(group) if is_known else "None") == repr(KINDS.group(span))


def frames(data):
    reader = Reader()
    reader.take(data)
    return [([group.label for group in telegram.groups], telegram.is_whole) for telegram in reader.telegrams]


def join_lines(*spans):
    return b"".join(b"\n" + span + b"\r" for span in spans)


def test_a_frame_lasts_from_stx_to_etx():
    whole_one = b"\x02" + join_lines(*BLUE[:3]) + b"\x03"

    assert [(["ADCO", "OPTARIF", "ISOUSC"], True)] * 2 == frames(whole_one * 2)
    assert [(["ADCO", "OPTARIF", "ISOUSC"], False)] == frames(whole_one[1:])
    assert [] == frames(whole_one[:-1])


def test_a_frame_ends_where_a_label_comes_again_or_an_address():
    address, option, power = BLUE[0], BLUE[1], BLUE[8]

    assert [(["OPTARIF", "PAPP"], False)] == frames(join_lines(option, power, option))
    assert [(["OPTARIF"], False)] == frames(join_lines(option, address))
    shorts = [historic(f"ADIR{phase}", "050") for phase in (1, 2, 3)]
    assert [([*(f"ADIR{phase}" for phase in (1, 2, 3)), "ADCO", "PAPP"], False)] == frames(
        join_lines(*shorts, address, power, *shorts)
    )


def test_no_more_groups_are_in_a_frame_than_it_may_have():
    reader = Reader()
    for number in range(300):
        reader.reader.add(reader.group(f"X{number}"), reader.telegrams)

    assert [128, 128] == [len(telegram.groups) for telegram in reader.telegrams]


def test_labels_that_cannot_be_looked_up_are_refused():
    kind = KIND_ROWS[0]
    for wrong in (
        [kind._replace(label="")],
        [kind._replace(label="A" * 16)],
        [kind._replace(label="A B")],
        [kind._replace(label="É")],
        [kind._replace(separator=0x20 + 1)],
        [kind, kind],
        [kind._replace(label=f"A{number}") for number in range(256)],
    ):
        with pytest.raises(ValueError, match="is no label, or one too many"):
            lines.LineKinds(wrong)
