import pytest

from quartier.planning.forecast.time_slots import SlotGrid, SlotPlace

PARIS = SlotGrid(3_600, "Europe/Paris")
MARCH_29 = 1_774_742_400 // 3_600  # 2026, midnight in UTC: it is 1 h in Paris, and 3 h an hour later


def test_the_hour_that_is_left_out_in_spring_has_no_slot():
    assert [SlotPlace(6, 0, 0), SlotPlace(6, 1, 1), SlotPlace(6, 3, 3)] == [
        PARIS.place(MARCH_29 + at) for at in (-1, 0, 1)
    ]


def test_the_hour_that_comes_twice_in_autumn_has_two():
    october_25 = 1_792_886_400 // 3_600

    assert [1, 2, 2, 3] == [PARIS.place(october_25 + at).hour for at in (-1, 0, 1, 2)]


def test_a_zone_of_half_an_hour_has_parts_too():
    assert SlotPlace(6, 23, 5) == SlotGrid(900, "Asia/Kolkata").place(MARCH_29 * 4 + 1)


def test_a_length_that_is_none_is_refused():
    with pytest.raises(ValueError, match="slot_s: 1000 is none of 300, 900, 1800, 3600"):
        SlotGrid(1_000, "Europe/Paris")
