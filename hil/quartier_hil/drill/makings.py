"""Cause each row of the loss table on the simulated building, in the order of the table."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from quartier_hil import scenario as asked
from quartier_hil.drill import ground, init, reaction
from quartier_hil.drill.guardian import Guardian
from quartier_hil.drill.rehearsal import Making, Rehearsal
from quartier_hil.happenings import ClockFault
from quartier_hil.stage.daemon import deep

Deed = Callable[[Rehearsal], Awaitable[None]]
BATTERY = {"battery": "sunspec-7xx", "battery_wh": 20_000, "soc_pct": 80, "contract_import_w": 15_000}
WIDE = {**BATTERY, "failsafe_import_w": 15_000}
EVENING = {"do": "load", "at_s": 2, "extra_w": 3_000, "for_s": 3_000}
CAR = {"do": "plug", "at_s": 5, "need_wh": 40_000}
LAMPS = {"kind": "lights", "name": "lamps1", "rated_w": 2_000, "evening": ["22:30 80 %", "05:30 100 %"]}
UPLINK_S = 130.0
WATCHDOG_S = 10.0
"""``WatchdogSec`` of our unit."""
_LATE_GO_S, _LATE_STOP_S = 0.6, 1.4
"""Two periods together: one cycle is missed, the wires have their time, and the next is not yet due."""
_ASK_REAL_S = 0.005


def _fault(device: str, kind: str) -> Deed:
    async def deed(run: Rehearsal) -> None:
        run.wiring.fault(device, kind)

    return deed


def _well(device: str) -> Deed:
    async def deed(run: Rehearsal) -> None:
        run.wiring.clear(device)

    return deed


async def _nothing(_: Rehearsal) -> None:
    """It is right already."""


async def _pull_line(run: Rehearsal) -> None:
    run.wiring.pull()


async def _put_line(run: Rehearsal) -> None:
    run.wiring.put()


async def _broker_gone(run: Rehearsal) -> None:
    await run.broker.stop()


async def _broker_back(run: Rehearsal) -> None:
    await run.broker.start()


def _clock(kind: str, seconds: float = 0.0) -> Deed:
    async def deed(run: Rehearsal) -> None:
        run.director.lie(
            ClockFault.model_validate({"at_s": 0, "do": "clock", "kind": kind, "seconds": seconds})
        )

    return deed


async def _ran(run: Rehearsal, before: int) -> int:
    """The count of cycles, once the daemon has run more than ``before``."""
    while True:
        status = await run.daemon.ask("status") or {}
        count = int((deep(status, "cycles") or {}).get("count", 0))
        if count > before:
            return count
        await asyncio.sleep(_ASK_REAL_S)


async def _stutter(run: Rehearsal) -> None:
    """Stop the daemon after each cycle, until the second after it is due, again and again: each comes late.

    What it says itself is waited for, so that no cycle in time slips in between two stops.
    """
    end_s = run.elapsed_s() + run.making.lasts_s - 2.0
    count = await _ran(run, await _ran(run, -1))
    run.begin()
    while run.elapsed_s() < end_s:
        await asyncio.sleep(run.clock.real_s(_LATE_GO_S))
        run.daemon.freeze()
        await asyncio.sleep(run.clock.real_s(_LATE_STOP_S))
        run.daemon.thaw()
        count = await _ran(run, count)


def _end(*, release: bool, down_s: float) -> Deed:
    """End the daemon at once; without ``release`` the machine is gone and nobody releases."""

    async def deed(run: Rehearsal) -> None:
        await run.keeper.happen(asked.Kill(at_s=0.0, do="kill", down_s=down_s, release=release))

    return deed


async def _guarded(run: Rehearsal, work: Path, stack: AsyncExitStack) -> None:
    """Put a watchdog above the daemon, as systemd is one."""
    run.guardian = Guardian(work / "notify", inf, lambda: _end(release=True, down_s=5.0)(run))
    run.daemon.child.env["NOTIFY_SOCKET"] = str(work / "notify")
    stack.callback(run.guardian.close)
    task = asyncio.create_task(run.guardian.run())

    async def over() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(over)


async def _freeze(run: Rehearsal) -> None:
    assert run.guardian is not None
    run.guardian.after_s = WATCHDOG_S
    run.daemon.freeze()


def _looser(at_s: float) -> dict[str, Any]:
    return {"do": "caps", "at_s": at_s, "import_max_w": 14_000, "for_s": 3_000}


MAKINGS: tuple[Making, ...] = (
    Making(
        loss="grid-meter-stale",
        how="the grid meter falls silent while the load steps up",
        make=_fault("meter", "silent"),
        undo=_well("meter"),
        lasts_s=9.0,
        rate=5.0,
        house=WIDE,
        events=(EVENING, {"do": "load", "at_s": 61.5, "extra_w": 1_500, "for_s": 20}),
        watched="order.battery_w",
        measure=reaction.rests(),
    ),
    Making(
        loss="grid-meter-lost",
        how="the grid meter falls silent",
        make=_fault("meter", "silent"),
        undo=_well("meter"),
        lasts_s=20.0,
        rate=5.0,
        house=WIDE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reaction.falls(0.0),
    ),
    Making(
        loss="battery-silent",
        of="bat1",
        how="the battery inverter falls silent",
        make=_fault("storage", "silent"),
        undo=_well("storage"),
        lasts_s=75.0,
        house=WIDE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reaction.falls(0.0),
    ),
    Making(
        loss="pv-silent",
        of="pv1",
        how="the PV inverter falls silent while its generation is capped",
        start="2026-06-12T12:30:00",
        make=_fault("solar", "silent"),
        undo=_well("solar"),
        lasts_s=75.0,
        house={**WIDE, "pv": "sunspec-7xx"},
        events=({"do": "caps", "at_s": 30, "generation_max_w": 1_500, "for_s": 3_000},),
        watched="order.generation_max_w",
        measure=reaction.never_rises(),
    ),
    Making(
        loss="ev-silent",
        of="ev1",
        how="the charging point falls silent while a car charges",
        make=_fault("charger", "silent"),
        undo=_well("charger"),
        lasts_s=75.0,
        house=WIDE,
        events=(CAR,),
        watched="order.current_max_a",
        measure=reaction.falls(0.0, 0.5),
    ),
    Making(
        loss="load-silent",
        of="hp1",
        how="the heat pump's meter falls silent",
        make=_fault("heatmeter", "silent"),
        undo=_well("heatmeter"),
        lasts_s=20.0,
        house=WIDE,
    ),
    Making(
        loss="moded-silent",
        of="lamps1",
        how="the cabinet of the street lights falls silent while they are dimmed",
        start="2026-06-12T23:30:00",
        make=_fault("lamps1_box", "silent"),
        undo=_well("lamps1_box"),
        lasts_s=640.0,
        rate=20.0,
        house={**WIDE, "assets": [LAMPS]},
        watched="order.lamps1.dim_pct",
        measure=reaction.falls(100.0, 1.0),
    ),
    Making(
        loss="bus-down",
        of="rs485",
        how="the serial adapter is pulled out",
        make=_pull_line,
        undo=_put_line,
        lasts_s=20.0,
        house=WIDE,
    ),
    Making(
        loss="bus-down",
        of="storage_net",
        how="the battery's network cable is pulled out",
        make=_fault("storage", "unplugged"),
        undo=_well("storage"),
        lasts_s=75.0,
        house=WIDE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reaction.falls(0.0),
    ),
    Making(
        loss="uplink-lost",
        how="the broker is gone while a car charges",
        make=_broker_gone,
        undo=_broker_back,
        warm_s=480.0,
        rate=20.0,
        lasts_s=UPLINK_S,
        house=BATTERY,
        events=(CAR,),
        watched="order.current_max_a",
        measure=reaction.sinks(1.0),
    ),
    Making(
        loss="clock-unsynced",
        how="the clock is no longer synchronised, and the district would loosen",
        make=_clock("off"),
        undo=_clock("well"),
        lasts_s=30.0,
        house=WIDE,
        events=({"do": "caps", "at_s": 30, "import_max_w": 8_000, "for_s": 3_000}, _looser(65)),
        watched="control.caps.import.max_w",
        measure=reaction.never_rises(1.0),
    ),
    Making(
        loss="clock-jumped",
        sign="uplink-lost",
        how="the wall clock jumps by two hours while a car charges",
        make=_clock("wrong", 7_200.0),
        undo=_clock("well"),
        warm_s=480.0,
        rate=20.0,
        lasts_s=UPLINK_S,
        house=BATTERY,
        events=(CAR,),
        watched="order.current_max_a",
        measure=reaction.sinks(1.0),
    ),
    Making(
        loss="disk-full",
        how=f"the disk of {ground.DISK_MB} MB is filled to the last byte",
        make=ground.fill,
        undo=ground.clear,
        lasts_s=45.0,
        rate=2.0,
        house=WIDE,
        events=(EVENING,),
        watched="cycles.late_max_s",
        measure=reaction.longest,
        needs=ground.why_not_full,
        ground=ground.small,
    ),
    Making(
        loss="disk-dead",
        how="the disk fails: every access ends in an error",
        make=ground.die,
        undo=ground.stays_dead,
        lasts_s=45.0,
        rate=2.0,
        house=WIDE,
        events=(EVENING,),
        watched="cycles.late_max_s",
        measure=reaction.longest,
        needs=ground.why_not_dead,
        ground=ground.mortal,
    ),
    Making(
        loss="cycle-late",
        how="the daemon is stopped for 1.4 s after each cycle while the load steps up",
        make=_stutter,
        undo=_nothing,
        lasts_s=20.0,
        rate=1.0,
        warm_s=30.0,
        house=WIDE,
        events=(EVENING, {"do": "load", "at_s": 30, "extra_w": 1_500, "for_s": 60}),
        watched="order.battery_w",
        measure=reaction.rests(),
    ),
    Making(
        loss="controller-killed",
        how="kill -9, and what systemd does then",
        make=_end(release=True, down_s=5.0),
        undo=_nothing,
        lasts_s=8.0,
        warm_s=40.0,
        rate=1.0,
        house=WIDE,
        events=(EVENING, CAR),
    ),
    Making(
        loss="controller-frozen",
        how="SIGSTOP, and a watchdog as systemd's above it",
        make=_freeze,
        undo=_nothing,
        lasts_s=18.0,
        warm_s=40.0,
        rate=1.0,
        house=WIDE,
        events=(EVENING, CAR),
        ground=_guarded,
    ),
    Making(
        loss="power-lost",
        how="the gateway is gone, and nobody releases",
        make=_end(release=False, down_s=70.0),
        undo=_nothing,
        lasts_s=75.0,
        house=WIDE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reaction.falls(0.0),
    ),
)


async def _stop_it(run: Rehearsal) -> None:
    run.daemon.freeze()


REAL = ("controller-killed", "controller-frozen")
"""Losses whose answer is systemd's."""


def real(making: Making) -> Making:
    """The same under a systemd of its own, which does what the rig plays else."""
    frozen = making.loss == "controller-frozen"
    return replace(
        making,
        how="SIGSTOP; systemd does the rest" if frozen else "kill -9; systemd does the rest",
        make=_stop_it if frozen else making.make,
        lasts_s=making.lasts_s + 4.0,
        needs=init.why_not,
        ground=init.under_systemd,
    )
