"""The tables of a profile take what a manual says and nothing that only looks like it."""

import pytest
from pydantic import ValidationError

from quartier_drivers.schema import Address, Limits, Source, Write, address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input:0x0028", Address("input", 40)),
        ("holding:840", Address("holding", 840)),
        ("coil:0", Address("coil", 0)),
        ("discrete:65535", Address("discrete", 0xFFFF)),
    ],
)
def test_registers_are_table_and_number_from_zero(text: str, expected: Address) -> None:
    assert expected == address(text)
    assert expected == address(str(expected))


@pytest.mark.parametrize(
    "text", ["40001", "holding:65536", "register:1", "input:", "input:-1", "input:0x", 3]
)
def test_anything_else_is_no_register(text: object) -> None:
    with pytest.raises(ValueError, match="is no register, expected coil"):
        address(text)


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

    assert expected == Write.model_validate({"on_release": raw}).on_release


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


def test_a_checked_table_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Limits().block_max = 3  # type: ignore[misc]  # that is the point
