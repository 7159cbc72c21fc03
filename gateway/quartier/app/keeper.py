"""Keeps the link state on disk: two copies, written in a thread, never in the way of the cycle."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quartier.control import link
from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock, boot_id

FILE = "link"
PERIOD_S = 1.0
# A fast clock makes no busy disk.
FLOOR_S = 0.2
_WRITING = threading.Lock()


def recalled(state_dir: Path) -> tuple[link.LinkState | None, bool]:
    """The persisted link state, if one is sound, and whether the machine lost its power since.

    Outage (failsafe.md section 1, rule 6): another boot of the machine without a recorded planned stop.
    """
    facts = statefile.load(state_dir / FILE)
    if facts is None:
        return None, False
    outage = facts.get("boot_id") != boot_id() and not facts.get("planned", False)
    try:
        return link.restore(facts["link"]), outage
    except (AttributeError, KeyError, ValueError):
        return None, outage


def keep(state_dir: Path, state: link.LinkState, *, planned: bool) -> None:
    """Write the link state down.  Raises OSError.

    One at a time: the last word of a daemon that leaves waits for one that a slow disk still has in hand.
    """
    with _WRITING:
        statefile.save(state_dir / FILE, {"boot_id": boot_id(), "planned": planned, "link": link.dump(state)})


async def run(state_dir: Path, present: Callable[[], link.LinkState], clock: HouseClock, log: Any) -> None:
    """Save the state whenever something that lasts has changed; says once when the disk refuses."""
    saved: link.LinkState | None = None
    failing = False
    while True:
        state = present()
        if link.worth_saving(saved, state):
            try:
                await asyncio.to_thread(keep, state_dir, state, planned=False)
            except OSError as error:
                if not failing:
                    log.warning("link.not_kept", folder=str(state_dir), why=error.strerror or str(error))
                failing = True
            else:
                saved, failing = state, False
        await clock.sleep(PERIOD_S)
        await asyncio.sleep(FLOOR_S)
