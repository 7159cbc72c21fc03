"""Load and save the state files of the daemon: link, device memory, write counts, fallbacks, probes.

The device memory reveals a meter that was swapped while the gateway was off: it holds what the old meter
showed.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.commissioning.probe_results import ProbeResult
from quartier.control.link import state as link_state
from quartier.district.service.commands import PendingAcks
from quartier.runtime import state_file
from quartier.runtime.bus.fallback_monitor import FallbackProof, KnownFallbacks
from quartier.runtime.bus.write_budget import WriteCounts
from quartier.runtime.clock import SiteClock, find_boot_id
from quartier_drivers.abilities import RememberingDriver
from quartier_drivers.contract import find_wait_s

FALLBACKS_FILE = "fallbacks"
FALLBACKS_PERIOD_S = 10.0
# A fast clock must not keep the disk busy.
FALLBACKS_PERIOD_FLOOR_S = 0.5


def load_fallbacks(state_dir: Path) -> KnownFallbacks:
    """Load what an earlier run or ``quartier arm`` found; empty if no file is sound."""
    try:
        return KnownFallbacks(state_file.load_facts(state_dir / FALLBACKS_FILE))
    except (AttributeError, KeyError, TypeError, ValueError):
        return KnownFallbacks()


def save_fallbacks(state_dir: Path, fallbacks: KnownFallbacks) -> None:
    """Save the known fallbacks.  Raises OSError."""
    state_file.save_facts(state_dir / FALLBACKS_FILE, fallbacks.facts())


def save_fallback_proof(state_dir: Path, point: str, proof: FallbackProof) -> None:
    """Add what was seen of a point's timer to the known fallbacks.  Raises OSError."""
    known = load_fallbacks(state_dir)
    known.prove(point, proof)
    save_fallbacks(state_dir, known)


