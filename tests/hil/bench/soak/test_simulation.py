"""A quarter of an hour of three meters: all is accounted for, and the image shows it."""

import pytest

from quartier_bench.soak.simulation import DAY_S, SoakFigures, make_document, simulate_days


async def test_everything_sound_of_a_noisy_quarter_of_an_hour_is_heard():
    figures = await simulate_days(900 / DAY_S, 1, 20.0)

    assert ["linky", "flat1", "flat2"] == list(figures.counts)
    assert [0, 0, 0] == [counts.lost for counts in figures.counts.values()]
    assert all(counts.sound for counts in figures.counts.values())
    assert [0, 0, 0] == [looks.wrong for looks in figures.looks.values()]
    assert all(looks.right for looks in figures.looks.values())
    assert 780_000 < figures.bytes_count["linky"] < 870_000, "a full line of 9600 baud, less what noise took"
    assert 60 <= len(figures.memory) <= 61
    assert {"linky", "flat1", "flat2"} == set(make_document(figures)["meters"])


def test_growth_is_the_slope_of_what_comes_after_warming_up():
    grown = SoakFigures(memory=[(day, 100.0 if day < 10 else 50.0 + 0.5 * day) for day in range(30)])

    assert 0.5 == pytest.approx(grown.growth_mib_per_day)
    assert 9.5 == pytest.approx(grown.growth_mib)
    assert 0.0 == SoakFigures().growth_mib
