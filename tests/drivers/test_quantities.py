"""The vocabulary of quantities: whole, well formed, and what is said of a name that it does not have."""

import pytest

from quartier_drivers.device_profile.loading import list_profiles, load_profile
from quartier_drivers.points import parse_quantity
from quartier_drivers.quantities import find_meaning, is_known, list_quantities, suggest


def test_each_quantity_ends_in_a_unit_or_kind_and_has_a_meaning():
    for name, meaning in list_quantities().items():
        assert parse_quantity(name).quantity == name
        assert meaning


def test_every_quantity_of_a_shipped_profile_is_in_the_vocabulary():
    profiles = map(load_profile, list_profiles())
    used = {quantity for one in profiles for part in one.parts.values() for quantity in part}

    assert len(used) > 200
    assert set() == {name for name in used if find_meaning(name) is None}


def test_the_meaning_of_a_phase_names_it():
    assert "current, L2" == find_meaning("current_l2_a")


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("powr_w", "power_w"),
        ("power_kw", "power_w"),
        ("energy_imported_wh", "energy_import_wh"),
        ("volt_l1_v", "voltage_l1_v"),
        ("colour_of_the_roof_text", None),
    ],
)
def test_a_misspelt_quantity_is_unknown_and_the_nearest_one_is_suggested(misspelt, meant):
    assert not is_known(misspelt)
    assert meant == suggest(misspelt)


def test_a_private_quantity_is_known():
    assert is_known("x_oil_temperature_c")
