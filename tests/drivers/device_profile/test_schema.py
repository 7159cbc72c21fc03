"""The tables of a profile take what a manual says and nothing that only looks like it."""

import pytest
from pydantic import ValidationError

from quartier_drivers.device_profile.schema import Limits, Mark, PointWrite, Source


def test_one_absent_code_needs_no_list() -> None:
    assert (0x7FFF,) == Source.model_validate({"register": "input:0", "absent": 0x7FFF}).absent
    assert (1, 2) == Source.model_validate({"register": "input:0", "absent": [1, 2]}).absent


def test_codes_of_an_enumeration_are_numbers_in_either_notation() -> None:
    source = Source.model_validate({"register": "input:0", "values": {"0": "idle", "0x10": "charging"}})

    assert {0: "idle", 16: "charging"} == source.values


def test_a_bit_is_a_field_of_one() -> None:
    assert (3, 3) == Source.model_validate({"register": "input:0", "bit": 3}).field
    assert (4, 7) == Source.model_validate({"register": "input:0", "bits": [4, 7]}).field
    assert Source.model_validate({"register": "input:0"}).field is None


def test_widths_follow_type_length_and_sum() -> None:
    assert 4 == Source.model_validate({"register": "input:0", "type": "float64"}).width
    assert 8 == Source.model_validate({"register": "input:0", "type": "string", "length": 8}).width
    assert 6 == Source.model_validate({"register": "input:0", "type": "int32", "sum_of": 3}).width


@pytest.mark.parametrize("raw", ["own", "cap", "hold", 0, 6.5, True])
def test_on_release_is_a_word_or_a_number(raw: object) -> None:
    expected = float(raw) if isinstance(raw, int | float) else raw

    assert expected == PointWrite.model_validate({"on_release": raw}).on_release


@pytest.mark.parametrize(
    "table",
    [
        {"scale": 0},
        {"scale": float("inf")},
        {"scale": "0.1"},
        {"sign": 2},
        {"bits": [7, 4]},
        {"bits": [4]},
        {"values": {"a": "idle"}},
        {"absent": ["x"]},
        {"unit": 256},
        {"words": "big"},
        {"address": "input:0"},
    ],
)
def test_what_no_manual_means_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate({"register": "input:0"} | table)


def test_a_binary_coded_decimal_holds_as_many_digits_as_it_has() -> None:
    assert (0, 9999) == Source.model_validate({"register": "input:0", "type": "bcd16"}).raw_range
    assert (0, 99_999_999) == Source.model_validate({"register": "input:0", "type": "bcd32"}).raw_range


def test_registers_are_counted_as_the_context_says() -> None:
    source = Source.model_validate({"register": "holding:17"}, context={"numbers_from": 1})

    assert "holding:16" == str(source.address)


def test_a_mark_is_read_like_any_register_or_is_an_object_of_the_device() -> None:
    mark = Mark.model_validate({"register": "input:3", "type": "string", "length": 4, "like": "ACME*"})

    assert mark.source is not None
    assert ("input:3", 4) == (str(mark.source.address), mark.source.width)
    assert Mark.model_validate({"device_id": "vendor", "like": "ACME*"}).source is None


def test_a_checked_table_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Limits().block_max = 3  # type: ignore[misc]  # that is the point
