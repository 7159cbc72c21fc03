import pytest
from bacpypes3.basetypes import EngineeringUnits, PropertyIdentifier
from bacpypes3.primitivedata import ObjectType

from quartier_drivers.bacnet import standard_names


def test_the_units_have_the_numbers_of_the_standard():
    theirs = {word: int(EngineeringUnits(word)) for word in standard_names.UNIT_NUMBERS}

    assert theirs == dict(standard_names.UNIT_NUMBERS)


@pytest.mark.parametrize(
    ("unit", "into", "raw", "value"),
    [
        ("kilowatts", "w", 3.5, 3500.0),
        ("kilowatt-hours", "wh", 2.0, 2000.0),
        ("degrees-fahrenheit", "c", 68.0, 20.0),
        ("degrees-kelvin", "c", 293.15, 20.0),
        ("power-factor", "pct", 0.95, 95.0),
        ("liters-per-second", "m3_per_h", 1.0, 3.6),
        ("hectopascals", "pa", 1013.25, 101325.0),
        ("revolutions-per-minute", "hz", 1500.0, 25.0),
        ("minutes", "s", 1.5, 90.0),
    ],
)
def test_a_unit_is_worth_what_it_says(unit, into, raw, value):
    found = standard_names.find_conversion(standard_names.UNIT_NUMBERS[unit], into)

    assert pytest.approx(value) == raw * found.factor + found.offset


def test_a_unit_is_worth_nothing_in_another_kind():
    assert standard_names.find_conversion(standard_names.UNIT_NUMBERS["kilowatts"], "c") is None
    assert standard_names.find_conversion(standard_names.UNIT_NUMBERS["no-units"], "w") is None


def test_each_unit_has_a_word_and_the_unknown_their_number():
    assert "kilowatts" == standard_names.render_unit(48)
    assert "9999" == standard_names.render_unit(9999)
    assert "kilowatts" in standard_names.list_units("w")


def test_types_of_objects_have_the_numbers_of_the_standard():
    theirs = {
        word: int(ObjectType(word))
        for word in standard_names.OBJECT_TYPES
        if word not in {"color", "color-temperature"}
    }

    assert theirs == {word: number for word, number in standard_names.OBJECT_TYPES.items() if word in theirs}


def test_properties_have_the_numbers_of_the_standard():
    theirs = {word: int(PropertyIdentifier(word)) for word in standard_names.PROPERTIES}

    assert theirs == dict(standard_names.PROPERTIES)


def test_what_is_a_makers_own_is_shown_as_its_number():
    assert ("analog-input", "130") == (
        standard_names.render_object_type(0),
        standard_names.render_object_type(130),
    )
    assert ("present-value", "512") == (
        standard_names.render_property(85),
        standard_names.render_property(512),
    )
