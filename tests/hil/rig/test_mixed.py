"""One scenario with every device simulated, with one of them real, and back by one key: the daemon on real wires."""

import csv
import json
import os
import signal
import subprocess
import sys

import pytest

from quartier_hil import cli


def scenario(test):
    """It runs the daemon as a black box, a broker, and things of other stacks."""
    return pytest.mark.scenario(pytest.mark.peer(test))


TEXT = """
title = "A charging station loses its supply, and then its cable"
start = 2026-06-12T18:30:00
duration_s = 60
rate = 1

[house]
soc_pct = 60
contract_import_w = 20000

[[events]]
at_s = 1
do = "plug"

[[events]]
at_s = 25
do = "fault"
device = "charger"
kind = "off"

[[events]]
at_s = 38
do = "clear"
device = "charger"

[[events]]
at_s = 50
do = "fault"
device = "charger"
kind = "unplugged"

[[checks]]
check = "reached"
point = "ev1.power_w"
low = 4000
until_s = 24

[[checks]]
check = "within"
point = "ev1.power_w"
high = 1
from_s = 28
until_s = 37

[[checks]]
check = "within"
point = "ev1.plugged_on"
low = 0

[[checks]]
check = "cap-kept"

[[checks]]
check = "invariants"
"""


def _run(tmp_path, name, *words):
    path = tmp_path / "cut.toml"
    path.write_text(TEXT)
    report = tmp_path / name
    code = cli.main(["run", str(path), "--report", str(report), "--json", *words])
    told = json.loads((report / "run.json").read_text())
    assert ([], 0) == ([one for one in told["verdicts"] if not one["holds"]], code)
    return report, told


@scenario
def test_one_key_makes_a_device_real_and_takes_it_back_and_every_promise_is_judged(tmp_path, things, capsys):
    bench = ["--bench", str(things.file)]
    report, told = _run(tmp_path, "real", *bench)
    checks = [one["check"] for one in told["verdicts"]]

    # The verbs acted by the relay board: supply off and on again, car, cable, and each at its rest in the end.
    acted = things.switched[3:-3]
    assert ["2 1", "0 0", "0 1", "1 0", "1 1"] == acted
    assert {"0": 0, "1": 0, "2": 0} == things.coils
    # What was judged and by whom.
    assert ["reached", "within", "cap-kept"] == [
        one for one in checks if one in {"reached", "within", "cap-kept"}
    ]
    assert {"readings", "rest", "balance", "reasons"} <= {*checks}
    assert ["within ev1.plugged_on: charger is real and nobody reads it"] == told["real"]["unjudged"]
    assert ("meter clamp, input:0x0034", False) == (
        told["real"]["points"]["ev1.power_w"]["words"],
        told["real"]["points"]["ev1.power_w"]["is_own"],
    )
    # The simulated grid meter has what the real station took.
    with (report / "readings.csv").open() as file:
        read = {
            float(row["value"])
            for row in csv.DictReader(file)
            if row["point"] == "ev1.power_w" and row["value"]
        }
    with (report / "samples.csv").open() as file:
        rows = list(csv.DictReader(file))
    seen = {float(row["ev1.power_w"]) for row in rows}
    assert seen <= {float(f"{value:.6g}") for value in read}
    others = ("bat1", "pv1", "hp1", "base")
    for row in rows:
        total_w = float(row["ev1.power_w"]) + sum(float(row[f"{name}.power_w"]) for name in others)
        assert total_w == pytest.approx(float(row["grid.power_w"]), abs=0.5)
    page = (report / "index.html").read_text()
    assert "car (real)" in page
    assert "23456789" in page
    # Back by one key: the bench is not touched, the twin is there, nothing is left unjudged.
    switched = things.switched
    report, told = _run(tmp_path, "twin", *bench, "--real", "none")
    assert switched == things.switched
    assert "real" not in told
    assert 2 == [one["check"] for one in told["verdicts"]].count("within")
    assert not (report / "readings.csv").exists()
    capsys.readouterr()


@scenario
def test_a_run_that_is_told_to_end_leaves_every_relay_at_its_rest(tmp_path, things):
    path = tmp_path / "cut.toml"
    path.write_text(TEXT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    words = [
        "-m",
        "quartier_hil.cli",
        "run",
        str(path),
        "--bench",
        str(things.file),
        "--report",
        str(tmp_path / "r"),
    ]
    rig = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    )
    assert rig.stdout is not None
    for line in rig.stdout:
        if b"a car is plugged in, by its relay" in line:
            rig.send_signal(signal.SIGTERM)
            break
    said = rig.stdout.read()
    rig.stdout.close()

    assert 2 == rig.wait()
    assert b"interrupted; everything is ended" in said
    assert {"0": 0, "1": 0, "2": 0} == things.coils
