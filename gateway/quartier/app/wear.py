"""Keeps the tally of writes on disk: two copies, written in a thread, never in the way of the cycle."""

import asyncio
from pathlib import Path
from typing import Any

from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock
from quartier.runtime.writes import Tally

FILE = "writes"
PERIOD_S = 10.0
# A fast clock makes no busy disk.
FLOOR_S = 0.5


def recalled(state_dir: Path) -> Tally:
    """The tally of earlier runs; an empty one where none is sound."""
    try:
        return Tally(statefile.load(state_dir / FILE))
    except (AttributeError, TypeError, ValueError):
        return Tally()


def keep(state_dir: Path, tally: Tally) -> None:
    """Write the tally down.  Raises OSError."""
    statefile.save(state_dir / FILE, tally.facts())


async def run(state_dir: Path, tally: Tally, clock: HouseClock, log: Any) -> None:
    """Keep the tally whenever something was written; says once when the disk refuses."""
    kept_count = 0
    failing = False
    while True:
        await clock.doze(PERIOD_S, FLOOR_S)
        count = tally.changes_count
        if count == kept_count:
            continue
        try:
            # The facts are taken here: the thread must not read what the loop changes.
            await asyncio.to_thread(statefile.save, state_dir / FILE, tally.facts())
        except OSError as error:
            if not failing:
                log.warning("writes.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            kept_count, failing = count, False
