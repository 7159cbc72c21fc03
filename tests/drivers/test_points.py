"""A point's name says its unit and its kind."""

import pytest

from quartier_drivers.points import is_owner, parse_quantity, split_point


@pytest.mark.parametrize(
    ("quantity", "unit", "kind", "ucum"),
    [
        ("power_l1_w", "w", "float", "W"),
        ("energy_import_wh", "wh", "float", "W.h"),
        ("ramp_max_w_per_s", "w_per_s", "float", "W/s"),
        ("soc_pct", "pct", "float", "%"),
        ("relay_on", "", "bool", "1"),
        ("charge_state", "", "int", "1"),
        ("late_count", "", "int", "1"),
        ("name_text", "", "text", "1"),
    ],
)
def test_the_last_word_is_the_unit_or_the_kind(quantity: str, unit: str, kind: str, ucum: str) -> None:
    found = parse_quantity(quantity)

    assert (quantity, unit, kind, ucum) == (found.quantity, found.unit, found.kind, found.ucum)


@pytest.mark.parametrize("quantity", ["power_kw", "power", "Power_w", "w", "on", "", "power__w", "power_w_"])
def test_a_name_without_a_known_unit_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_quantity(quantity)


def test_owners_are_short_lower_case_words() -> None:
    assert [True, True, False, False, False, False] == [
        is_owner(name) for name in ("bat1", "a" * 32, "a" * 33, "Bat1", "1bat", "a.b")
    ]


def test_a_point_is_owner_dot_quantity() -> None:
    assert ("grid", "power_w") == split_point("grid.power_w")
    with pytest.raises(ValueError, match="names no owner"):
        split_point("power_w")
