"""Record the frames of the buses, and give them to whoever asks."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import SiteClock
from quartier_drivers.abilities import Recordable
from quartier_drivers.tape import Frame, Tape

if TYPE_CHECKING:
    from quartier.commissioning.wire_record.wire_record import WireRecord
    from quartier.config.sections.site_file import RecordingSection

_NO_RECORDING = "is not recorded: recording.buffer_max_bytes is 0 in the site file, or its kind has no frames"


class BusRecorder:
    """``members`` gives each bus with its section of the site file."""

    def __init__(self, clock: SiteClock, members: Callable[[], list[tuple[Bus, Any]]]) -> None:
        self._clock = clock
        self._members = members
        self._of: dict[str, tuple[Any, Tape]] = {}

    def follow(self, setting: "RecordingSection") -> None:
        """Record each bus as the site file says; one that goes on keeps its tape."""
        kept, self._of = self._of, {}
        buses = [(bus, bus.line) for bus, _ in self._members() if isinstance(bus.line, Recordable)]
        for bus, line in buses:
            name = bus.name
            share_bytes = setting.buffer_max_bytes // len(buses)
            if not share_bytes:
                line.record(None)
                bus.tape = None
                continue
            had, tape = kept.get(name, (None, None))
            if had is line and tape is not None:
                tape.resize(share_bytes, setting.buffer_s)
            else:
                tape = Tape(self._clock.now_ns, share_bytes, setting.buffer_s)
                line.record(tape)
            bus.tape = tape
            self._of[name] = line, tape

    def drop_old(self) -> None:
        """Drop what is too old; once in a while."""
        for _, tape in self._of.values():
            tape.age()

    def taken(self, name: str, after: int = -1) -> "tuple[WireRecord, Iterator[Frame]] | None":
        """A bus without its frames, and those of its tape with later numbers than ``after``.

        None: there is no such tape.  To make all frames takes milliseconds, so whoever wants them makes them.
        """
        from quartier.commissioning.wire_record.wire_record import (  # noqa: PLC0415 - unused before there is something to tell
            WireRecord,
            hide_password,
        )

        found = next(((bus, section) for bus, section in self._members() if bus.name == name), None)
        if found is None or name not in self._of:
            return None
        bus, section = found
        now = self._clock.now()
        is_tunnel = section.kind == "modbus-tcp" and section.framing == "rtu"
        about = section.kind, "rtu" if is_tunnel else "", _find_address(section)
        head = WireRecord(bus.name, *about, now.ns, now.utc_ms, secrets=tuple(_find_secrets(bus)))
        return head, map(partial(hide_password, section.kind), self._of[name][1].frames(after))

    def told(self, question: str) -> Iterator[Any] | dict[str, Any] | None:
        """The desk's answer: a head, then a row a frame.  ``NAME@NUMBER`` asks for what came after.

        None where no bus is called so.
        """
        from quartier.commissioning.wire_record.wire_record import dump_frame  # noqa: PLC0415 - as above

        name, _, number = question.rpartition("@")
        if not number.isdecimal():
            name, number = question, ""
        if all(bus.name != name for bus, _ in self._members()):
            return None
        taken = self.taken(name, int(number) if number else -1)
        if taken is None:
            return {"error": f"bus {name} {_NO_RECORDING}"}
        head, frames = taken
        return chain([head.head()], map(dump_frame, frames))


def _find_address(section: Any) -> str:
    keys = ("host", "interface", "port") if hasattr(section, "port") else ("url", "chip")
    return ":".join(str(found) for key in keys if (found := getattr(section, key, "")))


def _find_secrets(bus: Bus) -> Iterator[str]:
    """Yield what devices said of themselves that names them and nobody else."""
    for health in bus.devices.values():
        for key in ("serial", "id", "address"):
            if text := str(health.identity.get(key, "")):
                yield text
