from math import inf

from quartier.control.caps import Powers, tightest


def test_caps_combine_by_minimum_per_direction_and_the_first_of_equals_wins():
    powers, whose = tightest([("hard", Powers(9, 5)), ("a", Powers(7, 5)), ("b", Powers(8, 6, 3))])

    assert Powers(7, 5, 3, inf) == powers
    assert {"import": "a", "export": "hard", "generation": "b"} == whose


def test_least_and_plus_go_direction_by_direction():
    assert Powers(1, 2, 3, 4) == Powers(1, 9, 3, 9).least(Powers(8, 2, 8, 4))
    assert Powers(2, 3, inf, inf) == Powers(1, 2).plus(1)
