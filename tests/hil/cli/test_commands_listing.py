from quartier_hil import cli
from quartier_hil.report import coverage_pages
from quartier_hil.scenario.builtin_scenarios import list_builtin


def test_what_the_scenarios_prove_is_told_as_the_page(capsys):
    assert 0 == cli.main(["list", "--rows"])
    assert coverage_pages.render_coverage_page(list_builtin()) == capsys.readouterr().out
