import json

import pytest

from quartier_hil.cli import main

SHORT = ["--from", "18:00", "--hours", "0.3"]


def test_a_small_fleet_leaves_its_page_and_its_figures(tmp_path, capsys):
    code = main(
        ["fleet", "30", *SHORT, "--event", "cap@18:05-18:06=0.3", "--report", str(tmp_path), "--json"]
    )
    document = json.loads(capsys.readouterr().out)

    assert code == (0 if all(one["holds"] for one in document["rebounds"]) else 1)
    assert document == json.loads((tmp_path / "fleet.json").read_text())
    assert "30 buildings: cap of 0.3" in (tmp_path / "index.html").read_text()


def test_a_fleet_that_begins_late_goes_on_until_its_day_is_over(capsys):
    assert 0 == main(["fleet", "2", "--from", "11:50"])
    assert "\n600 s in " in capsys.readouterr().out


def test_a_district_lets_go_in_steps_and_at_once_where_it_is_told_to(capsys):
    told = []
    for how in ("staged", "at-once"):
        main(["fleet", "30", *SHORT, "--event", "cap@18:05-18:06=0.3", "--release", how, "--json"])
        told.append(json.loads(capsys.readouterr().out))

    assert ["staged", "at once"] == [one["released"] for one in told]
    assert told[0]["digest"] != told[1]["digest"]
    assert told[0]["without_events"] == told[1]["without_events"]


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["0"], "0"),
        (["10", "--hours", "30"], "30"),
        (["10", "--from", "noon"], "noon"),
        (["10", "--date", "today"], "today"),
        (["10", "--event", "x"], "x"),
        (["10", "--autonomous", "2"], "2"),
    ],
)
def test_what_cannot_be_run_is_told_with_its_key(words, key, capsys):
    assert 2 == main(["fleet", *words])
    assert f": {key}: " in capsys.readouterr().err
