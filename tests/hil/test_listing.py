from quartier_hil import cli, coverage
from quartier_hil.shelf import builtin


def test_what_the_scenarios_prove_is_told_as_the_page(capsys):
    assert 0 == cli.main(["list", "--rows"])
    assert coverage.page(builtin()) == capsys.readouterr().out
