import pytest
from pydantic import TypeAdapter, ValidationError

from quartier_hil.wanted import Check, Told


def test_a_check_is_known_by_its_name_and_a_key_that_nobody_knows_is_refused():
    known = TypeAdapter(Check)
    row = {"check": "told", "point": "flat1.power_w", "from_s": 1, "until_s": 2}

    assert Told(**row) == known.validate_python(row)
    with pytest.raises(ValidationError, match="extra"):
        known.validate_python({**row, "colour": "red"})
