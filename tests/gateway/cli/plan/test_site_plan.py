"""What is told of a plan of several things."""

import json
import os
import subprocess
import sys

import pytest
from tests.gateway.cli.estate import EXAMPLE, ROWS, SERIES, SITE, WARM, outcome

from quartier.cli import main


def test_what_stands_in_a_part_has_the_unit_that_people_have_for_it(monkeypatch, tmp_path):
    found = outcome(monkeypatch, tmp_path)

    assert (25.0, "%") == found.level("bat1", 1000.0)
    warm, unit = found.level("boiler", 25 * 0.3 * 1163.0)
    assert ("°C", 45.0) == (unit, pytest.approx(warm))
    assert (2.5, "kWh") == found.level("ev1", 2500.0)


def test_a_step_is_held_by_a_cap_or_by_a_peak_that_costs(monkeypatch, tmp_path):
    free = outcome(monkeypatch, tmp_path)
    priced = outcome(monkeypatch, tmp_path, peak=50.0)

    assert not any(free.find_binding_limit(number) for number in range(5))
    assert "peak" in [priced.find_binding_limit(number) for number in range(5)]


def test_an_export_that_is_held_says_so(monkeypatch, tmp_path):
    sunny = SERIES.replace(",1000,0,", ",0,9000,")
    found = outcome(monkeypatch, tmp_path, series=sunny)

    assert "export cap" not in {
        found.find_binding_limit(number) for number in range(5)
    }  # none may be exported at all
    assert max(found.plan.curtailed_w) > 0.0
    assert 0.0 in found.more_eur_per_wh


def test_what_is_left_counts_at_its_worth(monkeypatch, tmp_path):
    found = outcome(monkeypatch, tmp_path, worth=0.2)
    left_wh = found.plan.parts["bat1"].energy_wh[-1] + found.plan.parts["boiler"].energy_wh[-1]

    assert 0.0002 * left_wh == pytest.approx(found.stores_worth_eur)
    assert "above the best" in found.optimality_text or "proven best" == found.optimality_text


@pytest.fixture
def call(tmp_path, capsys):
    site, day = tmp_path / "site.toml", tmp_path / "day.csv"

    def called(*options, series=SERIES, text=SITE):
        site.write_text(text)
        day.write_text(series)
        code = main(["plan", "--config", str(site), "--series", str(day), *options])
        out = capsys.readouterr()
        return code, out.out, out.err.replace(f"{tmp_path}/", "")

    return called


def test_everything_of_the_site_file_is_planned_together(call):
    code, out, err = call("--with", WARM)

    assert (0, "") == (code, err)
    for name in ("bat1", "ev1", "boiler", "washer"):
        assert f"\n{name}" in out
    assert "where nobody plans" in out
    assert "the cheapest steps before it leaves at 15:00" in out
    assert "runs for" in out


def test_scripts_get_each_part_with_its_reasons(call):
    code, out, _ = call("--with", WARM, "--json")
    told = json.loads(out)

    assert (0, 3600, [], []) == (
        code,
        told["step_s"],
        told["given_up"],
        told["left_out"],
    )
    assert {"bat1": "battery", "ev1": "car", "boiler": "tank", "washer": "batch"} == {
        name: part["kind"] for name, part in told["parts"].items()
    }
    got_wh = sum(step["parts"]["ev1"]["power_w"] for step in told["steps"])
    assert 5000.0 <= got_wh < 5230.0  # to the next whole ampere
    for step in told["steps"]:
        others_w = sum(part["power_w"] for part in step["parts"].values())
        expected_w = step["load_w"] - step["pv_w"] + step["curtailed_w"] + others_w
        assert expected_w == pytest.approx(step["grid_w"], abs=1e-6)
    assert told["unplanned"]["cost_eur"] > told["cost_eur"]


def test_what_a_car_cannot_have_is_given_up_and_named(call):
    code, out, _ = call("--with", WARM, "ev1.energy_wanted_wh=20000")

    assert 1 == code
    assert (
        "given up: ev1: 8960 of the 20000 Wh that it wants are missing when it leaves at 15:00: until then "
        "16 A give 11040 Wh at most; a later departure or less energy can be kept"
    ) in out


def test_a_car_that_has_left_before_it_begins_is_named_too(call):
    code, out, _ = call("--with", WARM, "ev1.departure=2026-06-12T12:00", "--json")
    told = [one["told"] for one in json.loads(out)["given_up"]]

    assert 1 == code
    assert ["ev1: 5000 of the 5000 Wh that it wants are missing when it leaves at 12:00"] == [
        line.partition(":  ")[0].split(": until")[0] for line in told
    ]


def test_no_request_of_a_car_is_too_large_to_be_answered(call):
    code, out, _ = call("--with", WARM, "ev1.energy_wanted_wh=500000")

    assert 1 == code
    assert "of the 500000 Wh that it wants are missing" in out


def test_caps_that_leave_a_car_too_little_are_named(call):
    rows = "\n".join(f"{row},2500" for row in ROWS)
    code, out, _ = call(
        "--with", WARM, "--soc", "20", series=f"{SERIES.splitlines()[0]},import_max_w\n{rows}"
    )

    assert 1 == code
    assert "held: import cap 12:00 to" in out
    assert "the caps and what else is planned leave no more" in out


