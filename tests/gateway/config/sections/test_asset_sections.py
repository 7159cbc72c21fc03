import pytest
from pydantic import ValidationError

from quartier.config.sections.asset_sections import (
    ConnectedAssetSection,
    ControllableAssetSection,
    MeasuredAssetSection,
)


def test_an_asset_hangs_on_the_grid_unless_said_otherwise():
    assert "grid" == ConnectedAssetSection(device="m").node


def test_a_reason_to_accept_no_fallback_is_a_sentence():
    with pytest.raises(ValidationError):
        ControllableAssetSection(device="m", accept_no_fallback="ok")


def test_data_go_to_the_district_unless_said_otherwise():
    assert "district" == MeasuredAssetSection(device="m").share
