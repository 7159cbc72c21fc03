import pytest
from pydantic import ValidationError

from quartier_hil.house import House


def test_a_house_needs_nothing_said():
    assert (12_000, ()) == (House().contract_import_w, House().untouchable)


def test_an_unknown_key_is_a_fault():
    with pytest.raises(ValidationError, match="batery_w"):
        House(batery_w=3)
