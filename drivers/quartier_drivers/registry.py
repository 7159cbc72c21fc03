"""The kinds of buses: load their sections and factories on first use; the checks that sections share.

A protocol is imported on first use: a site pays only for the protocols that it speaks.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from quartier_drivers.contract import ProtocolFactory


def check_host(host: str) -> None:
    """Raise ValueError for a host of digits and dots that is no IPv4 address: it is no name either."""
    if re.fullmatch(r"[0-9.]+", host):
        try:
            IPv4Address(host)
        except ValueError:
            raise ValueError(
                f"{host!r} is no IPv4 address; expected four numbers of 0 to 255, such as 192.168.1.20"
            ) from None


WriteRelease = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Awaitable[Sequence[str]]]
"""Takes the section of a bus and the encoded writes; returns a line of text for each failed write."""


@dataclass(frozen=True, slots=True)
class BusKind:
    """A kind of bus: its protocol, its section of the site file, its factory ``factory`` (``module:name``).

    ``factories_by_protocol`` are other protocols that devices on the same wire may speak, each with its
    factory.  ``safe`` makes the writes of a release table if an import of the factory would be too heavy for
    that (``module:name``).
    """

    protocol: str
    section: str
    factory: str
    factories_by_protocol: Mapping[str, str] = field(default_factory=dict)
    safe: str = ""

    @property
    def protocols(self) -> tuple[str, ...]:
        """Every protocol that a device on such a bus may speak."""
        return (self.protocol, *self.factories_by_protocol)


METER_PROTOCOLS = ("tic", "p1", "iec62056", "sml", "dlms", "mbus")
"""Protocols of meters, whose telegrams contain groups where other devices have registers."""


_MODBUS_FACTORIES = {"sunspec": "quartier_drivers.sunspec.factory:FACTORY"}
_MODBUS_RELEASE = "quartier_drivers.modbus.release_writes:write_release"
BUS_KINDS = {
    "modbus-tcp": BusKind(
        "modbus",
        "quartier_drivers.modbus.bus_section:TcpBus",
        "quartier_drivers.modbus.factory:FACTORY",
        _MODBUS_FACTORIES,
        _MODBUS_RELEASE,
    ),
    "modbus-rtu": BusKind(
        "modbus",
        "quartier_drivers.modbus.bus_section:RtuBus",
        "quartier_drivers.modbus.factory:FACTORY",
        _MODBUS_FACTORIES,
        _MODBUS_RELEASE,
    ),
    **{
        protocol: BusKind(
            protocol, f"quartier_drivers.meter.bus_section:{section}", "quartier_drivers.meter.driver:FACTORY"
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
    "opcua": BusKind(
        "opcua",
        "quartier_drivers.opcua.bus_section:OpcuaBus",
        "quartier_drivers.opcua.factory:FACTORY",
        safe="quartier_drivers.opcua.release_writes:write_release",
    ),
    "gpio": BusKind(
        "gpio", "quartier_drivers.gpio.bus_section:GpioBus", "quartier_drivers.gpio.driver:FACTORY"
    ),
    "bacnet-ip": BusKind(
        "bacnet",
        "quartier_drivers.bacnet.bus_section:BacnetIpBus",
        "quartier_drivers.bacnet.factory:FACTORY",
        safe="quartier_drivers.bacnet.release_writes:write_release",
    ),
}


def _load_object(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def load_section(kind: str) -> type[Any]:
    """Return the pydantic model of a bus section of this kind; cheap, imports no protocol library."""
    return cast("type[Any]", _load_object(BUS_KINDS[kind].section))


def load_factory(kind: str, protocol: str = "") -> "ProtocolFactory":
    """Return the factory for this kind of bus, or for another ``protocol`` on it; imports its library."""
    made = BUS_KINDS[kind]
    return cast("ProtocolFactory", _load_object(made.factories_by_protocol.get(protocol, made.factory)))


def load_release(kind: str) -> WriteRelease:
    """Return the function that makes the writes of a release table on such a bus; imports little."""
    safe = BUS_KINDS[kind].safe
    return cast("WriteRelease", _load_object(safe) if safe else load_factory(kind).replay)
