"""Curves of a plan."""

from tests.gateway.cli.estate import outcome

from quartier.cli.plan.plan_text import (
    describe_site_plan,
    group_steps,
    print_site_plan,
    render_curve,
    render_site_plan,
)


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


def test_each_part_has_a_curve_and_a_row_for_each_spell(monkeypatch, tmp_path, capsys):
    found = outcome(monkeypatch, tmp_path)
    print_site_plan(found)
    out = capsys.readouterr().out

    for name, spells in found.segments.items():
        assert f"{name:>8}  " in out
        for spell in spells:
            assert spell.why in out
    assert f"b1  {describe_site_plan(found)}"[:60] in out


def test_a_script_can_add_up_what_a_person_reads(monkeypatch, tmp_path):
    found = outcome(monkeypatch, tmp_path)
    told = render_site_plan(found)

    assert 5 == len(told["steps"])
    spells = told["parts"]["ev1"]["spells"]
    assert ("2026-06-12T12:00:00", "2026-06-12T17:00:00") == (spells[0]["from"], spells[-1]["until"])
    assert "energy_wh" not in told["steps"][0]["parts"]["washer"]
