from quartier_hil.cli import main
from quartier_hil.report.coverage_pages import MATRIX_HEAD


def test_the_page_of_classes_and_verbs_is_written_where_it_is_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr("quartier_hil.report.coverage_pages.list_matrix_scenarios", lambda: ())

    assert main(["matrix", "--page", str(tmp_path / "build" / "matrix.md")]) == 0
    assert (tmp_path / "build" / "matrix.md").read_text("utf-8").startswith(MATRIX_HEAD)


def test_results_over_wires_are_taken_from_the_named_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("quartier_hil.report.coverage_pages.list_matrix_scenarios", lambda: ())
    verdicts = tmp_path / "verdicts.md"
    verdicts.write_text("| smart-meter-verbs | 25 of 25 |  |\n", "utf-8")

    assert main(["matrix", "--verdicts", str(verdicts)]) == 0
    assert "| M-Bus meter | over wires 25 of 25 |" in capsys.readouterr().out
