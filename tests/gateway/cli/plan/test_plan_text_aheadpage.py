"""Curves of a plan."""

from quartier.cli.plan.plan_text import group_steps, render_curve


def test_a_curve_has_a_block_a_step_from_its_least_to_its_most():
    assert "▁▅█" == render_curve([0.0, 1.0, 2.0])
    assert "▁▁" == render_curve([5.0, 5.0])


def test_a_long_curve_shows_what_is_furthest_from_zero():
    values = [0.0] * 192
    values[101] = -9.0

    assert 96 == len(render_curve(values))
    assert "▁" == render_curve(values)[50]
    assert 95 == render_curve(values).count("█")


def test_steps_of_one_reason_are_one_row():
    assert [range(2), range(2, 3), range(3, 5)] == group_steps(["a", "a", "b", "a", "a"])
    assert [] == group_steps([])
