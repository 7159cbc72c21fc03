"""Count the data that smart meters sent and those that the daemon received, while no meter sends."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from quartier_hil.checks.verdicts import GroupCounts
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_hil.runner.smart_meters import LineCounts, SmartMeters
from quartier_hil.scenario.expectations import MeterCountExpectation
from quartier_hil.scenario.scenario_file import Scenario

# Without news for this time a meter has sent all: more than a slot of the daemon, real seconds.
QUIET_S = 0.5
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class MeterCounts:
    """Counts of one meter up to a moment: sent, and counted good and bad by the daemon."""

    sent_counts: LineCounts
    good_count: int
    bad_count: int


class RunningScenario(Protocol):
    """A run that goes on meanwhile."""

    scenario: Scenario
    smart_meters: SmartMeters
    daemon: DaemonProcess

    async def until(self, at_s: float) -> None:
        """Wait for second ``at_s`` of the scenario."""
        ...


async def count_run_groups(run: RunningScenario) -> Mapping[str, GroupCounts]:
    """Return the counts sent and received from the moment that the scenario's checks name to its end.

    Empty where no check needs them, or where the daemon's counts do not come to rest.
    """
    wanted = [check for check in run.scenario.checks if isinstance(check, MeterCountExpectation)]
    if not wanted:
        return {}
    await run.until(min(check.from_s for check in wanted))
    try:
        before = await read_counts(run.smart_meters, run.daemon)
        await run.until(run.scenario.duration_s)
        return subtract_counts(before, await read_counts(run.smart_meters, run.daemon))
    except TimeoutError:
        return {}


async def read_counts(smart_meters: SmartMeters, daemon: DaemonProcess) -> Mapping[str, MeterCounts]:
    """Return the counts of both sides by meter, while all meters are silent; then let them send again.

    Raises TimeoutError where a meter cannot send its last bytes because nothing reads them, and where the
    counts of the daemon do not come to rest.
    """
    before: Mapping[str, tuple[int, int]] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            await smart_meters.silence_all()
            while True:
                await asyncio.sleep(QUIET_S)
                found = await _read_daemon_counts(smart_meters, daemon)
                if len(found) == len(smart_meters.names) and found == before:
                    break
                before = found
            spoken = smart_meters.count_telegrams()
    finally:
        smart_meters.resume_all()
    return {name: MeterCounts(spoken[name], *found[name]) for name in smart_meters.names}


async def _read_daemon_counts(
    smart_meters: SmartMeters, daemon: DaemonProcess
) -> Mapping[str, tuple[int, int]]:
    status = await daemon.ask("status") or {}
    counts = {bus["name"]: bus["counts"] for bus in status.get("buses", ())}
    return {
        name: (int(counts[name].get("good_count", 0)), int(counts[name].get("bad_count", 0)))
        for name in smart_meters.names
        if name in counts
    }


def subtract_counts(
    before: Mapping[str, MeterCounts], after: Mapping[str, MeterCounts]
) -> dict[str, GroupCounts]:
    """Return the differences of two sets of counts, by meter."""
    return {
        name: GroupCounts(
            end.sent_counts.sound_count - begin.sent_counts.sound_count,
            end.sent_counts.hit_count - begin.sent_counts.hit_count,
            end.good_count - begin.good_count,
            end.bad_count - begin.bad_count,
        )
        for name, end in after.items()
        for begin in (before[name],)
    }
