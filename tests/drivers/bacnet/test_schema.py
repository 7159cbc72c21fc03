import pytest
from pydantic import ValidationError

from quartier_drivers.bacnet.schema import (
    BacnetLimits,
    BacnetPoint,
    ObjectName,
    ShedCommand,
    parse_object_name,
    parse_property_number,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("analog-input:3", ObjectName(0, 3)),
        ("load-control:1", ObjectName(28, 1)),
        ("130:4194302", ObjectName(130, 4194302)),
    ],
)
def test_an_object_is_named_by_its_type_and_instance(text, name):
    assert name == parse_object_name(text)
    assert text == str(name)


@pytest.mark.parametrize("text", ["analog-input", "analog input:3", "analog-input:-1", "1024:1", 3, None])
def test_what_names_no_object_is_told(text):
    with pytest.raises(ValueError, match="is no object"):
        parse_object_name(text)


def test_a_property_is_named_by_its_word_or_number():
    assert (85, 512) == (parse_property_number("present-value"), parse_property_number(512))
    with pytest.raises(ValueError, match=r"did you mean 'status-flags'\?"):
        parse_property_number("status-flag")


def test_a_command_to_an_object_with_a_priority_array_has_a_priority():
    def has(where, **keys):
        said = {"object": where, "write": {"on_release": 0.0, **keys}}
        return BacnetPoint.model_validate(said).has_priorities

    assert [True, True, False, False] == [
        has("analog-output:1"),
        has("130:1"),
        has("loop:1"),
        has("analog-value:1", commandable=False),
    ]


def test_a_point_that_is_not_written_has_no_fallback_and_no_priority():
    point = BacnetPoint.model_validate({"object": "analog-output:1"})

    assert (False, None, False) == (point.writable, point.fallback, point.has_priorities)


def test_a_place_is_shown_as_people_read_it():
    def where(**keys):
        return BacnetPoint.model_validate({"object": "analog-value:1", **keys}).where

    assert ["analog-value:1", "analog-value:1 status-flags", "analog-value:1 priority-array[10]"] == [
        where(),
        where(property="status-flags"),
        where(property="priority-array", index=10),
    ]


@pytest.mark.parametrize("apdu_max", [49, 1477])
def test_a_message_has_the_sizes_of_the_standard(apdu_max):
    with pytest.raises(ValidationError):
        BacnetLimits(apdu_max=apdu_max)


def test_a_shed_lasts_a_minute_at_least():
    with pytest.raises(ValidationError):
        ShedCommand(percent=0, duration_s=30.0)
