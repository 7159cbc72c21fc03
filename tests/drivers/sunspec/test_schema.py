"""The tables of a SunSpec profile."""

import pytest
from pydantic import BaseModel, ValidationError

from quartier_drivers.sunspec.schema import Alternatives, PointName, RegisterMap, SunspecPoint, parse_name


def test_the_map_begins_at_one_of_three_places_unless_a_profile_says_otherwise():
    assert (40000, 0, 50000) == RegisterMap().bases
    assert (30000,) == RegisterMap(bases=[30000]).bases
    with pytest.raises(ValidationError):
        RegisterMap(bases=[])


def test_a_quantity_says_where_it_is_taken_from_and_is_read_only():
    taken = SunspecPoint.model_validate({"source": "701.W", "sign": -1, "values": {"0x10": "on"}})

    assert ("701.W", -1, {16: "on"}) == (str(taken.source[0][0]), taken.sign, taken.values)
    assert not taken.writable


class Table(BaseModel):
    source: Alternatives


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (PointName(701, "W"), "701.W"),
        (PointName(160, "module[3].DCW"), "160.module[3].DCW"),
        (PointName(160, "module[4].DCW", 1, -1), "-160.module[4].DCW"),
        (PointName(103, "PhVphA", 2), "103#2.PhVphA"),
        (PointName(707, "Crv[1].MustTrip.Pt[3].V"), "707.Crv[1].MustTrip.Pt[3].V"),
    ],
)
def test_a_name_says_model_instance_and_path_and_is_written_back(expected, text):
    assert expected == parse_name(text)
    assert text == str(expected)


@pytest.mark.parametrize(
    "text", ["", "W", "701", "701.", "0.W", "701.W[0]", "701.W W", "--701.W", 701, "103#0.W"]
)
def test_what_is_no_name_is_refused_with_what_was_expected(text):
    with pytest.raises(ValueError, match='expected "701.W"'):
        parse_name(text)


def test_a_list_holds_alternatives_and_a_list_in_it_is_added_up():
    one, two = PointName(701, "W"), PointName(103, "W")

    assert ((one,),) == Table(source="701.W").source
    assert ((one,), (two,)) == Table(source=["701.W", "103.W"]).source
    assert ((one, two),) == Table(source=[["701.W", "103.W"]]).source
