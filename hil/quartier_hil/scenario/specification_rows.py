"""The rows of spec/failsafe.md#section-2 and spec/failsafe.md#section-4 by name.

A check of a scenario names the rows that it proves.

It proves a row only if it breaks when the gateway does not keep that row.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator


@dataclass(frozen=True, slots=True)
class SpecificationRow:
    """Row of the specification; ``elsewhere`` is the test of one that no scenario can show, and ``why``."""

    words: str
    elsewhere: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class SpecificationTable:
    """A table of the specification with its rows by name."""

    title: str
    rows: Mapping[str, SpecificationRow]


_LINK = {
    "link.init.caps": SpecificationRow("INIT: the fail-safe values at once"),
    "link.init.heartbeat-and-document": SpecificationRow(
        "INIT: a valid document with a heartbeat at most 60 s old → CONTROLLED"
    ),
    "link.init.120-s": SpecificationRow("INIT: 120 s → AUTONOMOUS"),
    "link.restart.goes-on": SpecificationRow(
        "After a restart the persisted state goes on with its entry time"
    ),
    "link.restart.failsafe": SpecificationRow("After a restart FAILSAFE serves its remaining minimum"),
    "link.restart.hold": SpecificationRow(
        "After a restart HOLD only if `on_loss=hold`, a synced clock and no outage since"
    ),
    "link.restart.owed": SpecificationRow(
        "120 s lead to AUTONOMOUS only if no minimum of FAILSAFE is left from before"
    ),
    "link.controlled.interval": SpecificationRow("CONTROLLED: per program its running interval"),
    "link.controlled.default": SpecificationRow("CONTROLLED: else its default"),
    "link.controlled.last-default": SpecificationRow(
        "CONTROLLED: the last default of an expired document stays until a newer one comes"
    ),
    "link.controlled.minimum": SpecificationRow("CONTROLLED: the minimum over programs"),
    "link.controlled.hold": SpecificationRow(
        "CONTROLLED: 120 s without heartbeat → HOLD where every active document has `on_loss=hold`"
    ),
    "link.controlled.failsafe": SpecificationRow(
        "CONTROLLED: 120 s without heartbeat → FAILSAFE where any has `failsafe`"
    ),
    "link.controlled.shed": SpecificationRow(
        "CONTROLLED: 120 s without heartbeat → FAILSAFE while a shed command runs"
    ),
    "link.controlled.no-document": SpecificationRow("CONTROLLED: no valid document left for 60 s → FAILSAFE"),
    "link.hold.schedule": SpecificationRow("HOLD: the cached schedules go on"),
    "link.hold.heartbeat-and-document": SpecificationRow("HOLD: heartbeat and document → CONTROLLED"),
    "link.hold.used-up": SpecificationRow("HOLD: schedule used up → FAILSAFE"),
    "link.hold.26-h": SpecificationRow("HOLD: 26 h → FAILSAFE"),
    "link.hold.outage": SpecificationRow("HOLD: grid outage → INIT"),
    "link.failsafe.caps": SpecificationRow(
        "FAILSAFE: min(fail-safe, every document still inside [nbf, exp])"
    ),
    "link.failsafe.no-battery-export": SpecificationRow("FAILSAFE: no battery export"),
    "link.failsafe.no-grid-charge": SpecificationRow("FAILSAFE: no grid charging above the reserve SoC"),
    "link.failsafe.heartbeat-and-document": SpecificationRow(
        "FAILSAFE: heartbeat, then within 60 s a valid document → CONTROLLED"
    ),
    "link.failsafe.no-document": SpecificationRow(
        "FAILSAFE: heartbeat back but 120 s without document → AUTONOMOUS"
    ),
    "link.failsafe.minimum-over": SpecificationRow("FAILSAFE: minimum duration over → AUTONOMOUS"),
    "link.autonomous.caps": SpecificationRow(
        "AUTONOMOUS: min(80 % of contract import, the export agreement, every document still valid)"
    ),
    "link.autonomous.heartbeat-and-document": SpecificationRow(
        "AUTONOMOUS: heartbeat and document → CONTROLLED"
    ),
    "link.heartbeat-alone": SpecificationRow("A heartbeat alone never grants control"),
    "link.retained": SpecificationRow(
        "A retained document counts on reconnect if its seq is not older and now is inside [nbf, exp]"
    ),
    "link.either-order": SpecificationRow("The order of heartbeat and document within 60 s does not matter"),
    "link.new-parameters": SpecificationRow(
        "New fail-safe parameters that loosen wait until FAILSAFE is left"
    ),
    "link.persisted": SpecificationRow(
        "State, entry time, documents, sequences: kept apart, checksummed, two copies; none readable: INIT",
        "tests/gateway/runtime/test_state_file.py",
        "it is about files that are cut and changed, which no event of a scenario does",
    ),
}
_PARAMETERS = {
    "parameter.heartbeat": SpecificationRow("Heartbeat timeout 120 s"),
    "parameter.failsafe-minimum": SpecificationRow("Fail-safe minimum duration 2 h"),
    "parameter.hold-maximum": SpecificationRow("Hold maximum 26 h"),
    "parameter.failsafe-values": SpecificationRow(
        "Fail-safe import contract × 0.5, export 0 W unless agreed"
    ),
    "parameter.cycle": SpecificationRow(
        "Control cycle 1 s",
        "tests/gateway/runtime/test_ticker.py",
        "every scenario runs at the period that it asks for; over wires `on-time` counts what was skipped",
    ),
    "parameter.fast-cycle": SpecificationRow(
        "Fast cycle 200 ms",
        "tests/gateway/runtime/test_ticker_fast.py",
        "synthetic time goes on by whole cycles, and over wires the rate makes more of 200 ms than they are",
    ),
    "parameter.meter-stale": SpecificationRow(
        "Grid meter stale after max(3 s, 2.5 periods): increases freeze"
    ),
    "parameter.meter-lost": SpecificationRow(
        "Grid meter lost after max(10 s, 4 periods): rated power of unmeasured loads, shed to fail-safe"
    ),
    "parameter.meter-slow": SpecificationRow("A grid meter slower than 2 s: 10 % margin on every cap"),
    "parameter.device-silent": SpecificationRow(
        "Device silent for max(3 polls, 15 s): its points bad, counted at its worst case"
    ),
    "parameter.device-death": SpecificationRow(
        "DDEATH when every device of the asset is silent",
        "tests/gateway/district/sparkplug/test_node_session.py",
        "the rig's district counts samples, and asks nothing about deaths of single assets",
    ),
    "parameter.tighten": SpecificationRow("Tighten: command on the wire in 2 s, measured inside in 30 s"),
    "parameter.breach-mean": SpecificationRow(
        "Breach: 60 s mean over the cap by more than max(2 %, 200 W): alarm, and the next step every 10 s"
    ),
    "parameter.breach-fast": SpecificationRow("Breach: 10 % over the cap for 5 s: all of C and D at once"),
    "parameter.release": SpecificationRow(
        "Release: below the cap by 10 % for 120 s, then one load each 30 s"
    ),
    "parameter.release-random": SpecificationRow("Release: 0..300 s random after a common event"),
    "parameter.clock-loosening": SpecificationRow("Clock unsynced: no loosening"),
    "parameter.clock-schedule": SpecificationRow(
        "Clock unsynced: no absolute schedule beyond the running interval"
    ),
    "parameter.clock-floor": SpecificationRow(
        "Clock floor: the newest of build date, last good time, last stored sample",
        "tests/gateway/runtime/test_clock.py",
        "a scenario's machine has no clock chip that could forget",
    ),
    "parameter.outage-well": SpecificationRow("After a grid outage: 60 s of 49.9–50.1 Hz and 90–110 % U"),
    "parameter.outage-random": SpecificationRow("After a grid outage: random 0..300 s"),
    "parameter.outage-ramp": SpecificationRow("After a grid outage: ramp 10 %/min"),
    "parameter.watchdogs": SpecificationRow(
        "Watchdogs: systemd 10 s, hardware 15 s",
        "hil/quartier_hil/drill/namespaces.py",
        "it needs a systemd: `make systemd` freezes the daemon under one of its own",
    ),
}
_GRID = {
    "grid.low-d": SpecificationRow("f ≤ 49.8 Hz for 2 s: stop grid charging, D off, hold increases"),
    "grid.low-c": SpecificationRow("f ≤ 49.5 Hz for 1 s: C off, battery discharge up to the export cap"),
    "grid.low-b": SpecificationRow("f ≤ 49.2 Hz for 0.5 s: B off"),
    "grid.slow-data": SpecificationRow("With 1 s data the first two rows alone"),
    "grid.well": SpecificationRow("f ≥ 49.9 Hz for 60 s: release with randomisation"),
    "grid.high": SpecificationRow("f ≥ 50.2 Hz: do not shed; battery may charge"),
    "grid.high-pv": SpecificationRow("f ≥ 50.2 Hz: PV caps not raised until f ≤ 50.1 Hz for 600 s"),
    "grid.low-u": SpecificationRow("U < 90 % for 1 min: D off; alarm"),
    "grid.high-u": SpecificationRow("U > 110 % for 1 min: stop battery export; alarm"),
    "grid.gone": SpecificationRow("U gone (below 50 %): INIT; open nothing by itself"),
    "grid.gone-frequency": SpecificationRow("U gone: the frequency reading is void"),
    "grid.far": SpecificationRow("f ≤ 49.0 Hz once with sound voltage counts as that row's time"),
    "grid.unmeasured": SpecificationRow("f not measured: U alone decides"),
    "grid.unmeasured-well": SpecificationRow("f not measured: f is well means a fresh grid reading for 60 s"),
    "grid.lost": SpecificationRow("f lost during an event: it ends staged after 15 min"),
}
SPECIFICATION_TABLES = (
    SpecificationTable(
        "Section 2: the link's states, their caps and each way to leave them", MappingProxyType(_LINK)
    ),
    SpecificationTable("Section 2: parameters", MappingProxyType(_PARAMETERS)),
    SpecificationTable("Section 4: local grid events", MappingProxyType(_GRID)),
)
SPECIFICATION_ROWS: Mapping[str, SpecificationRow] = MappingProxyType({**_LINK, **_PARAMETERS, **_GRID})


def _require_known_row(name: str) -> str:
    if name not in SPECIFICATION_ROWS:
        near = difflib.get_close_matches(name, SPECIFICATION_ROWS, n=1)
        hint = (
            f"; did you mean {near[0]}?"
            if near
            else "; they stand in quartier_hil/scenario/specification_rows.py"
        )
        raise ValueError(f"is no row of spec/failsafe.md{hint}")
    return name


RowName = Annotated[str, AfterValidator(_require_known_row)]
"""The name of a row that there is."""
