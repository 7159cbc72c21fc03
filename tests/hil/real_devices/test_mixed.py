"""One scenario with every device simulated, with one of them real, and back by one key: the daemon on real wires."""

import csv
import json
import os
import select
import signal
import subprocess
import sys
import threading
import tty

import pytest

from quartier_hil import cli


def scenario(test):
    """It runs the daemon as a black box, a broker, and things of other stacks."""
    return pytest.mark.daemon(pytest.mark.peer(test))


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
guard = "it is told apart from what is not known"

[[checks]]
check = "cap-kept"
guard = "there is no limit but the contract"

[[checks]]
check = "invariants"
"""


# Its first half: where nothing is real, the rest of it would be the same with every other device of the rig.
HALF = (
    TEXT[: TEXT.index("[[events]]\nat_s = 38")].replace("duration_s = 60", "duration_s = 32")
    + TEXT[TEXT.index("[[checks]]") :]
)


def _run(tmp_path, name, *words, text=TEXT):
    path = tmp_path / "cut.toml"
    path.write_text(text)
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
    report, told = _run(tmp_path, "twin", *bench, "--real", "none", text=HALF)
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


SERIAL = """
title = "A bench with a meter on a serial adapter"
real = ["heatmeter"]

[adapters.shelf]
port = "{port}"
baud = 9600

[meters.clamp]
host = "127.0.0.1"
port = {meter}
power_w = {{ register = "input:0x0034", type = "float32" }}

[devices.heatmeter]
adapter = "shelf"
unit = 9
profile = "eastron/sdm630"
serial = "20479778"

[devices.heatmeter.measured]
power_w = {{ meter = "clamp" }}
"""
QUIET = """
title = "The heat pump's meter is a real one"
start = 2026-06-12T18:30:00
duration_s = 25
rate = 1

[[checks]]
check = "told"
point = "hp1.power_w"
from_s = 0
until_s = 25

[[checks]]
check = "within"
point = "hp1.power_w"
low = 1499
high = 1501

[[checks]]
check = "cap-kept"
guard = "there is no limit but the contract"
"""


@pytest.fixture
def wire():
    """Two ptys back to back, for a run that has a loop of its own: the gateway's end and the meter's."""
    pairs = [os.openpty(), os.openpty()]
    for _, slave in pairs:
        tty.setraw(slave)
    masters = [master for master, _ in pairs]
    end, ended = os.pipe()

    def carry():
        while True:
            ready, _, _ = select.select([*masters, end], [], [])
            if end in ready:
                return
            for master in ready:
                os.write(masters[1 - masters.index(master)], os.read(master, 4096))

    thread = threading.Thread(target=carry)
    thread.start()
    yield tuple(os.ttyname(slave) for _, slave in pairs)
    os.write(ended, b"x")
    thread.join()
    for handle in (*(one for pair in pairs for one in pair), end, ended):
        os.close(handle)


@scenario
def test_a_real_meter_on_a_serial_adapter_is_the_gateways_and_its_clamp_is_the_rigs(
    tmp_path, things, wire, peers, capsys
):
    ours, theirs = wire
    meter = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(peers / "sdm630_rtu.py"), theirs, "9", "1500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert meter.stdout is not None
    assert b"ready\n" == meter.stdout.readline()
    (things.folder / "charger_w").write_text("1500")  # what the clamp sees
    things.ports["port"] = ours
    file = things.write(SERIAL)
    path = tmp_path / "quiet.toml"
    path.write_text(QUIET)
    try:
        code = cli.main(["run", str(path), "--bench", str(file), "--report", str(tmp_path / "r"), "--json"])
    finally:
        meter.kill()
        meter.wait()
        meter.stdout.close()
    told = json.loads((tmp_path / "r" / "run.json").read_text())

    assert ([], 0) == ([one for one in told["verdicts"] if not one["holds"]], code)
    assert "20479778" == told["real"]["devices"]["heatmeter"]["identity"]
    # What the daemon heard over the adapter, by a driver and a profile, is what the rig's own client heard by the clamp.
    lines = [
        json.loads(line) for line in (tmp_path / "r" / "run" / "district.jsonl").read_text().splitlines()
    ]
    heard = {
        value
        for line in lines
        if line.get("stream") == "hp1" and "first" in line
        for name, _at_ms, value, quality in line["metrics"]
        if name == "power_w" and quality == 192
    }
    assert {1500.0} == heard
    assert f'port = "{ours}"' in (tmp_path / "r" / "run" / "site.toml").read_text()
    capsys.readouterr()
