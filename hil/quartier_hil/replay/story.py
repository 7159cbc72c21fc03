"""Content of a record: bytes received and sent, in their order, with their sender."""

from dataclasses import dataclass
from typing import Literal

Way = Literal["in", "out", "ended"]
"""As the recorder saw it: from the device, to the device, ended by the device."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing at ``ns``, counted from any moment."""

    ns: int
    way: Way
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Story:
    """``speech`` is ``modbus-tcp``, ``modbus-rtu`` or, of anything else, ``serial``."""

    speech: Literal["modbus-tcp", "modbus-rtu", "serial"]
    events: tuple[Event, ...]

    @property
    def is_asked(self) -> bool:
        """Return whether the device spoke when it was asked, not by itself."""
        return any(event.way == "out" for event in self.events)


class Unreadable(ValueError):  # noqa: N818 - what the file is
    """A file that is no record that can be served, with what is wrong."""
