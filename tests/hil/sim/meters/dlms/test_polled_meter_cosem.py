"""Objects are held by class, name and attribute; rows of a curve are selected by their time or their number."""

import datetime as dt
import struct

import pytest
from tests.hil.sim.meters.dlms.conftest import NOON

from quartier_sim.meters.dlms import encoding, polled_meter
from quartier_sim.meters.dlms.push_lists import encode_logical_name


def by_range(begin, end):
    clock = [encoding.encode_number("uint16", 8), encoding.encode_octets(encode_logical_name("0-0:1.0.0"))]
    column = encoding.encode_structure(
        [*clock, encoding.encode_number("int8", 2), encoding.encode_number("uint16", 0)]
    )
    stamps = [encoding.encode_octets(encoding.encode_date_time(moment)) for moment in (begin, end)]
    return b"\x01" + encoding.encode_structure([column, *stamps, encoding.encode_array([])])


def by_entry(first, last):
    numbers = [encoding.encode_number("uint32", first), encoding.encode_number("uint32", last)]
    return b"\x02" + encoding.encode_structure(
        [*numbers, encoding.encode_number("uint16", 1), encoding.encode_number("uint16", 0)]
    )


def minutes(curve, selection):
    """Which rows were given, by the minutes after noon that they stand for."""
    found = curve.select_rows(selection)
    return [15 * place for place, (_, row) in enumerate(curve.rows) if row in found]


def test_a_register_has_a_value_and_a_scaler():
    name = encode_logical_name("1-0:1.8.0")

    assert {
        (3, name, 2): b"\x06\x00\x00\x01\xdd",
        (3, name, 3): b"\x02\x02\x0f\x01\x16\x1e",
    } == polled_meter.build_register("1-0:1.8.0", "uint32", 477, 1, "Wh")


def test_rows_are_selected_by_time_both_ends_with_them(curve):
    begin, end = NOON + dt.timedelta(minutes=14), NOON + dt.timedelta(minutes=45)

    assert [15, 30, 45] == minutes(curve, by_range(begin, end))
    assert [0] == minutes(curve, by_range(NOON, NOON))


def test_rows_are_selected_by_number_from_one_to_the_end(curve):
    assert [15, 30] == minutes(curve, by_entry(2, 3))
    assert [90, 105] == minutes(curve, by_entry(7, 0))
    assert [15 * place for place in range(8)] == minutes(curve, b"")


def test_how_long_a_selection_is_is_told():
    for selection in (by_range(NOON, NOON), by_entry(1, 2)):
        assert len(selection) == polled_meter.get_selection_size(selection + b"more")


@pytest.mark.parametrize("selection", [b"\x03", b"\x01\x02\x02", b"\x02\x09" + bytes(17)])
def test_other_selections_are_refused(curve, selection):
    with pytest.raises(ValueError, match="no "):
        curve.select_rows(selection)


def test_a_curve_says_what_is_captured_and_how_often(curve):
    captured, period = curve.attributes.values()

    assert struct.pack(">I", 900) == period[1:]
    assert encode_logical_name("1-0:1.8.0") in captured
    assert 1 == captured[0]
    assert 2 == captured[1]
