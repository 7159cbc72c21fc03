from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.primitivedata import ObjectType

from quartier_drivers.bacnet import standard_names


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
