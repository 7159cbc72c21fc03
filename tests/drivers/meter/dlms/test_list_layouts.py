"""A list without names is told by its form; units come from what its maker says."""

import pytest

from quartier_drivers.meter.dlms.list_layouts import KAIFA, ListScales, find_layout, find_scales
from quartier_drivers.meter.dlms.values import parse_obis
from quartier_drivers.meter.units import render_obis


@pytest.mark.parametrize(
    ("expected", "label"),
    [
        ((0, "W"), "1-0:1.7.0"),
        ((0, "W"), "1-1:62.7.0"),
        ((1, "Wh"), "1-0:2.8.1"),
        ((0, "var"), "1-0:4.7.0"),
        ((1, "varh"), "1-0:8.8.0"),
        ((0, "VA"), "1-0:9.7.0"),
        ((-2, "A"), "1-0:51.7.0"),
        ((0, "V"), "1-0:72.7.0"),
        ((-3, ""), "1-0:33.7.0"),
        ((0, "Hz"), "1-0:14.7.0"),
        (None, "0-0:96.1.0"),
        (None, "1-0:81.7.0"),
        (None, "1-0:0.0.1"),
        (None, "1-0:32.8.0"),
    ],
)
def test_quantities_of_electricity_have_their_units(expected: tuple[int, str] | None, label: str) -> None:
    assert expected == ListScales(energy=1, current=-2).of(parse_obis(label))


def test_kaifas_lists_are_told_by_how_many_items_they_have() -> None:
    assert [1, 9, 13, 14, 18] == sorted(KAIFA)
    assert ["1-0:32.7.0", "0-0:1.0.0", "1-0:1.8.0"] == [render_obis(named) for named in KAIFA[14].names[8:11]]


def test_only_what_says_so_is_kaifas() -> None:
    assert find_layout("tttUUUUUU", "KFM_001", is_kaifa=False) is KAIFA[9]
    assert find_layout("U", "", is_kaifa=True) is KAIFA[1]
    assert find_layout("U", "", is_kaifa=False) is None
    assert find_layout("tttUUUUUU", "EMH_001", is_kaifa=True) is None


def test_kamstrup_counts_in_tens_of_watt_hours_and_elsewhere_in_watt_hours() -> None:
    assert find_scales("Kamstrup_V0001", "") == ListScales(energy=1, current=-2, factor=-2)
    assert find_scales("Kamstrup_V0001", "", ("energy-in-wh",)) == ListScales(current=-2, factor=-2)
    assert find_scales("Kamstrup_V0001", "6851131BN24510101") == ListScales(energy=1, current=-3, factor=-2)
    assert find_scales("AIDON_V0001", "") is None


def test_kaifas_list_with_names_has_the_scales_of_its_list_by_place() -> None:
    scales = find_scales("KFM_001", "MA304H4")

    assert scales is KAIFA[18].scales
    assert [(-3, "A"), (-1, "V"), (0, "W"), (0, "Wh")] == [
        scales.of(parse_obis(label)) for label in ("1-0:31.7.0", "1-0:32.7.0", "1-0:1.7.0", "1-0:1.8.0")
    ]
