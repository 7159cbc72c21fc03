from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.primitivedata import ObjectType

from quartier_drivers.bacnet import words


def test_types_of_objects_have_the_numbers_of_the_standard():
    theirs = {
        word: int(ObjectType(word)) for word in words.OBJECTS if word not in {"color", "color-temperature"}
    }

    assert theirs == {word: number for word, number in words.OBJECTS.items() if word in theirs}


def test_properties_have_the_numbers_of_the_standard():
    theirs = {word: int(PropertyIdentifier(word)) for word in words.PROPERTIES}

    assert theirs == dict(words.PROPERTIES)


def test_what_is_a_makers_own_is_shown_as_its_number():
    assert ("analog-input", "130") == (words.object_word(0), words.object_word(130))
    assert ("present-value", "512") == (words.property_word(85), words.property_word(512))
