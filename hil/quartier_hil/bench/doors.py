"""Measure the lateness of cycles while all protocols are busy at once: the rig's devices, in real time.

GPIO lines are no part of it: they need a chip, or the kernel's ``gpio-sim``.  A protocol with a wire of its
own joins by a line of ``DOORS``.
"""

import asyncio

from quartier_hil import scenario
from quartier_hil.bench.figure import Figure, alone
from quartier_hil.bench.setting import Setting
from quartier_hil.records import standard
from quartier_hil.run import Options, Run

_RUN_S, _RUN_SHORT_S = 600.0, 20.0
DOORS = """\
title = "Every door at once"
start = 2026-06-12T12:30:00
duration_s = {run_s}
rate = 1

[house]                             # Modbus RTU: the meter, the heat meter and the relays, on a pty
contract_import_w = 60000
failsafe_import_w = 30000
soc_pct = 60
pv = "sunspec-7xx"                  # SunSpec over TCP; the battery is Victron's, Modbus TCP
meters = ["tic", "p1", "mbus"]      # three ptys
frequency_period_s = 0.2            # and the fast cycle

[[house.boards]]
name = "park"
fuse_a = 63
metered = true

[[house.assets]]                    # ten stations on Modbus TCP
kind = "cars"
name = "ev"
board = "park"
count = 10
arrive_from_s = 0
arrive_to_s = 10

[[house.assets]]
kind = "lights"
name = "street"
rated_w = 4000

[[house.assets]]
kind = "heat"
name = "pump"
rated_w = 3000

[[house.assets]]
kind = "chp"
name = "chp"
rated_w = 5000

[[house.assets]]                    # BACnet/IP
kind = "ventilation"
name = "air"
rated_w = 1500
protocol = "bacnet"

[[house.assets]]                    # two OPC UA servers, watched
kind = "substation"
name = "loop"
rated_w = 1500
protocol = "opcua"

[[house.assets]]
kind = "waste"
name = "waste"
rated_w = 11000
protocol = "opcua"
"""


def figures(setting: Setting) -> list[Figure]:
    """One daemon for ten minutes, short: 20 s.  Raises RigError when it cannot be made."""
    run_s = _RUN_SHORT_S if setting.short else _RUN_S
    folder = setting.scratch("doors")
    file = folder / "doors.toml"
    file.write_text(DOORS.format(run_s=run_s))
    asked = scenario.load(file)
    series = standard.make(asked.start.date(), 2, asked.seed)
    setting.say(f"doors, {run_s:.0f} s")
    run = asyncio.run(Run(Options(scenario=asked, series=series, folder=folder)).perform())
    cycles = run.last_status["cycles"]
    what = f"cycles of 1 s in {run_s / 60:.0f} min, every door busy"
    if setting.short:
        what = f"cycles of 1 s in {run_s:.0f} s, every door busy"
    return [
        alone("doors.p999", f"p99.9 of {what}", [1000 * cycles["late_p999_s"]], "ms", 5.0),
        alone("doors.skipped", f"skipped {what}", [float(cycles["skipped_count"])], "cycles", 0.0),
    ]
