"""The protocols, one line each; the checks that sections of the site file share.

A line says what must be known without an import.  All else is in the description of the protocol
(``quartier_drivers.protocol.Protocol``), which its folder has in ``protocol.PROTOCOLS``.  It is imported on
first use: a site pays only for the protocols that it speaks.  Packages of third parties are loaded at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, cast

from quartier_drivers.packages import ProtocolEntry, find_packages

if TYPE_CHECKING:
    from quartier_drivers.contract import ProtocolFactory
    from quartier_drivers.protocol import Protocol, WriteRelease


def check_host(host: str) -> None:
    """Raise ValueError for a host of digits and dots that is no IPv4 address: it is no name either."""
    if re.fullmatch(r"[0-9.]+", host):
        try:
            IPv4Address(host)
        except ValueError:
            raise ValueError(
                f"{host!r} is no IPv4 address; expected four numbers of 0 to 255, such as 192.168.1.20"
            ) from None


def load_object(path: str) -> Any:
    """Return what ``module:name`` means; imports the module."""
    module, name = path.split(":")
    return getattr(import_module(module), name)


_OWN_PROTOCOLS: Mapping[str, ProtocolEntry] = {
    "modbus": ProtocolEntry("modbus", {"modbus-tcp": "TcpBus", "modbus-rtu": "RtuBus"}, can_scan=True),
    "sunspec": ProtocolEntry("sunspec", on="modbus"),
    "tic": ProtocolEntry("meter", {"tic": "TicBus"}),
    "p1": ProtocolEntry("meter", {"p1": "P1Bus"}),
    "iec62056": ProtocolEntry("meter", {"iec62056": "Iec62056Bus"}),
    "sml": ProtocolEntry("meter", {"sml": "SmlBus"}),
    "dlms": ProtocolEntry("meter", {"dlms": "DlmsBus"}),
    "mbus": ProtocolEntry("meter", {"mbus": "MbusBus"}, can_scan=True),
    "opcua": ProtocolEntry("opcua", {"opcua": "OpcuaBus"}),
    "gpio": ProtocolEntry("gpio", {"gpio": "GpioBus"}),
    "bacnet": ProtocolEntry("bacnet", {"bacnet-ip": "BacnetIpBus"}, can_scan=True),
}
# Packages import what is above: it has to be there before they are looked for.
_FOREIGN_PROTOCOLS, DRIVER_PACKAGES = find_packages(_OWN_PROTOCOLS)
PROTOCOLS: Mapping[str, ProtocolEntry] = {**_OWN_PROTOCOLS, **_FOREIGN_PROTOCOLS}
METER_PROTOCOLS = tuple(name for name, one in _OWN_PROTOCOLS.items() if one.folder == "meter")
"""Protocols of meters, whose telegrams contain groups where other devices have registers."""
SCANNED_PROTOCOLS = tuple(name for name, one in PROTOCOLS.items() if one.can_scan)
"""Protocols whose devices ``quartier scan`` looks for."""


@dataclass(frozen=True, slots=True)
class BusKind:
    """A kind of bus: the protocol it belongs to, its ``section`` (``module:name``), and all its protocols."""

    protocol: str
    section: str
    protocols: tuple[str, ...]


BUS_KINDS = {
    kind: BusKind(
        name,
        f"{entry.module}.bus_section:{section}",
        (name, *(guest for guest, one in PROTOCOLS.items() if one.on == name)),
    )
    for name, entry in PROTOCOLS.items()
    for kind, section in entry.sections.items()
}


def load_protocol(name: str) -> "Protocol":
    """Return the description of a protocol; cheap, imports no library of it."""
    return cast("Protocol", load_object(f"{PROTOCOLS[name].module}.protocol:PROTOCOLS")[name])


def load_bus_protocol(kind: str) -> "Protocol":
    """Return the description of the protocol that this kind of bus belongs to; cheap."""
    return load_protocol(BUS_KINDS[kind].protocol)


def load_section(kind: str) -> type[Any]:
    """Return the pydantic model of a bus section of this kind; cheap, imports no protocol library."""
    return cast("type[Any]", load_object(BUS_KINDS[kind].section))


def load_factory(kind: str, protocol: str = "") -> "ProtocolFactory":
    """Return the factory for this kind of bus, or for another ``protocol`` on it; imports its library."""
    bus = BUS_KINDS[kind]
    return load_protocol(protocol if protocol in bus.protocols else bus.protocol).load_factory()


def load_release(kind: str) -> "WriteRelease":
    """Return the function that makes the writes of a release table on such a bus; imports little."""
    return load_bus_protocol(kind).load_release()
