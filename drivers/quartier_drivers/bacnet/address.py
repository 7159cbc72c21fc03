"""Address of a BACnet device: a station on our own network, or network and MAC behind a router.  Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

PORT = 47808
"""Annex J.1.2: 16#BAC0#."""
INSTANCE_WILDCARD = 4194303
"""Clause 12.11.1: an instance that every device takes for its own."""

_STATION_FORM = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::([0-9]{1,5}))?")
_ROUTED_FORM = re.compile(r"([0-9]{1,5}):(?:([0-9]{1,3})|0x([0-9A-Fa-f]{2,36})|([0-9.]+(?::[0-9]+)?))")
_EXPECTED = (
    "expected 192.168.1.10, 192.168.1.10:47809, or behind a router NETWORK:MAC (2001:5, 2001:0x0A0B), "
    "with @ROUTER where no broadcast finds the router (2001:5@192.168.1.1)"
)

Host = tuple[str, int]
"""IPv4 address and UDP port."""


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """The network address of a device.

    ``host`` is the device itself, or the router in front of it; None if it is still to be found. ``network``
    and ``mac`` go into the header of the network layer for a device behind a router (clause 6.2.2); None and
    empty for a device on our own network.
    """

    host: Host | None
    network: int | None = None
    mac: bytes = b""

    def __str__(self) -> str:
        """Return the address as a site file writes it."""
        near = "" if self.host is None else render_host(self.host)
        if self.network is None:
            return near
        far = str(self.mac[0]) if len(self.mac) == 1 else f"0x{self.mac.hex().upper()}"
        return f"{self.network}:{far}" + (f"@{near}" if near else "")


def render_host(host: Host) -> str:
    """Return ``192.168.1.10``, with the port if it is not the usual one."""
    return host[0] if host[1] == PORT else f"{host[0]}:{host[1]}"


def parse_station(text: str) -> Host:
    """Parse ``192.168.1.10`` or ``192.168.1.10:47809``.  Raises ValueError, saying what was expected."""
    found = _STATION_FORM.fullmatch(text)
    if found is not None:
        port = int(found[2] or PORT)
        try:
            host = str(IPv4Address(found[1]))
        except ValueError:
            host = ""
        if host and 0 < port <= 0xFFFF:
            return host, port
    raise ValueError(f"{text!r} is no address; {_EXPECTED}")


def parse_place(text: str) -> DevicePlace:
    """Parse the address of a device in a site file.  Raises ValueError, saying what was expected."""
    near, at, router = text.partition("@")
    found = _ROUTED_FORM.fullmatch(near)
    if found is None or (not at and _STATION_FORM.fullmatch(near)):
        if at:
            raise ValueError(f"{text!r} is no address; {_EXPECTED}")
        return DevicePlace(parse_station(near))
    network = int(found[1])
    mac = _parse_mac(found[2], found[3], found[4])
    if not 0 < network < 0xFFFF or mac is None:
        raise ValueError(f"{text!r} is no address; {_EXPECTED}")
    return DevicePlace(parse_station(router) if at else None, network, mac)


def _parse_mac(number: str | None, digits: str | None, host: str | None) -> bytes | None:
    """Return one octet of an MS/TP network, hex octets, or the six octets of another BACnet/IP network.

    None if the text is no such address.
    """
    if number is not None:
        return bytes([int(number)]) if int(number) <= 0xFF else None
    if digits is not None:
        return bytes.fromhex(digits) if len(digits) % 2 == 0 else None
    try:
        address, port = parse_station(host or "")
    except ValueError:
        return None
    return IPv4Address(address).packed + port.to_bytes(2, "big")
