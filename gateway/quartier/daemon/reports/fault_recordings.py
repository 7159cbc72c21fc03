"""Save the frames around a fault of a bus, in a bounded number of files."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier.daemon.buses.lifecycle import BusManager
from quartier.daemon.reports.alarm_list import AlarmManager
from quartier.runtime.service_context import ServiceContext
from quartier.site.alarm_types import AlarmRecord
from quartier.site.records import Now

if TYPE_CHECKING:
    from quartier.commissioning.wire_record.wire_record import WireRecord
    from quartier.config.sections.site_file import RecordingSection, SiteFile
    from quartier_drivers.transport.frame_recorder import RecordedFrame
RECORDINGS_FOLDER = "records"
RECORDED_CODES = frozenset(
    {
        *("device.silent", "node.meter_silent", "contact.unread"),
        *("loss.bus_down", "loss.grid_meter_lost", "loss.battery_silent", "loss.pv_silent"),
        *("loss.ev_silent", "loss.load_silent", "loss.moded_silent"),
        *("bus.heard_badly", "output.refused", "output.not_taken_back", "output.second_master"),
    }
)
"""Alarms that the frames of a bus may explain."""


RECORDING_PAUSE_S = 600.0
"""A bus that fails again within this time gets no further file: the first one tells most, and disks wear."""


GARBLED_CODE, GARBLED_COUNT_MIN, GARBLED_PERIOD_S = "bus.garbled", 10, 30.0
"""This many garbled answers in this period in s are recorded, even if no device is silent."""


_GARBLED_COUNTS = ("rubbish_count", "bad_count")
_PERIOD_FLOOR_S = 0.5
_NS_PER_S = 1_000_000_000
_FILE_MODE = 0o640


class FaultRecorder:
    """Saves recordings in ``folder``; ``site`` returns the site file in use."""

    def __init__(
        self,
        folder: Path,
        fleet: BusManager,
        site: "Callable[[], SiteFile]",
        context: ServiceContext,
    ) -> None:
        self._folder = folder
        self._fleet = fleet
        self._site = site
        self._clock = context.clock
        self._event = context.event
        self._log = context.log
        self._garbled: dict[str, float] = {}
        self._waiting: dict[str, tuple[int, str, int]] = {}
        self._rests_until_ns: dict[str, int] = {}
        self._called = asyncio.Event()

    def note_alarm(self, alarm: AlarmRecord, now: Now) -> None:
        """Handle a raised alarm: if a bus can explain it, save its frames a while later."""
        bus = find_bus_of_alarm(self._site(), alarm.code, alarm.of) if alarm.code in RECORDED_CODES else None
        if bus is not None:
            self._schedule_recording(bus, alarm.code, now)

    def look(self, now: Now) -> None:
        """Schedule a recording of each bus with many garbled answers; call it every ``GARBLED_PERIOD_S``."""
        before, self._garbled = (
            self._garbled,
            {bus.name: _count_garbled(bus.counts) for bus in self._fleet.buses},
        )
        for bus, count in self._garbled.items():
            if count - before.get(bus, count) >= GARBLED_COUNT_MIN:
                self._schedule_recording(bus, GARBLED_CODE, now)

    def _schedule_recording(self, bus: str, code: str, now: Now) -> None:
        setting = self._site().recording
        if not (setting.files_max_count and setting.buffer_max_bytes):
            return
        if now.ns >= self._rests_until_ns.get(bus, 0) and bus not in self._waiting:
            self._rests_until_ns[bus] = now.ns + int(RECORDING_PAUSE_S * _NS_PER_S)
            self._waiting[bus] = now.ns + int(setting.after_s * _NS_PER_S), code, now.utc_ms
            self._called.set()

    async def run(self) -> None:
        """Save the recordings that are due, for ever."""
        while True:
            await self._called.wait()
            while self._waiting:
                bus, (due_ns, code, event_utc_ms) = next(iter(self._waiting.items()))
                await self._clock.sleep(max(0, due_ns - self._clock.now_ns()) / 1e9)
                del self._waiting[bus]
                await self._keep(bus, code, event_utc_ms)
            self._called.clear()

    async def watch(self) -> None:
        """Check for many garbled answers, for ever."""
        while True:
            await self._clock.sleep_coarsely(GARBLED_PERIOD_S, _PERIOD_FLOOR_S)
            self.look(self._clock.now())

    async def _keep(self, bus: str, code: str, event_utc_ms: int) -> None:
        taken = self._fleet.recorder.open_record(bus)
        if taken is None:
            return
        setting = self._site().recording
        try:
            name = await asyncio.to_thread(
                _write_recording, self._folder, *taken, code, event_utc_ms, setting
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._log.warning("record.not_kept", bus=bus, why=why)
            return
        self._log.info("record.kept", bus=bus, file=f"{RECORDINGS_FOLDER}/{name}", why=code)
        text = f"the frames of {bus} around {code} are in {RECORDINGS_FOLDER}/{name}"
        self._event("record.kept", text, {"bus": bus, "file": name, "code": code}, self._clock.now())


def _count_garbled(counts: Mapping[str, float]) -> float:
    return sum(counts.get(name, 0.0) for name in _GARBLED_COUNTS)


def find_bus_of_alarm(site: "SiteFile", code: str, of: str) -> str | None:
    """Return the bus that carries the subject of an alarm: a bus, device, asset, point or the grid meter."""
    if of in site.buses:
        return of
    name = site.grid()[0] if code.startswith("loss.grid_meter") else of.partition(".")[0]
    holders: list[Mapping[str, Any]] = [site.assets, site.contacts, site.nodes, site.supplies]
    found = next((holder[name] for holder in holders if name in holder), None)
    device = site.devices.get(of) or site.devices.get(getattr(found, "device", None) or "")
    return None if device is None else device.bus


def _write_recording(
    folder: Path,
    head: "WireRecord",
    frames: "Iterator[RecordedFrame]",
    code: str,
    event_utc_ms: int,
    setting: "RecordingSection",
) -> str:
    """Write a new file, named by the time of the fault, and return its name.

    The oldest files beyond ``files_max_count`` are deleted.
    Raises OSError, and ValueError if the recording cannot be anonymised.
    """
    from quartier.commissioning.wire_record import (  # noqa: PLC0415 - nobody needs it before the first fault
        record_file,
    )

    taken = replace(head, frames=tuple(frames))
    if setting.anonymise:
        from quartier.commissioning.wire_record.anonymise import (  # noqa: PLC0415 - brings the decoders of all meters
            anonymise_record,
        )

        taken = anonymise_record(taken)
    folder.mkdir(exist_ok=True)
    stem, _, suffix = record_file.make_file_name(taken, event_utc_ms).rpartition(".")
    path = folder / f"{stem}-{code}.{suffix}"
    written = path.with_name(f".{path.name}")
    written.touch(_FILE_MODE)
    written.write_bytes(record_file.make_file(taken))
    written.replace(path)
    kept = sorted((one for one in folder.iterdir() if one.is_file()), key=lambda one: one.stat().st_mtime_ns)
    for old in kept[: max(0, len(kept) - setting.files_max_count)]:
        old.unlink(missing_ok=True)
    return path.name


async def run_fault_recorder(
    state_dir: Path,
    fleet: BusManager,
    site: "Callable[[], SiteFile]",
    alarm_manager: AlarmManager,
    context: ServiceContext,
) -> None:
    """Save recordings for the alarms of ``alarm_manager`` in the state directory, for ever."""
    records = FaultRecorder(state_dir / RECORDINGS_FOLDER, fleet, site, context)
    alarm_manager.on_alarm = records.note_alarm
    async with asyncio.TaskGroup() as group:
        group.create_task(records.run())
        group.create_task(records.watch())
