"""Curves of a plan."""

from quartier.cli.aheadpage import curve, runs


def test_a_curve_has_a_block_a_step_from_its_least_to_its_most():
    assert "▁▅█" == curve([0.0, 1.0, 2.0])
    assert "▁▁" == curve([5.0, 5.0])


def test_a_long_curve_shows_what_is_furthest_from_zero():
    values = [0.0] * 192
    values[101] = -9.0

    assert 96 == len(curve(values))
    assert "▁" == curve(values)[50]
    assert 95 == curve(values).count("█")


def test_steps_of_one_reason_are_one_row():
    assert [range(2), range(2, 3), range(3, 5)] == runs(["a", "a", "b", "a", "a"])
    assert [] == runs([])
