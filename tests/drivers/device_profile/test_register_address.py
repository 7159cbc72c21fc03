"""Registers stand in a profile as their manual prints them; what would be a guess is a fault."""

import pytest

from quartier_drivers.device_profile.register_address import Address, parse_address


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
    assert expected == parse_address(text)
    assert expected == parse_address(str(expected))


@pytest.mark.parametrize(
    "text", ["holding:65536", "register:1", "input:", "input:-1", "input:0x", "20001", 3]
)
def test_anything_else_is_no_register(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no register, expected coil.*:0\.\.65535"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("holding:1", Address("holding", 0)),
        ("input:0x0001", Address("input", 0)),
        ("coil:65536", Address("coil", 0xFFFF)),
        ("40001", Address("holding", 0)),
        ("40107", Address("holding", 106)),
        ("30001", Address("input", 0)),
        ("10008", Address("discrete", 7)),
        ("00001", Address("coil", 0)),
        ("400001", Address("holding", 0)),
        ("465536", Address("holding", 0xFFFF)),
        ("316385", Address("input", 16384)),
    ],
)
def test_a_manual_that_counts_from_one_is_typed_as_it_is_printed(text: str, expected: Address) -> None:
    assert expected == parse_address(text, numbers_from=1)


def test_a_manual_that_counts_from_zero_may_print_references_too() -> None:
    assert Address("holding", 107) == parse_address("40107", numbers_from=0)
    assert Address("holding", 0) == parse_address("40000", numbers_from=0)


@pytest.mark.parametrize("text", ["holding:0", "40000", "400000", "465537", "holding:65537"])
def test_there_is_no_register_zero_where_they_count_from_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no register, expected coil.*:1\.\.65536"):
        parse_address(text, numbers_from=1)


def test_a_reference_whose_start_is_not_told_is_a_fault_with_its_remedy() -> None:
    with pytest.raises(
        ValueError, match=r"numbers_from = 1 in \[profile\] where the first register is 30001"
    ):
        parse_address("30013")