def test_comfort_the_target_and_the_reserve_are_given_up_in_words(call):
    code, out, _ = call(
        "--with",
        "boiler.tank_c=40",
        "bat1.target_soc_pct=95",
        "bat1.soc_pct=10",
        "--json",
        text=SITE.replace("rated_w = 1000", "rated_w = 400"),
    )
    told = [one["told"] for one in json.loads(out)["given_up"]]

    assert 1 == code
    assert any(line.startswith("boiler: colder than comfort_min_c, ") for line in told)
    assert any(line.startswith("bat1: the target at the end is missed by ") for line in told)
    assert any(line.startswith("bat1: below its reserve, by ") for line in told)


def test_caps_that_cannot_be_kept_are_named(call):
    rows = "\n".join(f"{row},500" for row in ROWS)
    code, out, _ = call(
        "--with", WARM, "--soc", "20", series=f"{SERIES.splitlines()[0]},import_max_w\n{rows}"
    )

    assert 1 == code
    assert "given up: the caps cannot be kept:" in out


def test_what_nobody_says_is_left_out_with_what_to_say(call):
    code, out, _ = call(text=SITE.replace(", energy_wanted_wh = 5000", ""))

    assert 0 == code
    assert "not planned: boiler: its temperature is not known; say --with boiler.tank_c=50" in out
    assert (
        "not planned: ev1: the energy that its car wants is not known; say --with ev1.energy_wanted_wh=15000 (or "
        "assets.ev1.energy_wanted_wh in the site file), or --with ev1.plugged_on=0"
    ) in out


def test_one_battery_can_be_planned_alone(call):
    code, out, _ = call("--battery", "bat1")

    assert 0 == code
    assert out.startswith("bat1  ")
    assert "proven best" in out


def test_a_battery_that_is_left_alone_says_what_else_there_would_be(call):
    series = "\n".join(line.rsplit(",", 2)[0] for line in SERIES.splitlines())
    code, out, _ = call("--with", "ev1.plugged_on=0", "washer.waiting_on=0", series=series)

    assert 0 == code
    assert out.startswith("bat1  ")
    assert "not planned: ev1: no car is there\n" in out
    assert "not planned: washer: no run is waiting\n" in out


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ev9.departure=07:30", "no asset 'ev9' can be planned; did you mean 'ev1'?"),
        ("ev1.leaves=07:30", "nothing is called 'leaves' of ev1 (ev); expected one of plugged_on, arrival"),
        ("ev1.departure=soon", "expected a time, such as 07:30 or 2026-06-13T07:30"),
        ("ev1", "expected ASSET.WORD=VALUE, such as ev1.departure=07:30"),
        ("boiler.tank_c=hot", "'hot' is no number"),
        ("boiler.tank_c=500", "expected -30 to 120"),
        ("ev1.plugged_on=2", "expected 1 or 0"),
        ("washer.deadline=3", "expected a time of day, such as 07:30"),
        ("grid.power_w=3", "no asset 'grid' can be planned"),
    ],
)
def test_a_word_that_means_nothing_is_answered_with_what_is_expected(call, said, expected):
    code, out, err = call("--with", said)

    assert (2, "") == (code, out)
    assert f"quartier plan: --with {said}: {expected}" in err


def test_a_column_of_an_asset_that_is_not_there_or_is_no_series_is_named(call):
    for name, expected in (
        ("ev2.plugged_on", "did you mean 'ev1.plugged_on'?"),
        ("ev1.departure", "say --with ev1.departure=…"),
    ):
        code, _, err = call(series=SERIES.replace("ev1.plugged_on", name))

        assert 2 == code
        assert f"day.csv:1: {name!r} is no column; {expected}" in err


def test_a_column_that_is_neither_on_nor_off_is_named(call):
    code, _, err = call(series=SERIES.replace("0.30,0,1,500", "0.30,0,3,500"))

    assert (2, "quartier plan: day.csv:2: ev1.plugged_on: 3; expected 1 or 0\n") == (code, err)


def test_a_page_is_written_or_what_keeps_it_from_that_is_named(call, tmp_path):
    assert 0 == call("--with", WARM, "--html", str(tmp_path / "plan.html"))[0]
    assert "<h1>Plan of the site</h1>" in (tmp_path / "plan.html").read_text()

    code, out, err = call("--with", WARM, "--html", str(tmp_path / "none" / "plan.html"))
    assert (2, "") == (code, out)
    assert "plan.html: cannot be written: No such file or directory" in err


@pytest.mark.parametrize("more", [(), ("--json",), ("--battery", "bat1")])
def test_whoever_reads_only_the_head_gets_no_trace(more):
    """``quartier plan … | head -1``: the pipe closes while the table is printed."""
    reader, writer = os.pipe()
    os.close(reader)
    words = ["plan", "--config", str(EXAMPLE / "site.toml"), "--series", str(EXAMPLE / "day.csv"), *more]
    done = subprocess.run(
        [sys.executable, "-m", "quartier.cli", *words], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert (0, b"") == (done.returncode, done.stderr)


def test_the_worked_example_is_planned_whole(capsys):
    words = ["--config", str(EXAMPLE / "site.toml"), "--series", str(EXAMPLE / "day.csv")]
    said = ["--soc", "35", "--worth", "0.12", "--with", "boiler.tank_c=52", "ev2.energy_wanted_wh=18000"]
    code = main(["plan", *words, *said, "--json"])
    told = json.loads(capsys.readouterr().out)

    assert (0, [], []) == (code, told["given_up"], told["left_out"])
    assert ["bat1", "bat2", "boiler", "ev1", "ev2", "washer", "waste1"] == list(told["parts"])
    assert told["gap_eur"] < 0.01 * told["cost_eur"]
