from math import inf

from quartier.control.limits.active import combine_limits
from quartier.control.records import PowerLimits


def test_caps_combine_by_minimum_per_direction_and_the_first_of_equals_wins():
    powers, whose = combine_limits(
        [("hard", PowerLimits(9, 5)), ("a", PowerLimits(7, 5)), ("b", PowerLimits(8, 6, 3))]
    )

    assert PowerLimits(7, 5, 3, inf) == powers
    assert {"import": "a", "export": "hard", "generation": "b"} == whose


def test_least_and_plus_go_direction_by_direction():
    assert PowerLimits(1, 2, 3, 4) == PowerLimits(1, 9, 3, 9).least(PowerLimits(8, 2, 8, 4))
    assert PowerLimits(2, 3, inf, inf) == PowerLimits(1, 2).add(1)