async def run_fallback_saving(state_dir: Path, fallbacks: KnownFallbacks, clock: SiteClock, log: Any) -> None:
    """Save the fallbacks after each check; log once if the disk refuses."""
    kept_count = fallbacks.changes_count
    failing = False
    while True:
        await clock.sleep_coarsely(FALLBACKS_PERIOD_S, FALLBACKS_PERIOD_FLOOR_S)
        count = fallbacks.changes_count
        if count == kept_count:
            continue
        try:
            await asyncio.to_thread(state_file.save_facts, state_dir / FALLBACKS_FILE, fallbacks.facts())
        except OSError as error:
            if not failing:
                log.warning("fallbacks.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            kept_count, failing = count, False


LINK_FILE = "link"
LINK_PERIOD_S = 1.0
# A fast clock must not keep the disk busy.
LINK_PERIOD_FLOOR_S = 0.2
_WRITE_LOCK = threading.Lock()
# All files that are kept in two copies; those of the other modules are in the same folder.
DOCUMENTS_FILE = "documents"
DISTRICT_FILES = (DOCUMENTS_FILE, "district", "keys", "expiries", "jobs", "ordered", "tightened")
STATE_FILES = (
    LINK_FILE,
    *DISTRICT_FILES,
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
class LinkRecord:
    """The knowledge of the link from before this start.

    ``outage``: the machine lost its power since then (spec/failsafe.md#rule-6: another boot of the machine
    without a recorded planned stop).  ``killed``: the previous run did not stop in order, although the
    machine kept running.  ``lost``: there was a state, and it cannot be read.  ``rebooted``: the machine
    rebooted, planned or not; None if its boots have no ids.
    """

    state: link_state.LinkState | None
    outage: bool = False
    lost: bool = False
    killed: bool = False
    rebooted: bool | None = None


def load_link(state_dir: Path) -> LinkRecord:
    """Load the persisted link state if it is sound.

    ``lost`` in the result says that the gateway may have been under a limit.
    """
    facts = state_file.load_facts(state_dir / LINK_FILE)
    if facts is None:
        # Both copies were deleted: saved documents show that there was a state.
        lost = bool(
            state_file.find_damaged_copies(state_dir / LINK_FILE)
            or state_file.load_facts(state_dir / DOCUMENTS_FILE)
        )
        return LinkRecord(None, lost=lost)
    unplanned = not facts.get("planned", False)
    here, there = find_boot_id(), facts.get("boot_id")
    outage = there != here and unplanned
    rebooted = there != here if here and there else None
    try:
        state = link_state.load_link_state(facts["link"])
        return LinkRecord(state, outage, killed=unplanned and not outage, rebooted=rebooted)
    except (AttributeError, KeyError, ValueError):
        return LinkRecord(None, outage, lost=True)


def find_damaged_files(state_dir: Path) -> Iterator[tuple[Path, bool]]:
    """Yield every damaged copy of a state file, and whether its other copy is sound."""
    for name in STATE_FILES:
        path = state_dir / name
        for copy in state_file.find_damaged_copies(path):
            yield copy, state_file.load_facts(path) is not None


def save_link(state_dir: Path, state: link_state.LinkState, *, planned: bool) -> None:
    """Save the link state.  Raises OSError.

    Only one save runs at a time: the last save of a leaving daemon waits for one on a slow disk.
    """
    with _WRITE_LOCK:
        facts = {"boot_id": find_boot_id(), "planned": planned, "link": link_state.dump_link_state(state)}
        state_file.save_facts(
            state_dir / LINK_FILE, facts, twice=True
        )  # the envelope before this one may have been wider


async def run_link_saving(
    state_dir: Path, present: Callable[[], link_state.LinkState], clock: SiteClock, log: Any
) -> None:
    """Save the link state after each lasting change; log once if the disk refuses."""
    saved: link_state.LinkState | None = None
    failing = False
    while True:
        state = present()
        if link_state.is_save_due(saved, state):
            try:
                await asyncio.to_thread(save_link, state_dir, state, planned=False)
            except OSError as error:
                if not failing:
                    log.warning("link.not_kept", folder=str(state_dir), why=error.strerror or str(error))
                failing = True
            else:
                saved, failing = state, False
        await clock.sleep_coarsely(LINK_PERIOD_S, LINK_PERIOD_FLOOR_S)


MEMORY_FILE = "memory"
MEMORY_PERIOD_S = 60.0
MEMORY_CHECK_S = 1.0
# A fast clock must not keep the disk busy, nor the loop.
MEMORY_PERIOD_FLOOR_S, MEMORY_CHECK_FLOOR_S = 0.5, 0.2
# The absence that is assumed if no clock can tell.
_UNKNOWN_ABSENCE_S = 366 * 86400.0
NamedParts = Iterable[tuple[str, object]]
ListDrivers = Callable[[], NamedParts]


class DeviceMemory:
    """Facts that each driver keeps, by device, with the time (UTC)."""

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        self._facts: dict[str, Any] = dict(facts or {})

    def restore_driver(self, name: str, driver: object, utc_ms: int, *, synced: bool) -> None:
        """Give a driver what it saved earlier, if it remembers anything."""
        known = self._facts.get(name)
        if not isinstance(driver, RememberingDriver) or not isinstance(known, dict):
            return
        kept, then_ms = known.get("kept"), known.get("utc_ms")
        if isinstance(kept, dict) and isinstance(then_ms, int):
            away_s = (utc_ms - then_ms) / 1000
            driver.recall(kept, away_s if synced and away_s >= 0 else _UNKNOWN_ABSENCE_S)

    def gather(self, drivers: NamedParts, utc_ms: int) -> dict[str, Any]:
        """Collect the present facts; devices that are absent keep their last ones."""
        for name, driver in drivers:
            if isinstance(driver, RememberingDriver) and (kept := driver.dump_state()):
                before = self._facts.get(name)
                if not isinstance(before, dict) or before.get("kept") != kept:
                    self._facts[name] = {"kept": dict(kept), "utc_ms": utc_ms}
        return dict(self._facts)


def load_device_memory(state_dir: Path) -> DeviceMemory:
    """Load what earlier runs saved; empty if no file is sound."""
    return DeviceMemory(state_file.load_facts(state_dir / MEMORY_FILE))


def save_device_memory(state_dir: Path, facts: dict[str, Any]) -> None:
    """Save the facts, if there are any.  Raises OSError."""
    if facts:
        state_file.save_facts(state_dir / MEMORY_FILE, facts)


async def _wait_for_change(
    clock: SiteClock, contract: Callable[[], object], agreed: object, woken: asyncio.Event
) -> None:
    """Wait for at most a minute, until the contract differs from the saved one or an ack waits."""
    due_ns = clock.now_ns() + int(max(MEMORY_PERIOD_S, MEMORY_PERIOD_FLOOR_S * clock.rate) * 1e9)
    while clock.now_ns() < due_ns and contract() == agreed and not woken.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(
                max(find_wait_s(clock.now_ns(), MEMORY_CHECK_S) / clock.rate, MEMORY_CHECK_FLOOR_S)
            ):
                await woken.wait()
    woken.clear()


async def run_memory_saving(
    state_dir: Path,
    memory: DeviceMemory,
    drivers: ListDrivers,
    clock: SiteClock,
    log: Any,
    *,
    contract: Callable[[], object] = lambda: None,
    pending_acks: PendingAcks | None = None,
) -> None:
    """Save changes once a minute; log once if the disk refuses.

    ``contract`` returns facts that are rarely learnt and must not be lost: a change is saved at once.
    ``pending_acks`` are acks that wait until the save is done.
    """
    saved = memory.gather((), 0)
    agreed, failing = contract(), False
    waiting = pending_acks or PendingAcks(lambda _ack: None)
    while True:
        await _wait_for_change(clock, contract, agreed, waiting.wake_event)
        agreed, count = contract(), waiting.count
        facts = memory.gather(drivers(), clock.utc_ms())
        if facts == saved:
            waiting.send_saved(count)
            continue
        try:
            await asyncio.to_thread(save_device_memory, state_dir, facts)
        except OSError as error:
            if not failing:
                log.warning("memory.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            saved, failing = facts, False
            waiting.send_saved(count)


PROBES_FILE = "probes"


def load_probe_results(state_dir: Path) -> dict[str, ProbeResult]:
    """Load the last probe of every asset; leave out what cannot be read."""
    found: dict[str, ProbeResult] = {}
    for name, facts in (state_file.load_facts(state_dir / PROBES_FILE) or {}).items():
        one = _load_probe_result(facts)
        if one is not None:
            found[name] = one
    return found


def save_probe_result(state_dir: Path, name: str, one: ProbeResult) -> None:
    """Add or replace the probe of an asset.  Raises OSError."""
    facts = state_file.load_facts(state_dir / PROBES_FILE) or {}
    state_file.save_facts(state_dir / PROBES_FILE, {**facts, name: asdict(one)}, twice=True)


def _load_probe_result(facts: Any) -> ProbeResult | None:
    if not isinstance(facts, Mapping):
        return None
    names = {one.name for one in fields(ProbeResult)}
    try:
        one = ProbeResult(**{key: value for key, value in facts.items() if key in names})
    except TypeError:
        return None
    numbers = (one.when_utc_ms, one.delay_s, one.lag_s, one.ramp_w_per_s, one.gain, one.grid_gain)
    sound = all(value is None or (isinstance(value, int | float) and isfinite(value)) for value in numbers)
    sound = sound and one.ramp_w_per_s >= 0 and (one.delay_s is None or one.delay_s >= 0)
    return one if sound else None


WRITES_FILE = "writes"
WRITES_PERIOD_S = 10.0
# A fast clock must not keep the disk busy.
WRITES_PERIOD_FLOOR_S = 0.5


def load_write_counts(state_dir: Path) -> WriteCounts:
    """Load the write counts of earlier runs; empty if no file is sound."""
    try:
        return WriteCounts(state_file.load_facts(state_dir / WRITES_FILE))
    except (AttributeError, TypeError, ValueError):
        return WriteCounts()


def save_write_counts(state_dir: Path, counts: WriteCounts) -> None:
    """Save the write counts.  Raises OSError."""
    state_file.save_facts(state_dir / WRITES_FILE, counts.facts())


async def run_write_count_saving(state_dir: Path, counts: WriteCounts, clock: SiteClock, log: Any) -> None:
    """Save the write counts after each write; log once if the disk refuses."""
    kept_count = 0
    failing = False
    while True:
        await clock.sleep_coarsely(WRITES_PERIOD_S, WRITES_PERIOD_FLOOR_S)
        count = counts.changes_count
        if count == kept_count:
            continue
        try:
            # Taken here, in the event loop: the thread must not read what the loop changes.
            await asyncio.to_thread(state_file.save_facts, state_dir / WRITES_FILE, counts.facts())
        except OSError as error:
            if not failing:
                log.warning("writes.not_kept", folder=str(state_dir), why=error.strerror or str(error))
            failing = True
        else:
            kept_count, failing = count, False
