from quartier_hil.cli import main
from quartier_hil.matrix import HEAD


def test_the_page_of_classes_and_verbs_is_written_where_it_is_wanted(tmp_path, monkeypatch):
    monkeypatch.setattr("quartier_hil.matrix.names", lambda: ())

    assert main(["matrix", "--page", str(tmp_path / "matrix.md")]) == 0
    assert (tmp_path / "matrix.md").read_text("utf-8").startswith(HEAD)
