"""Keeps the link state on disk: two copies, written in a thread, never in the way of the cycle."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.control.link import state as link_state
from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock, boot_id

FILE = "link"
PERIOD_S = 1.0
# A fast clock makes no busy disk.
FLOOR_S = 0.2
_WRITING = threading.Lock()


# All that is kept in two copies; the others lie beside ours.
DOCUMENTS = "documents"
OF_DISTRICT = (DOCUMENTS, "district", "keys", "expiries", "jobs", "ordered")
FILES = (
    FILE,
    *OF_DISTRICT,
    "writes",
    "memory",
    "fallbacks",
    "probes",
    "overrides",
    "alarms",
    "applied",
    "protected",
)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of the link before this start.

    ``outage``: the machine lost its power since (spec/failsafe.md#rule-6: another boot of the
    machine without a recorded planned stop).  ``killed``: the run before did not leave in order, though
    the machine went on.  ``lost``: there was a state, and it cannot be read.  ``rebooted``: the machine
    started anew, planned or not; None: its boots have no names.
    """

    state: link_state.LinkState | None
    outage: bool = False
    lost: bool = False
    killed: bool = False
    rebooted: bool | None = None


def recalled(state_dir: Path) -> Recalled:
    """The persisted link state, if one is sound; who has lost it may have been under a limit."""
    facts = statefile.load(state_dir / FILE)
    if facts is None:
        # Deleted, both copies: that documents were taken shows that there was a state.
        lost = bool(statefile.damaged(state_dir / FILE) or statefile.load(state_dir / DOCUMENTS))
        return Recalled(None, lost=lost)
    unplanned = not facts.get("planned", False)
    here, there = boot_id(), facts.get("boot_id")
    outage = there != here and unplanned
    rebooted = there != here if here and there else None
    try:
        state = link_state.load_link_state(facts["link"])
        return Recalled(state, outage, killed=unplanned and not outage, rebooted=rebooted)
    except (AttributeError, KeyError, ValueError):
        return Recalled(None, outage, lost=True)


def damage(state_dir: Path) -> Iterator[tuple[Path, bool]]:
    """Every damaged copy of a file of facts, and whether the other one is sound."""
    for name in FILES:
        path = state_dir / name
        for copy in statefile.damaged(path):
            yield copy, statefile.load(path) is not None


def keep(state_dir: Path, state: link_state.LinkState, *, planned: bool) -> None:
    """Write the link state down.  Raises OSError.

    One at a time: the last word of a daemon that leaves waits for one that a slow disk still has in hand.
    """
    with _WRITING:
        facts = {"boot_id": boot_id(), "planned": planned, "link": link_state.dump_link_state(state)}
        statefile.save(
            state_dir / FILE, facts, twice=True
        )  # the envelope before this one may have been wider


async def run(
    state_dir: Path, present: Callable[[], link_state.LinkState], clock: HouseClock, log: Any
) -> None:
    """Save the state whenever something that lasts has changed; says once when the disk refuses."""
    saved: link_state.LinkState | None = None
    failing = False
    while True:
        state = present()
        if link_state.is_save_due(saved, state):
            try:
                await asyncio.to_thread(keep, state_dir, state, planned=False)
            except OSError as error:
                if not failing:
                    log.warning("link.not_kept", folder=str(state_dir), why=error.strerror or str(error))
                failing = True
            else:
                saved, failing = state, False
        await clock.doze(PERIOD_S, FLOOR_S)
