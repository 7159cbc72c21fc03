"""How groups, selections and codes are written in a meter's profile."""

import pytest

from quartier_drivers.meter.schema import MeterPoint, parse_code


@pytest.mark.parametrize(
    ("labels", "written"),
    [
        ((("EAST",),), "EAST"),
        ((("BASE",), ("HCHC", "HCHP")), ["BASE", ["HCHC", "HCHP"]]),
        ((("A", "B"),), [["A", "B"]]),
    ],
)
def test_a_list_holds_alternatives_and_a_list_in_it_is_added_up(labels, written):
    assert labels == MeterPoint.model_validate({"group": written}).group


def test_each_key_of_a_selection_may_have_several_values():
    statement = MeterPoint.model_validate({"select": [{"storage": 0, "unit": ["kWh", "MJ"]}, {"storage": 1}]})

    assert ({"storage": (0,), "unit": ("kWh", "MJ")}, {"storage": (1,)}) == statement.select


@pytest.mark.parametrize(
    ("expected", "said"), [(1, "01"), (1, 1.0), (1, 1), ("HC..", " HC.. "), ("1.5", "1.5"), (1.5, 1.5)]
)
def test_codes_are_compared_as_numbers_where_they_are_some(expected, said):
    assert expected == parse_code(said)


def test_one_bit_is_a_field():
    assert (7, 7) == MeterPoint.model_validate({"group": "STGE", "bit": 7}).field
    assert (10, 13) == MeterPoint.model_validate({"group": "STGE", "bits": [10, 13]}).field
    assert MeterPoint.model_validate({"group": "STGE"}).field is None
