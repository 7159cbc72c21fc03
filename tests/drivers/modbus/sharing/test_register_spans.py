"""What others may write is said in one line, and misunderstood in none."""

import pytest

from quartier_drivers.modbus.sharing.register_spans import RegisterSpan, parse_span, parse_spans

COILS, REGISTERS = frozenset({5, 15}), frozenset({6, 16})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/holding:1000..1009", RegisterSpan(1, "holding", 1000, 1009, REGISTERS)),
        ("1/holding:1000", RegisterSpan(1, "holding", 1000, 1000, REGISTERS)),
        ("255/coil:0x10..0x1F", RegisterSpan(255, "coil", 16, 31, COILS)),
        ("7/holding:3 by 22", RegisterSpan(7, "holding", 3, 3, frozenset({22}))),
        ("7/holding:3..4 by 6, 16,23", RegisterSpan(7, "holding", 3, 4, frozenset({6, 16, 23}))),
    ],
)
def test_a_line_names_unit_table_places_and_functions(text: str, expected: RegisterSpan) -> None:
    assert expected == parse_span(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("holding:1000", "is no place to write"),
        ("1/input:1000", "is no place to write"),
        ("1/holding:9..8", "ends before it begins"),
        ("1/holding:0..65536", "beyond 65535"),
        ("0/holding:1", "reaches every device or none"),
        ("256/holding:1", "expected 1..255"),
        ("1/holding:1 by 5", "what writes a holding is 6, 16, 22, 23"),
        ("1/coil:1 by 16", "what writes a coil is 5, 15"),
        ("1/coil:1 by", "is no place to write"),
    ],
)
def test_what_is_wrong_is_said_with_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_span(text)


@pytest.mark.parametrize(
    ("unit", "function", "first", "count", "expected"),
    [
        (1, 16, 1000, 10, True),
        (1, 6, 1009, 1, True),
        (1, 16, 1009, 2, False),
        (1, 16, 999, 2, False),
        (2, 16, 1000, 1, False),
        (1, 22, 1000, 1, False),
    ],
)
def test_a_write_is_covered_wholly_or_not_at_all(
    unit: int, function: int, first: int, count: int, *, expected: bool
) -> None:
    assert expected is parse_span("1/holding:1000..1009").covers(unit, function, first, count)


@pytest.mark.parametrize(
    ("unit", "table", "first", "count", "expected"),
    [
        (1, "holding", 990, 11, True),
        (1, "holding", 990, 10, False),
        (1, "holding", 1009, 4, True),
        (1, "holding", 1010, 4, False),
        (1, "holding", 900, 300, True),
        (1, "coil", 1000, 1, False),
        (2, "holding", 1000, 1, False),
    ],
)
def test_one_common_place_is_a_touch(
    unit: int, table: str, first: int, count: int, *, expected: bool
) -> None:
    assert expected is parse_span("1/holding:1000..1009").touches(unit, table, first, count)


def test_it_is_shown_as_it_is_written() -> None:
    assert ["1/holding:1000..1009", "2/coil:3"] == [
        str(one) for one in parse_spans(["1/holding:1000..1009 by 6", "2/coil:0x3"])
    ]
