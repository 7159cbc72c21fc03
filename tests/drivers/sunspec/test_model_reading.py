"""What a model's registers say, point by point."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.conftest import words_of
from tests.drivers.sunspec.test_models import NUMBERS

from quartier_drivers.sunspec.model_chain import FoundModel
from quartier_drivers.sunspec.model_reading import (
    ModelReading,
    decode_power,
    find_counted_size,
    find_leaves,
    find_power,
    make_decoder,
    render_title,
)
from quartier_drivers.sunspec.models import find_model
from quartier_drivers.sunspec.values import decode_value


def rows(values, length=None):
    words = words_of(values)
    told = ModelReading(FoundModel(values["ID"], 40070, length or len(words) - 2), words)
    return {row.point: row for row in told.rows}


def test_a_point_is_told_with_name_value_unit_and_registers():
    told = rows({"ID": 103, "W": 1234, "W_SF": -1, "Hz": 5001, "Hz_SF": -2, "St": 4, "Evt1": 0x81})

    assert (123.4, "W", "04D2", "GOOD") == (
        told["103.W"].value,
        told["103.W"].unit,
        told["103.W"].raw,
        told["103.W"].quality,
    )
    assert 50.01 == told["103.Hz"].value
    assert (4, "MPPT") == (told["103.St"].value, told["103.St"].text)
    assert "GROUND_FAULT OVER_TEMP" == told["103.Evt1"].text


def test_what_is_not_implemented_has_no_value():
    told = rows({"ID": 103, "W": 1, "W_SF": 0})

    assert (None, "BAD") == (told["103.TmpTrns"].value, told["103.TmpTrns"].quality)


def test_a_number_without_its_scale_factor_is_shown_as_it_stands_and_bad():
    told = rows({"ID": 103, "W": 1234})["103.W"]

    assert (1234, "BAD") == (told.value, told.quality)
    assert "scale factor is not implemented" in told.text


def test_what_the_device_refuses_is_told():
    words = [*words_of({"ID": 103, "W": 1, "W_SF": 0})]
    words[14] = None

    told = {row.point: row for row in ModelReading(FoundModel(103, 40070, 50), words).rows}

    assert ("refused", None) == (told["103.W"].text, told["103.W"].value)


def test_a_makers_own_model_is_named_and_passed_over():
    told = ModelReading(FoundModel(64999, 40100, 12), ())

    assert ([], "a maker's own model, which the standard does not describe") == (told.rows, told.label)


def test_the_second_of_its_like_is_numbered():
    assert ("103", "103#2") == (
        render_title(FoundModel(103, 0, 50)),
        render_title(FoundModel(103, 60, 50, 2)),
    )


def test_counts_stand_in_the_points_before_the_groups():
    definition = find_model(714)

    assert 20 == find_counted_size(definition)
    assert 2 == find_counted_size(find_model(103))
    assert (
        find_leaves(definition, FoundModel(714, 0, 18 + 50), [714, 68, 0, 0, 2]).of("Prt[2].ID") is not None
    )


def test_a_scale_factor_beyond_ten_is_none():
    assert (10, -10, None, None, None) == tuple(map(decode_power, (10, 0xFFF6, 11, 0x8000, None)))


WORDS = st.sampled_from([0, 1, 2, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0xFFF6, 10, 11]) | st.integers(0, 0xFFFF)


@given(st.sampled_from(NUMBERS), st.integers(0, 200), st.data())
def test_the_values_are_those_of_the_points_one_by_one(number, length, data):
    words = data.draw(st.lists(WORDS, min_size=length + 2, max_size=length + 2))
    made = make_decoder(number, length, words)

    values, unscaled = made.values(struct.pack(f">{len(words)}H", *words))

    for place, leaf in enumerate(made.unfolded):
        own = words[leaf.offset : leaf.offset + leaf.entry.size]
        ten = find_power(leaf, words) if leaf.entry.scale is not None else 0
        alone = decode_value(leaf.entry, own, 0 if ten is None else ten)
        assert alone == values[place]
        assert (ten is None) == (place in unscaled)


def test_a_sheet_is_made_once_for_a_length_and_its_counts():
    assert make_decoder(103, 50, [103, 50]) is make_decoder(103, 50, [103, 50, 7, 8])
    assert make_decoder(714, 68, [714, 68, 0, 0, 2]) is make_decoder(714, 68, [714, 68, 5, 5, 2])
    assert make_decoder(714, 68, [714, 68, 0, 0, 2]) is not make_decoder(714, 68, [714, 68, 0, 0, 1])
