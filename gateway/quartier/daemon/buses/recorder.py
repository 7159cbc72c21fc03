"""Record the frames of the buses, and provide them on request."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import SiteClock
from quartier_drivers.abilities import RecordableLine
from quartier_drivers.registry import load_bus_protocol
from quartier_drivers.transport.frame_recorder import FrameRecorder, RecordedFrame

if TYPE_CHECKING:
    from quartier.commissioning.wire_record.wire_record import WireRecord
    from quartier.config.sections.site_file import RecordingSection

_NO_RECORDING = "is not recorded: recording.buffer_max_bytes is 0 in the site file, or its kind has no frames"


class BusRecorder:
    """The recorder of all buses; ``members`` returns each bus with its section of the site file."""

    def __init__(self, clock: SiteClock, members: Callable[[], list[tuple[Bus, Any]]]) -> None:
        self._clock = clock
        self._members = members
        self._of: dict[str, tuple[Any, FrameRecorder]] = {}

    def follow(self, setting: "RecordingSection") -> None:
        """Record each bus as the site file says; a bus that continues keeps its tape."""
        kept, self._of = self._of, {}
        buses = [(bus, bus.line) for bus, _ in self._members() if isinstance(bus.line, RecordableLine)]
        for bus, line in buses:
            name = bus.name
            share_bytes = setting.buffer_max_bytes // len(buses)
            if not share_bytes:
                line.record(None)
                bus.recorder = None
                continue
            had, tape = kept.get(name, (None, None))
            if had is line and tape is not None:
                tape.resize(share_bytes, setting.buffer_s)
            else:
                tape = FrameRecorder(self._clock.now_ns, share_bytes, setting.buffer_s)
                line.record(tape)
            bus.recorder = tape
            self._of[name] = line, tape

    def drop_old(self) -> None:
        """Drop frames that are too old; call it from time to time."""
        for _, tape in self._of.values():
            tape.age()

    def open_record(self, name: str, after: int = -1) -> "tuple[WireRecord, Iterator[RecordedFrame]] | None":
        """Return the record of a bus without frames, and its frames numbered above ``after``.

        None if there is no tape.  Making all frames takes milliseconds, so the caller iterates over them.
        """
        from quartier.commissioning.wire_record.wire_record import (  # noqa: PLC0415 - unused before there is something to tell
            WireRecord,
        )

        found = next(((bus, section) for bus, section in self._members() if bus.name == name), None)
        if found is None or name not in self._of:
            return None
        bus, section = found
        protocol, now = load_bus_protocol(section.kind), self._clock.now()
        head = WireRecord(
            bus.name,
            section.kind,
            protocol.find_framing(section),
            ":".join(protocol.find_endpoint(section)),
            now.ns,
            now.utc_ms,
            secrets=tuple(_find_secrets(bus)),
        )
        return head, map(protocol.hide_password, self._of[name][1].frames(after))

    def answer_question(self, question: str) -> Iterator[Any] | dict[str, Any] | None:
        """Return the answer of the local socket: a head, then one row per frame.

        ``NAME@NUMBER`` asks for the frames after that number.  None if there is no bus of that name.
        """
        from quartier.commissioning.wire_record.wire_record import dump_frame  # noqa: PLC0415 - as above

        name, _, number = question.rpartition("@")
        if not number.isdecimal():
            name, number = question, ""
        if all(bus.name != name for bus, _ in self._members()):
            return None
        taken = self.open_record(name, int(number) if number else -1)
        if taken is None:
            return {"error": f"bus {name} {_NO_RECORDING}"}
        head, frames = taken
        return chain([head.head()], map(dump_frame, frames))


def _find_secrets(bus: Bus) -> Iterator[str]:
    """Yield identity texts of devices that identify exactly one device."""
    for health in bus.devices.values():
        for key in ("serial", "id", "address"):
            if text := str(health.identity.get(key, "")):
                yield text
