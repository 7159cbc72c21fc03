"""What must be known after a restart, of devices and of control: two copies on disk, written in a thread.

A meter that was swapped while the gateway was off is seen only by who knows what the old one showed.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from quartier.app.pledges import Pledges
from quartier.runtime import statefile
from quartier.runtime.clock import HouseClock
from quartier_drivers.abilities import Remembering
from quartier_drivers.contract import in_step_s

FILE = "memory"
PERIOD_S = 60.0
LOOK_S = 1.0
# A fast clock makes no busy disk, and no busy loop.
FLOOR_S, LOOK_FLOOR_S = 0.5, 0.2
# How long a gateway may have been away when nobody can tell.
_LONG_S = 366 * 86400.0

Named = Iterable[tuple[str, object]]
Drivers = Callable[[], Named]


class Memory:
    """By device: what its driver keeps, and when that was (UTC)."""

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        self._facts: dict[str, Any] = dict(facts or {})

    def remind(self, name: str, driver: object, utc_ms: int, *, synced: bool) -> None:
        """Give a driver back what it kept, if it is one that remembers."""
        known = self._facts.get(name)
        if not isinstance(driver, Remembering) or not isinstance(known, dict):
            return
        kept, then_ms = known.get("kept"), known.get("utc_ms")
        if isinstance(kept, dict) and isinstance(then_ms, int):
            away_s = (utc_ms - then_ms) / 1000
            driver.recall(kept, away_s if synced and away_s >= 0 else _LONG_S)

    def gather(self, drivers: Named, utc_ms: int) -> dict[str, Any]:
        """The facts as they are now; devices that are not there stay as they were."""
        for name, driver in drivers:
            if isinstance(driver, Remembering) and (kept := driver.kept()):
                before = self._facts.get(name)
                if not isinstance(before, dict) or before.get("kept") != kept:
                    self._facts[name] = {"kept": dict(kept), "utc_ms": utc_ms}
        return dict(self._facts)


def recalled(state_dir: Path) -> Memory:
    """What earlier runs knew; nothing where no file is sound."""
    return Memory(statefile.load(state_dir / FILE))


def keep(state_dir: Path, facts: dict[str, Any]) -> None:
    """Write the facts down, if there are any.  Raises OSError."""
    if facts:
        statefile.save(state_dir / FILE, facts)


async def _worth_keeping(
    clock: HouseClock, contract: Callable[[], object], agreed: object, rung: asyncio.Event
) -> None:
    """Wait for a minute, or until the contract is no longer the one that was kept, or somebody waits."""
    due_ns = clock.now_ns() + int(max(PERIOD_S, FLOOR_S * clock.rate) * 1e9)
    while clock.now_ns() < due_ns and contract() == agreed and not rung.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(max(in_step_s(clock.now_ns(), LOOK_S) / clock.rate, LOOK_FLOOR_S)):
                await rung.wait()
    rung.clear()


async def run(
    state_dir: Path,
    memory: Memory,
    drivers: Drivers,
    clock: HouseClock,
    log: Any,
    contract: Callable[[], object] = lambda: None,
    pledges: Pledges | None = None,
) -> None:
    """Keep what changed, once a minute; says once when the disk refuses.

    ``contract`` is what is seldom learnt and must not be forgotten: when it changes it is kept at once.
    ``pledges`` are answers that wait for just that.
    """
    saved = memory.gather((), 0)
    agreed, failing = contract(), False
    waiting = pledges or Pledges(lambda _ack: None)
    while True:
        await _worth_keeping(clock, contract, agreed, waiting.rung)
        agreed, count = contract(), waiting.count
        facts = memory.gather(drivers(), clock.utc_ms())
        if facts == saved:
            waiting.kept(count)
            continue
        try:
            await asyncio.to_thread(keep, state_dir, facts)
        except OSError as error:
            if not failing:
                log.warning("memory.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            saved, failing = facts, False
            waiting.kept(count)
