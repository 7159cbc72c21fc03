"""Cause each row of the loss table on the simulated building, in the order of the table."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from quartier_hil.drill import namespaces, reactions
from quartier_hil.drill.loss_run import Condition, LossCause, LossRun, Watchdog
from quartier_hil.processes.daemon_process import find_value
from quartier_hil.scenario.events import ClockFault, DaemonStop

Action = Callable[[LossRun], Awaitable[None]]
BATTERY_SITE = {"battery": "sunspec-7xx", "battery_wh": 20_000, "soc_pct": 80, "contract_import_w": 15_000}
WIDE_LIMIT_SITE = {**BATTERY_SITE, "failsafe_import_w": 15_000}
EVENING = {"do": "load", "at_s": 2, "extra_w": 3_000, "for_s": 3_000}
CAR = {"do": "plug", "at_s": 5, "need_wh": 40_000}
# Until the district is heard, the fail-safe limit holds: a car that comes then is paused.
LATER_CAR = {**CAR, "at_s": 120}
CAR_CHARGES = Condition("ev1.power_w", 1_000.0, "no car charged")
LAMPS = {"kind": "lights", "name": "lamps1", "rated_w": 2_000, "evening": ["22:30 80 %", "05:30 100 %"]}
UPLINK_S = 130.0
WATCHDOG_S = 10.0
"""``WatchdogSec`` of our unit."""
_RUNNING_S, _FROZEN_S = 0.6, 1.4
"""Two periods together: one cycle is missed, the wires have their time, and the next is not yet due."""
_POLL_REAL_S = 0.005


def _make_fault(device: str, kind: str) -> Action:
    async def action(run: LossRun) -> None:
        run.wiring.fault(device, kind)

    return action


def _make_fault_end(device: str) -> Action:
    async def action(run: LossRun) -> None:
        run.wiring.clear(device)

    return action


async def _do_nothing(_: LossRun) -> None:
    """It is right already."""


async def _pull_line(run: LossRun) -> None:
    run.wiring.pull()


async def _put_line(run: LossRun) -> None:
    run.wiring.put()


async def _stop_broker(run: LossRun) -> None:
    await run.broker.stop()


async def _start_broker(run: LossRun) -> None:
    await run.broker.start()


def _make_clock_fault(kind: str, seconds: float = 0.0) -> Action:
    async def action(run: LossRun) -> None:
        run.director.set_clock_fault(
            ClockFault.model_validate({"at_s": 0, "do": "clock", "kind": kind, "seconds": seconds})
        )

    return action


async def _wait_for_cycles(run: LossRun, before: int) -> int:
    """The count of cycles, once the daemon has run more than ``before``."""
    while True:
        status = await run.daemon.ask("status") or {}
        count = int((find_value(status, "cycles") or {}).get("count", 0))
        if count > before:
            return count
        await asyncio.sleep(_POLL_REAL_S)


async def _delay_cycles(run: LossRun) -> None:
    """Stop the daemon after each cycle, until the second after it is due, again and again: each comes late.

    What it says itself is waited for, so that no cycle in time slips in between two stops.
    """
    end_s = run.elapsed_s() + run.loss_cause.lasts_s - 2.0
    count = await _wait_for_cycles(run, await _wait_for_cycles(run, -1))
    run.begin()
    while run.elapsed_s() < end_s:
        await asyncio.sleep(run.clock.real_s(_RUNNING_S))
        run.daemon.freeze()
        await asyncio.sleep(run.clock.real_s(_FROZEN_S))
        run.daemon.thaw()
        count = await _wait_for_cycles(run, count)


def _make_daemon_kill(*, release: bool, down_s: float) -> Action:
    """End the daemon at once; without ``release`` the machine is gone and nobody releases."""

    async def action(run: LossRun) -> None:
        await run.supervisor.perform_event(DaemonStop(at_s=0.0, do="kill", down_s=down_s, release=release))

    return action


async def _start_watchdog(run: LossRun, work: Path, stack: AsyncExitStack) -> None:
    """Put a watchdog above the daemon, as systemd is one."""
    run.guardian = Watchdog(work / "notify", inf, lambda: _make_daemon_kill(release=True, down_s=5.0)(run))
    run.daemon.child.env["NOTIFY_SOCKET"] = str(work / "notify")
    stack.callback(run.guardian.close)
    task = asyncio.create_task(run.guardian.run())

    async def over() -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(over)


async def _freeze_daemon(run: LossRun) -> None:
    assert run.guardian is not None
    run.guardian.after_s = WATCHDOG_S
    run.daemon.freeze()


def _make_looser_limit(at_s: float) -> dict[str, Any]:
    return {"do": "caps", "at_s": at_s, "import_max_w": 14_000, "for_s": 3_000}


LOSS_CAUSES: tuple[LossCause, ...] = (
    LossCause(
        loss="grid-meter-stale",
        how="the grid meter falls silent while the load steps up",
        make=_make_fault("meter", "silent"),
        undo=_make_fault_end("meter"),
        lasts_s=9.0,
        rate=5.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING, {"do": "load", "at_s": 61.5, "extra_w": 1_500, "for_s": 20}),
        watched="order.battery_w",
        measure=reactions.measure_last_change(),
    ),
    LossCause(
        loss="grid-meter-lost",
        how="the grid meter falls silent",
        make=_make_fault("meter", "silent"),
        undo=_make_fault_end("meter"),
        lasts_s=20.0,
        rate=5.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reactions.measure_settling(0.0),
    ),
    LossCause(
        loss="battery-silent",
        of="bat1",
        how="the battery inverter falls silent",
        make=_make_fault("storage", "silent"),
        undo=_make_fault_end("storage"),
        lasts_s=75.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reactions.measure_settling(0.0),
    ),
    LossCause(
        loss="pv-silent",
        of="pv1",
        how="the PV inverter falls silent while its generation is capped",
        start="2026-06-12T12:30:00",
        make=_make_fault("solar", "silent"),
        undo=_make_fault_end("solar"),
        lasts_s=75.0,
        house={**WIDE_LIMIT_SITE, "pv": "sunspec-7xx"},
        events=({"do": "caps", "at_s": 30, "generation_max_w": 1_500, "for_s": 3_000},),
        watched="order.generation_max_w",
        measure=reactions.measure_last_rise(),
    ),
    LossCause(
        loss="ev-silent",
        of="ev1",
        how="the charge point falls silent while a car charges",
        make=_make_fault("charger", "silent"),
        undo=_make_fault_end("charger"),
        lasts_s=75.0,
        house=WIDE_LIMIT_SITE,
        events=(CAR,),
        watched="order.current_max_a",
        measure=reactions.measure_settling(0.0, 0.5),
        condition=CAR_CHARGES,
    ),
    LossCause(
        loss="load-silent",
        of="hp1",
        how="the heat pump's meter falls silent",
        make=_make_fault("heatmeter", "silent"),
        undo=_make_fault_end("heatmeter"),
        lasts_s=20.0,
        house=WIDE_LIMIT_SITE,
    ),
    LossCause(
        loss="moded-silent",
        of="lamps1",
        how="the cabinet of the street lights falls silent while they are dimmed",
        start="2026-06-12T23:30:00",
        make=_make_fault("lamps1_box", "silent"),
        undo=_make_fault_end("lamps1_box"),
        lasts_s=640.0,
        rate=20.0,
        house={**WIDE_LIMIT_SITE, "assets": [LAMPS]},
        watched="order.lamps1.dim_pct",
        measure=reactions.measure_settling(100.0, 1.0),
    ),
    LossCause(
        loss="bus-down",
        of="rs485",
        how="the serial adapter is pulled out",
        make=_pull_line,
        undo=_put_line,
        lasts_s=20.0,
        house=WIDE_LIMIT_SITE,
    ),
    LossCause(
        loss="bus-down",
        of="storage_net",
        how="the battery's network cable is pulled out",
        make=_make_fault("storage", "unplugged"),
        undo=_make_fault_end("storage"),
        lasts_s=75.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reactions.measure_settling(0.0),
    ),
    LossCause(
        loss="uplink-lost",
        how="the broker is gone while a car charges",
        make=_stop_broker,
        undo=_start_broker,
        warm_s=480.0,
        rate=20.0,
        lasts_s=UPLINK_S,
        house=BATTERY_SITE,
        events=(LATER_CAR,),
        watched="order.current_max_a",
        measure=reactions.measure_decrease(1.0),
        condition=CAR_CHARGES,
    ),
    LossCause(
        loss="clock-unsynced",
        how="the clock is no longer synchronised, and the district would loosen",
        make=_make_clock_fault("off"),
        undo=_make_clock_fault("well"),
        lasts_s=30.0,
        house=WIDE_LIMIT_SITE,
        events=({"do": "caps", "at_s": 30, "import_max_w": 8_000, "for_s": 3_000}, _make_looser_limit(65)),
        watched="control.caps.import.max_w",
        measure=reactions.measure_last_rise(1.0),
    ),
    LossCause(
        loss="clock-jumped",
        sign="uplink-lost",
        how="the wall clock jumps by two hours while a car charges",
        make=_make_clock_fault("wrong", 7_200.0),
        undo=_make_clock_fault("well"),
        warm_s=480.0,
        rate=20.0,
        lasts_s=UPLINK_S,
        house=BATTERY_SITE,
        events=(LATER_CAR,),
        watched="order.current_max_a",
        measure=reactions.measure_decrease(1.0),
        condition=CAR_CHARGES,
    ),
    LossCause(
        loss="disk-full",
        how=f"the disk of {namespaces.DISK_MB} MB is filled to the last byte",
        make=namespaces.fill_disk,
        undo=namespaces.free_disk,
        lasts_s=45.0,
        rate=2.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="cycles.late_max_s",
        measure=reactions.measure_largest,
        needs=namespaces.explain_no_small_disk,
        set_up_environment=namespaces.use_small_disk,
    ),
    LossCause(
        loss="disk-dead",
        how="the disk fails: every access ends in an error",
        make=namespaces.fail_disk,
        undo=namespaces.require_failed_disk,
        lasts_s=45.0,
        rate=2.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="cycles.late_max_s",
        measure=reactions.measure_largest,
        needs=namespaces.explain_no_failing_disk,
        set_up_environment=namespaces.use_failing_disk,
    ),
    LossCause(
        loss="cycle-late",
        how="the daemon is stopped for 1.4 s after each cycle while the load steps up",
        make=_delay_cycles,
        undo=_do_nothing,
        lasts_s=20.0,
        rate=1.0,
        warm_s=30.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING, {"do": "load", "at_s": 30, "extra_w": 1_500, "for_s": 60}),
        watched="order.battery_w",
        measure=reactions.measure_last_change(),
    ),
    LossCause(
        loss="controller-killed",
        how="kill -9, and what systemd does then",
        make=_make_daemon_kill(release=True, down_s=5.0),
        undo=_do_nothing,
        lasts_s=8.0,
        warm_s=40.0,
        rate=1.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING, CAR),
    ),
    LossCause(
        loss="controller-frozen",
        how="SIGSTOP, and a watchdog as systemd's above it",
        make=_freeze_daemon,
        undo=_do_nothing,
        lasts_s=18.0,
        warm_s=40.0,
        rate=1.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING, CAR),
        set_up_environment=_start_watchdog,
    ),
    LossCause(
        loss="power-lost",
        how="the gateway is gone, and nobody releases",
        make=_make_daemon_kill(release=False, down_s=70.0),
        undo=_do_nothing,
        lasts_s=75.0,
        house=WIDE_LIMIT_SITE,
        events=(EVENING,),
        watched="order.battery_w",
        measure=reactions.measure_settling(0.0),
    ),
)


async def _stop_daemon(run: LossRun) -> None:
    run.daemon.freeze()


SYSTEMD_LOSSES = ("controller-killed", "controller-frozen")
"""Losses whose answer is systemd's."""


def use_real_systemd(loss_cause: LossCause) -> LossCause:
    """The same under a systemd of its own, which does what the rig plays else."""
    frozen = loss_cause.loss == "controller-frozen"
    return replace(
        loss_cause,
        how="SIGSTOP; systemd does the rest" if frozen else "kill -9; systemd does the rest",
        make=_stop_daemon if frozen else loss_cause.make,
        lasts_s=loss_cause.lasts_s + 4.0,
        needs=namespaces.explain_no_systemd,
        set_up_environment=namespaces.start_under_systemd,
    )
