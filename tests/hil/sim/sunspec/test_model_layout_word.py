import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.sunspec import model_layout

INTEGERS = {
    "int16": 1,
    "uint16": 1,
    "enum16": 1,
    "acc16": 1,
    "int32": 2,
    "uint32": 2,
    "acc32": 2,
    "int64": 4,
    "uint64": 4,
    "acc64": 4,
}


@pytest.mark.parametrize(
    ("kind", "words", "registers"),
    [
        ("int16", 1, [0x8000]),
        ("uint16", 1, [0xFFFF]),
        ("sunssf", 1, [0x8000]),
        ("acc32", 2, [0, 0]),
        ("bitfield32", 2, [0xFFFF, 0xFFFF]),
        ("int64", 4, [0x8000, 0, 0, 0]),
        ("uint64", 4, [0xFFFF] * 4),
        ("float32", 2, [0x7FC0, 0]),
        ("string", 3, [0, 0, 0]),
        ("eui48", 4, [0, 0xFFFF, 0xFFFF, 0xFFFF]),
        ("ipv6addr", 8, [0] * 8),
    ],
)
def test_what_is_not_implemented_has_a_code_in_each_type(kind, words, registers):
    assert registers == model_layout.encode_value(kind, None, words)
    assert model_layout.decode_value(kind, registers) is None


@pytest.mark.parametrize(
    ("kind", "value", "registers"),
    [
        ("int16", -2, [0xFFFE]),
        ("uint32", 0x01020304, [0x0102, 0x0304]),
        ("int64", -1, [0xFFFF] * 4),
        ("float32", 49.95, [16967, 52429]),
        ("string", "abc", [0x6162, 0x6300]),
        ("eui48", "00:1A:2B:3C:4D:5E", [0, 0x001A, 0x2B3C, 0x4D5E]),
    ],
)
def test_the_most_significant_word_leads(kind, value, registers):
    assert registers == model_layout.encode_value(kind, value, len(registers))


@given(st.sampled_from(sorted(INTEGERS)), st.data())
def test_whole_numbers_come_back(kind, data):
    value = data.draw(st.integers(*model_layout.get_bounds(kind)))

    assert value == model_layout.decode_value(kind, model_layout.encode_value(kind, value, INTEGERS[kind]))


def test_a_pad_is_always_8000():
    assert [0x8000] == model_layout.encode_value("pad", None, 1)
    assert 0x8000 == model_layout.decode_value("pad", [0x8000])


def test_what_does_not_fit_is_refused():
    with pytest.raises(OverflowError):
        model_layout.encode_value("int16", 40_000, 1)
    with pytest.raises(OverflowError, match="longer than 4 bytes"):
        model_layout.encode_value("string", "abcde", 2)
