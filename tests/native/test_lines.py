"""The compiled reader of TIC lines and its twin say the same of the same bytes, and stop at the same place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.tic.conftest import BLUE, LINKY, historic, standard

from quartier_drivers.meter.tic.group import whole
from quartier_drivers.meter.tic.labels import _HISTORIC, _STANDARD, FIRST
from quartier_native import lines as kernel
from quartier_native.reference import lines as twin

ENGINES = pytest.mark.parametrize("engine", [kernel, twin], ids=["kernel", "twin"])
KINDS = [
    twin.LineKind(
        row.label,
        sign,
        row.unit,
        row.is_timed,
        row.label in FIRST,
        row.forms.form,
        row.forms.most,
        row.forms.values,
    )
    for rows, sign in ((_STANDARD, 0x09), (_HISTORIC, 0x20))
    for row in rows
]
READERS = {engine: engine.LineKinds(KINDS) for engine in (kernel, twin)}
LABELS = st.sampled_from([kind.label for kind in KINDS] + ["ABCDEFGHIJKLMNOP", "XY", "E", ""])
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


def read(engine, data, at=0, frame=None, reader=None):
    found = {} if frame is None else frame
    end = (reader or engine.LineReader(READERS[engine])).read(data, at, found)
    return end, {label: repr(group) for label, group in found.items()}


@st.composite
def streams(draw):
    data = bytearray()
    for span in draw(st.lists(SPANS, max_size=8)):
        data += span + draw(st.sampled_from([b"\r\n"] * 6 + [b"\r", b"\n", b"\r\x03", b"\n\r", b""]))
    for _ in range(draw(st.integers(0, 2)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


@given(streams(), st.integers(0, 20))
def test_kernel_and_twin_read_the_same_lines(data, at):
    assert read(twin, data, at) == read(kernel, data, at)


@given(st.lists(streams(), max_size=4))
def test_what_was_read_before_makes_no_difference(parts):
    reader, found, meant = kernel.LineReader(READERS[kernel]), {}, {}
    for part in parts:
        assert read(twin, part, 0, meant)[0] == read(kernel, part, 0, found, reader)[0]
        assert repr(meant) == repr(found)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_taken_alike(data, at):
    assert read(twin, data, at) == read(kernel, data, at)


@given(SPANS)
def test_a_line_that_is_taken_is_what_the_driver_makes_of_it(span):
    known = {kind.label + chr(kind.separator) for kind in KINDS}
    group = whole(span, is_framed=True)
    end, found = read(kernel, span + b"\r\n")

    if group is not None and group.label + chr(span[len(group.label)]) in known:
        assert (len(span) + 2, [repr(group)]) == (end, list(found.values()))
    else:
        assert (0, {}) == (end, found)


@ENGINES
def test_lines_are_taken_up_to_one_that_is_none(engine):
    first, second, third = LINKY[1:4]
    whole_ones = first + b"\r\n" + second + b"\r\n"

    assert (len(whole_ones), ["VTIC", "DATE"]) == _told(engine, whole_ones + b"x" + third + b"\r\n")
    assert (len(whole_ones) - 1, ["VTIC", "DATE"]) == _told(engine, whole_ones[:-1])
    assert (len(first) + 2, ["VTIC"]) == _told(engine, whole_ones[:-2]), "it has no end yet"
    assert (len(first) + 2, ["VTIC"]) == _told(engine, (first + b"\r\n") * 2), "it stands there already"


@ENGINES
def test_what_begins_a_frame_is_the_first_of_one(engine):
    address, other = BLUE[0] + b"\r\n", BLUE[1] + b"\r\n"

    assert (len(address), ["ADCO", "OPTARIF"])[1] == _told(engine, address + other)[1]
    assert (len(other), ["OPTARIF"]) == _told(engine, other + address)


@ENGINES
def test_no_more_groups_are_taken_than_a_frame_has(engine):
    frame = {str(number): None for number in range(twin.GROUPS_MAX)}

    assert 0 == engine.LineReader(READERS[engine]).read(BLUE[1] + b"\r\n", 0, frame)


@ENGINES
def test_labels_that_cannot_be_looked_up_are_refused(engine):
    kind = KINDS[0]
    for wrong in (
        [kind._replace(label="")],
        [kind._replace(label="A" * 16)],
        [kind._replace(label="A B")],
        [kind._replace(label="É")],
        [kind._replace(separator=0x20 + 1)],
        [kind._replace(label=f"A{number}") for number in range(256)],
    ):
        with pytest.raises(ValueError, match="is no label, or one too many"):
            engine.LineKinds(wrong)


def test_the_kernel_gives_what_was_said_again_as_the_same_object():
    reader, first, second = kernel.LineReader(READERS[kernel]), {}, {}
    for frame in (first, second):
        reader.read(BLUE[0] + b"\r\n" + BLUE[1] + b"\r\n", 0, frame)

    assert all(first[label] is group for label, group in second.items())


def _told(engine, data):
    end, found = read(engine, data)
    return end, list(found)
