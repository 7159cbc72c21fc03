"""All points of a model at once are what each of them is by itself."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.test_models import NUMBERS

from quartier_drivers.sunspec.model_reading import find_power, make_decoder
from quartier_drivers.sunspec.values import decode_value

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
