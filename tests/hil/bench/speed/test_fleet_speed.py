from itertools import pairwise

import pytest

from quartier_bench.speed import fleet_speed
from quartier_native import fleet as kernel
from quartier_native.reference import fleet as twin


def test_half_of_the_buildings_have_a_cap_that_binds():
    one = fleet_speed.start_fleet(kernel, 200)
    one.cycles(1)
    starts = one.made.unit_starts
    moved = [max(one.result.cap_row[a:b]) >= 0 for a, b in pairwise(starts)]

    assert 60 < sum(moved) < 140


def test_both_sides_step_the_same_fleet_alike():
    ours, theirs = fleet_speed.start_fleet(kernel, 6), fleet_speed.start_fleet(twin, 6)
    ours.cycles(5)
    theirs.cycles(4)
    assert not fleet_speed.have_same_result(ours, theirs)
    ours.anew()
    theirs.anew()
    ours.cycles(5)
    theirs.cycles(5)

    assert fleet_speed.have_same_result(ours, theirs)


def test_the_figures_are_a_step_against_its_twin_and_two_threads_against_one(monkeypatch):
    for name, count in (("STEPPED_BUILDINGS", 5), ("THREADED_BUILDINGS", 50), ("CYCLES", 2)):
        monkeypatch.setattr(fleet_speed, name, count)
    step, threads = fleet_speed.measure_fleet(1)

    assert ("fleet.step", pytest.approx(0.01), "less") == (step.name, step.floor, step.better)
    assert ("fleet.threads", 1.8, "more") == (threads.name, threads.floor, threads.better)
    assert threads.ratio > 0
