"""Count the data that smart meters sent and those that the daemon received, while no meter sends."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from quartier_hil.metering import Metering, Spoken
from quartier_hil.scenario import Scenario
from quartier_hil.stage.daemon import Daemon
from quartier_hil.verdict.checks import Heard
from quartier_hil.wanted import Accounted

# Without news for this time a meter has sent all: more than a slot of the daemon, real seconds.
STILL_S = 0.5
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one meter up to a moment: sent, and counted good and bad by the daemon."""

    spoken: Spoken
    good_count: int
    bad_count: int


class Running(Protocol):
    """A run that goes on meanwhile."""

    scenario: Scenario
    metering: Metering
    daemon: Daemon

    async def until(self, at_s: float) -> None:
        """Wait for second ``at_s`` of the scenario."""
        ...


async def reckoned(run: Running) -> Mapping[str, Heard]:
    """Return the counts sent and received from the moment that the scenario's checks name to its end.

    Empty where no check needs them, or where the daemon's counts do not come to rest.
    """
    wanted = [check for check in run.scenario.checks if isinstance(check, Accounted)]
    if not wanted:
        return {}
    await run.until(min(check.from_s for check in wanted))
    try:
        before = await counted(run.metering, run.daemon)
        await run.until(run.scenario.duration_s)
        return between(before, await counted(run.metering, run.daemon))
    except TimeoutError:
        return {}


async def counted(metering: Metering, daemon: Daemon) -> Mapping[str, Tally]:
    """Return the counts of both sides by meter, while all meters are silent; then let them send again.

    Raises TimeoutError where a meter cannot send its last bytes because nothing reads them, and where the
    counts of the daemon do not come to rest.
    """
    before: Mapping[str, tuple[int, int]] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            await metering.hush()
            while True:
                await asyncio.sleep(STILL_S)
                found = await _heard(metering, daemon)
                if len(found) == len(metering.names) and found == before:
                    break
                before = found
            spoken = metering.spoken()
    finally:
        metering.speak()
    return {name: Tally(spoken[name], *found[name]) for name in metering.names}


async def _heard(metering: Metering, daemon: Daemon) -> Mapping[str, tuple[int, int]]:
    status = await daemon.ask("status") or {}
    counts = {bus["name"]: bus["counts"] for bus in status.get("buses", ())}
    return {
        name: (int(counts[name].get("good_count", 0)), int(counts[name].get("bad_count", 0)))
        for name in metering.names
        if name in counts
    }


def between(before: Mapping[str, Tally], after: Mapping[str, Tally]) -> dict[str, Heard]:
    """Return the counts between two tallies, by meter."""
    return {
        name: Heard(
            end.spoken.sound_count - begin.spoken.sound_count,
            end.spoken.hit_count - begin.spoken.hit_count,
            end.good_count - begin.good_count,
            end.bad_count - begin.bad_count,
        )
        for name, end in after.items()
        for begin in (before[name],)
    }
