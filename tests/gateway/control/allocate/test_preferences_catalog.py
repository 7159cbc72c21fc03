import pytest

from quartier.control.allocate import preferences
from quartier.control.reason import NO_REASON
from quartier.control.records import Preference
from quartier.site.asset_types import HeatAsset, Lights, OperationMode, OperationModeAsset

MODES = (OperationMode("full", 100, 900), OperationMode("half", 50, 400), OperationMode("off", 0, 0))


def test_each_class_is_asked_by_its_own_file(at_hour):
    street = Lights(name="s", rated_w=900, quantity="dim_pct", modes=MODES, tier="C")

    assert preferences.find_lights_preference(street, at_hour(1)) == preferences.find_class_preference(
        street, at_hour(1)
    )


def test_an_asset_of_no_class_stays_normal_and_may_be_moved_to_any_mode(at_hour):
    plain = OperationModeAsset(name="x", rated_w=900, quantity="step_index", modes=MODES, normal=1, tier="D")

    assert Preference(1, 0, 2, "D", NO_REASON) == preferences.find_class_preference(plain, at_hour(1))


@pytest.mark.parametrize("kind", [OperationModeAsset, HeatAsset])
def test_an_asset_of_tier_a_is_moved_by_nobody(at_hour, kind):
    vital = kind(name="x", rated_w=900, quantity="step_index", modes=MODES, normal=1, tier="A")

    assert Preference(1, 1, 1, "A", NO_REASON) == preferences.find_class_preference(vital, at_hour(1))
