import pytest
from pydantic import TypeAdapter, ValidationError

from quartier_hil.scenario.expectations import AnyExpectation, ReportExpectation


def test_a_check_is_known_by_its_name_and_a_key_that_nobody_knows_is_refused():
    known = TypeAdapter(AnyExpectation)
    row = {"check": "told", "point": "flat1.power_w", "from_s": 1, "until_s": 2}

    assert ReportExpectation(**row) == known.validate_python(row)
    with pytest.raises(ValidationError, match="extra"):
        known.validate_python({**row, "colour": "red"})
