"""The tables of a SunSpec profile."""

import pytest
from pydantic import ValidationError

from quartier_drivers.sunspec.schema import RegisterMap, SunspecPoint


def test_the_map_begins_at_one_of_three_places_unless_a_profile_says_otherwise():
    assert (40000, 0, 50000) == RegisterMap().bases
    assert (30000,) == RegisterMap(bases=[30000]).bases
    with pytest.raises(ValidationError):
        RegisterMap(bases=[])


def test_a_quantity_says_where_it_is_taken_from_and_is_read_only():
    taken = SunspecPoint.model_validate({"source": "701.W", "sign": -1, "values": {"0x10": "on"}})

    assert ("701.W", -1, {16: "on"}) == (str(taken.source[0][0]), taken.sign, taken.values)
    assert not taken.writable
