import pytest
from pydantic import ValidationError

from quartier.config.placing import Measured, Ordered, Placed


def test_an_asset_hangs_on_the_grid_unless_said_otherwise():
    assert "grid" == Placed(device="m").node


def test_a_reason_to_accept_no_fallback_is_a_sentence():
    with pytest.raises(ValidationError):
        Ordered(device="m", accept_no_fallback="ok")


def test_data_go_to_the_district_unless_said_otherwise():
    assert "district" == Measured(device="m").share
