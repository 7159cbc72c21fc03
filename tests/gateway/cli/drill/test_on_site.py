import json

from quartier import cli
from quartier.runtime import signing

RECORD = {"site": "b012", "who": "someone", "ended_utc": "2026-06-12T20:30:00Z", "steps": []}


def test_a_record_that_was_altered_is_not_taken_for_one_that_was_signed(capsys, tmp_path):
    file = tmp_path / "drill.json"
    signed = signing.sign_record(RECORD, signing.load_key(tmp_path))
    file.write_text(json.dumps(signed))
    sound = cli.main(["drill", "--verify", str(file)])
    said = capsys.readouterr().out
    file.write_text(json.dumps({**signed, "who": "somebody else"}))

    assert (0, 1) == (sound, cli.main(["drill", "--verify", str(file)]))
    assert signed["public_key"] in said
    capsys.readouterr()
    for path, why in (
        (tmp_path / "gone.json", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "empty.json", "is no record of a drill"),
    ):
        (tmp_path / "empty.json").touch()
        assert 1 == cli.main(["drill", "--verify", str(path)])
        assert f"{path}: {why}; name the file that `quartier drill --on-site" in capsys.readouterr().err


def test_without_a_daemon_there_is_nothing_to_drill(capsys, tmp_path):
    assert 69 == cli.main(["drill", "--on-site", "--runtime-dir", str(tmp_path)])
    assert "no daemon answers" in capsys.readouterr().err
