import pytest
from pydantic import TypeAdapter, ValidationError

from quartier_hil.scenario.specification_rows import SPECIFICATION_ROWS, SPECIFICATION_TABLES, RowName


def test_every_row_has_one_name():
    assert len(SPECIFICATION_ROWS) == sum(len(part.rows) for part in SPECIFICATION_TABLES)
    assert len(SPECIFICATION_ROWS) == len({row.words for row in SPECIFICATION_ROWS.values()})


def test_a_name_of_no_row_is_refused_with_the_nearest():
    names = TypeAdapter(RowName)

    assert "grid.far" == names.validate_python("grid.far")
    with pytest.raises(ValidationError, match=r"did you mean grid\.high-pv\?"):
        names.validate_python("grid.high_pv")
