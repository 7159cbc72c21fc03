"""The registry of protocols: a new protocol is one line here.

A protocol is imported on first use: a site pays only for the protocols that it speaks.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for the whole contract
    from quartier_drivers.contract import Door

Replay = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Awaitable[Sequence[str]]]
"""Takes the section of a bus and the encoded writes; returns a line of text for each failed write."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of bus: its protocol, its section of the site file, its door (``module:name``).

    ``guests`` are other protocols that devices on the same wire may speak, each with its door.  ``safe``
    makes the writes of a release table if importing the door would be too heavy for that (``module:name``).
    """

    protocol: str
    section: str
    door: str
    guests: Mapping[str, str] = field(default_factory=dict)
    safe: str = ""

    @property
    def protocols(self) -> tuple[str, ...]:
        """Every protocol that a device on such a bus may speak."""
        return (self.protocol, *self.guests)


METERS = ("tic", "p1", "iec62056", "sml", "dlms", "mbus")
"""Protocols of meters, whose telegrams contain groups where other devices have registers."""
_ON_MODBUS = {"sunspec": "quartier_drivers.sunspec.door:DOOR"}
_SAFE = "quartier_drivers.modbus.safe:replay"
KINDS = {
    "modbus-tcp": Kind(
        "modbus", "quartier_drivers.modbus.bus:TcpBus", "quartier_drivers.modbus.door:DOOR", _ON_MODBUS, _SAFE
    ),
    "modbus-rtu": Kind(
        "modbus", "quartier_drivers.modbus.bus:RtuBus", "quartier_drivers.modbus.door:DOOR", _ON_MODBUS, _SAFE
    ),
    **{
        protocol: Kind(
            protocol, f"quartier_drivers.meter.bus:{section}", "quartier_drivers.meter.driver:DOOR"
        )
        for protocol, section in (
            ("tic", "TicBus"),
            ("p1", "P1Bus"),
            ("iec62056", "Iec62056Bus"),
            ("sml", "SmlBus"),
            ("dlms", "DlmsBus"),
            ("mbus", "MbusBus"),
        )
    },
    "opcua": Kind(
        "opcua",
        "quartier_drivers.opcua.bus:OpcuaBus",
        "quartier_drivers.opcua.door:DOOR",
        safe="quartier_drivers.opcua.safe:replay",
    ),
    "gpio": Kind("gpio", "quartier_drivers.gpio.bus:GpioBus", "quartier_drivers.gpio.driver:DOOR"),
    "bacnet-ip": Kind(
        "bacnet",
        "quartier_drivers.bacnet.bus:BacnetIpBus",
        "quartier_drivers.bacnet.door:DOOR",
        safe="quartier_drivers.bacnet.safe:replay",
    ),
}


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def section(kind: str) -> type[Any]:
    """Return the pydantic model of a bus section of this kind; cheap, imports no protocol library."""
    return cast("type[Any]", _load(KINDS[kind].section))


def door(kind: str, protocol: str = "") -> "Door":
    """Return the door for buses of this kind, or for a guest's ``protocol`` on them; imports its library."""
    made = KINDS[kind]
    return cast("Door", _load(made.guests.get(protocol, made.door)))


def replay(kind: str) -> Replay:
    """Return the function that makes the writes of a release table on such a bus; imports little."""
    safe = KINDS[kind].safe
    return cast("Replay", _load(safe) if safe else door(kind).replay)
