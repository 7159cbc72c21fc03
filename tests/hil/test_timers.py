"""Device-side timers behind the daemon as a black box: whatever befalls it, a SunSpec device is where it declared.

Short forms of the scenarios timers-* and cap-stays-*: the daemon is killed with nobody left to release, and the
device's cable is pulled.  At ten times real time a busy machine does not let the meter's readings grow old.
"""

import json

import pytest

from quartier_hil import cli

HEAD = 'title = "short"\nstart = 2026-06-12T{clock}\nduration_s = 480\nrate = 10\n[house]\nsoc_pct = 60\n{house}\n'
KILL = '[[events]]\nat_s = 140\ndo = "kill"\nrelease = false\ndown_s = 80\n'
UNPLUG = (
    '[[events]]\nat_s = 380\ndo = "fault"\ndevice = "{name}"\nkind = "unplugged"\n'
    '[[events]]\nat_s = 460\ndo = "clear"\ndevice = "{name}"\n'
)


def _run(tmp_path, text):
    path, report = tmp_path / "scenario.toml", tmp_path / "report"
    path.write_text(text)
    code = cli.main(["run", str(path), "--report", str(report), "--json"])
    verdicts = json.loads((report / "run.json").read_text())["verdicts"]
    broken = [verdict for verdict in verdicts if not verdict["holds"]]
    assert ([], 0) == (broken, code)


def _falls_back(at_s):
    return (
        f'[[checks]]\ncheck = "falls-back"\npoint = "order.battery_w"\nat_s = {at_s}\n'
        f"not_before_s = 36\nwithin_s = 63\nuntil_s = {at_s + 76}\n"
    )


@pytest.mark.scenario
@pytest.mark.peer
@pytest.mark.parametrize("generation", ["1xx", "7xx"])
def test_a_battery_is_at_rest_by_its_own_timer(tmp_path, generation):
    house = f'battery = "sunspec-{generation}"\ncontract_import_w = 15000'
    load = '[[events]]\nat_s = 5\ndo = "load"\nextra_w = 3000\nfor_s = 3000\n'
    text = HEAD.format(clock="20:30:00", house=house) + load + KILL + UNPLUG.format(name="storage")
    _run(tmp_path, text + _falls_back(140) + _falls_back(380))


@pytest.mark.scenario
@pytest.mark.peer
@pytest.mark.parametrize("generation", ["1xx", "7xx"])
def test_a_cap_stays_on_an_inverter_that_nobody_reaches(tmp_path, generation):
    house = f'pv = "sunspec-{generation}"'
    cap = '[[events]]\nat_s = 10\ndo = "caps"\ngeneration_max_w = 1500\nfor_s = 5000\n'
    stays = (
        '[[checks]]\ncheck = "within"\npoint = "order.generation_max_w"\nhigh = 1500\nfrom_s = 100\n'
        '[[checks]]\ncheck = "within"\npoint = "pv1.power_w"\nlow = -1501\nfrom_s = 100\n'
        '[[checks]]\ncheck = "within"\npoint = "pv1.power_w"\nhigh = -1400\nfrom_s = 100\nuntil_s = 210\n'
    )
    _run(
        tmp_path,
        HEAD.format(clock="12:30:00", house=house) + cap + KILL + UNPLUG.format(name="solar") + stays,
    )
