"""The least of a cost of straight pieces is found on its corner, and what is not found yet is bounded."""

from dataclasses import dataclass

import pytest

from quartier.planning.storage.peak_search import find_lowest


@dataclass(frozen=True, slots=True)
class At:
    """A level of a cost that is the highest of some straight lines."""

    level_wh: float
    cost: float
    slope: float

    @property
    def bound(self) -> float:
        return self.cost


class Cost:
    """The highest of lines (height at 0, slope); counts how often it is asked."""

    def __init__(self, *lines: tuple[float, float]) -> None:
        self.lines = lines
        self.asked = 0

    def __call__(self, level_wh: float) -> At:
        self.asked += 1
        return At(level_wh, *max((height + slope * level_wh, slope) for height, slope in self.lines))


def test_the_least_is_a_corner_of_the_cost_itself() -> None:
    cost = Cost((10.0, -4.0), (6.0, -1.0), (0.0, 1.0), (-10.0, 3.0))

    best, bound = find_lowest(cost, cost(0.0), cost(10.0), 1e-12, 20)

    assert (3.0, 3.0, 3.0) == (best.level_wh, best.cost, bound)
    assert cost.asked <= 6


def test_what_rises_or_falls_all_along_is_least_at_its_end() -> None:
    rises, falls = Cost((1.0, 2.0)), Cost((1.0, -2.0))

    assert 0.0 == find_lowest(rises, rises(0.0), rises(5.0), 0.0, 20)[0].level_wh
    assert (5.0, -9.0) == (find_lowest(falls, falls(0.0), falls(5.0), 0.0, 20)[0].level_wh, -9.0)
    assert (1, 1) == (rises.asked - 1, falls.asked - 1)


def test_of_levels_that_cost_the_same_the_lower_one_is_taken() -> None:
    flat = Cost((5.0, 0.0))

    assert 1.0 == find_lowest(flat, flat(1.0), flat(2.0), 0.0, 20)[0].level_wh


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_where_it_must_end_early_no_level_costs_less_than_the_bound(rounds: int) -> None:
    cost = Cost(
        *((-0.5 * slope**2, float(slope)) for slope in range(-20, 21))
    )  # a parabola of straight pieces

    best, bound = find_lowest(cost, cost(-19.3), cost(13.1), 0.0, rounds)
    least = min(cost(level / 10.0).cost for level in range(-193, 132))

    assert bound <= least <= best.cost
    assert bound < best.cost
