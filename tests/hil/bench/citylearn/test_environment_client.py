"""Planners that decide what CityLearn shows: in its own environment where it is at hand, else by its words."""

import os
from pathlib import Path

import pytest

from quartier_bench.citylearn.environment_client import (
    PIPE_AGENT,
    RULE_AGENT,
    CityLearnProcess,
    HomePlanners,
)
from quartier_bench.home_years.year_records import read_year

DAYS = 14


@pytest.fixture
def folder(shared):
    return shared / "district" / "citylearn_2022_phase_1"


@pytest.fixture
def python():
    """An interpreter with citylearn==3.0.2 (pip install it into a virtual environment of its own)."""
    found = os.environ.get("QUARTIER_CITYLEARN")
    if not found:
        pytest.skip("CityLearn is not here: QUARTIER_CITYLEARN names no interpreter that has it")
    return Path(found)


def word(row, *homes):
    return {"row": row, "co2": 0.15, "homes": homes}


def test_an_action_is_a_share_of_the_capacity_and_stores_what_the_sun_leaves_over(folder):
    year = read_year(folder)
    deciders = HomePlanners(year)
    actions = deciders(word(0, *[[0.5, 3.0, 0.0, 0.0]] * 5))

    assert [1] * 5 == [len(one) for one in actions]
    assert all(0.0 < action <= 2.5 / 6.4 + 1e-9 for (action,) in actions)


def test_who_is_blind_decides_the_same_whatever_the_hour_brings(folder):
    year = read_year(folder)
    sunny, dark = [[[0.5, 3.0, 0.5, 0.0]] * 5, [[3.0, 0.0, 0.5, 0.0]] * 5]
    blind = [HomePlanners(year, is_blind=True)(word(0, *homes)) for homes in (sunny, dark)]
    seeing = [HomePlanners(year)(word(0, *homes)) for homes in (sunny, dark)]

    assert blind[0] == blind[1]
    assert seeing[0] != seeing[1]


def test_an_hour_is_learnt_once_it_is_over_with_the_exchange_that_came_of_it(folder):
    deciders = HomePlanners(read_year(folder))
    deciders(word(0, *[[0.5, 0.0, 0.0, 0.0]] * 5))
    assert [0.0] * 5 == [planner.peaks.top_w for planner in deciders.planners]
    deciders(word(1, *[[0.7, 0.0, 0.0, 1.25]] * 5))
    assert [1_250.0] * 5 == [planner.peaks.top_w for planner in deciders.planners]


def test_two_weeks_inside_citylearn_are_better_than_its_own_rule(folder, python):
    process, year = CityLearnProcess(python, folder, 24 * DAYS), read_year(folder)
    peer = process.scores(RULE_AGENT, HomePlanners(year))
    for is_blind in (False, True):
        ours = process.scores(PIPE_AGENT, HomePlanners(year, is_blind=is_blind))
        assert ours["cost"] < 0.9 * peer["cost"]
        assert all(ours[name] < peer[name] for name in ("co2", "daily_peak", "ramping"))
