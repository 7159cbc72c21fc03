"""``quartier-hil replay`` says where it serves, and why it does not."""

import pytest

from quartier_hil.cli import main


def test_a_file_that_is_no_record_is_refused(tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_text("hello")

    assert 2 == main(["replay", str(path)])
    assert "no record" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert 2 == main(["replay", str(tmp_path / "b.txt")])
    assert "b.txt" in capsys.readouterr().err


def test_both_wires_at_once_are_no_use(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["replay", "a", "--tcp", "0", "--pty"])

    assert 2 == ended.value.code
    assert "not allowed with" in capsys.readouterr().err
