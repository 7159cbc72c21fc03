import json

from quartier_hil import cli


def records(tmp_path, load):
    rows = [f"8,{at % 24 + 1},{load(at)},{max(0, 500 - 80 * abs(at % 24 - 12))}" for at in range(24 * 20)]
    path = tmp_path / "Building_1.csv"
    path.write_text("month,hour,non_shiftable_load,solar_generation\n" + "\n".join(rows) + "\n")
    return path


def test_a_forecast_that_is_beaten_ends_with_one(tmp_path, capsys):
    # Every week is the same to the last bit: nothing beats the week before.
    path = records(tmp_path, lambda at: 1 + at * 7 % 168 / 100)

    assert 1 == cli.main(["forecast", str(path), "--days", "3", "--every", "12", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["better"] is False
    assert 0 == told["rows"][0]["mae_w"]["last week"]
    assert ["load", "1-24"] == [told["rows"][0][key] for key in ("quantity", "ahead_h")]


def test_a_folder_is_each_of_its_homes(tmp_path, capsys):
    records(tmp_path, lambda at: 1 + at % 24)

    cli.main(["forecast", str(tmp_path), "--days", "3", "--every", "24", "--nowhere"])

    lines = capsys.readouterr().out.splitlines()
    assert 3 + 6 == len(lines)
    assert lines[3].startswith("Building_1  load")


def test_what_cannot_be_run_says_what_is_wrong(tmp_path, capsys):
    path = records(tmp_path, lambda _: 1)

    assert 2 == cli.main(["forecast", str(path), "--days", "15"])
    assert 2 == cli.main(["forecast", str(tmp_path / "none.csv")])
    (tmp_path / "empty").mkdir()
    assert 2 == cli.main(["forecast", str(tmp_path / "empty")])
    told = capsys.readouterr().err
    assert "--days: 480 hours; expected at least 192 before the first forecast" in told
    assert "none.csv" in told
    assert "holds no Building_*.csv" in told
