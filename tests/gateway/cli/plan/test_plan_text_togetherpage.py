"""A plan of several things as people read it, and as scripts do."""

from tests.gateway.cli.estate import outcome

from quartier.cli.plan.plan_text import describe_site_plan, print_site_plan, render_site_plan


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
