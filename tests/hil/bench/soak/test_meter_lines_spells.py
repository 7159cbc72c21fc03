"""Noise comes in spells, for the share of the time that is asked."""

from itertools import pairwise

import pytest

from quartier_bench.soak.meter_lines import NOISE_MEAN_COUNT, NoisePeriods
from quartier_sim.meters.line_noise import LINE_QUALITIES

COUNT = 100_000


def lines(noisy_pct, seed=3):
    spells = NoisePeriods(seed, noisy_pct)
    return [spells.next() for _ in range(COUNT)]


@pytest.mark.parametrize("noisy_pct", [5.0, 30.0, 50.0])
def test_about_as_much_is_noisy_as_is_asked(noisy_pct):
    share_pct = 100 * sum(noise is not None for noise in lines(noisy_pct)) / COUNT

    assert 0.6 * noisy_pct < share_pct < 1.6 * noisy_pct


def test_every_bad_line_has_its_turn_and_each_turn_lasts():
    heard = lines(30.0)
    turns_count = sum(one is not other for one, other in pairwise(heard))

    assert {id(noise) for name, noise in LINE_QUALITIES.items() if name != "clean"} <= set(map(id, heard))
    assert COUNT / turns_count > NOISE_MEAN_COUNT / 2


def test_without_noise_all_is_clean():
    assert {None} == set(lines(0.0))


def test_a_seed_gives_the_same_line_again():
    assert lines(10.0) == lines(10.0)
    assert lines(10.0) != lines(10.0, seed=4)
