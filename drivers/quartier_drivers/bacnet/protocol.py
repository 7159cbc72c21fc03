"""What Quartier asks of BACnet."""

from typing import TYPE_CHECKING

from quartier_drivers.points import parse_quantity
from quartier_drivers.protocol import Capture, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quartier_drivers.device_profile.profile_check import Finding, Profile

_PORT = 47808  # IANA
_NO_UNITS_TEXT = "declares no units: whatever the device says is believed; name the one of the object list"
_FORWARDED_NPDU = bytes.fromhex("8104")


class BacnetProtocol(Protocol):
    """BACnet/IP."""

    def find_findings(self, profile: "Profile") -> "Iterator[Finding]":
        """Yield objects without a declared unit, which anybody may change at the device."""
        for path, quantity, point in profile.list_points():
            if parse_quantity(quantity).unit and point.units is None:
                yield path, _NO_UNITS_TEXT

    def find_capture(self, kind: str, framing: str) -> Capture:
        """Return UDP datagrams."""
        del kind, framing
        return Capture("datagrams", _PORT)

    def find_carried_address(self, data: bytes) -> str:
        """Return the address of the device for which a BBMD forwards (ASHRAE 135 annex J.2.5)."""
        if not data.startswith(_FORWARDED_NPDU):
            return ""
        return f"{'.'.join(map(str, data[4:8]))}:{int.from_bytes(data[8:10], 'big')}"


PROTOCOLS = {
    "bacnet": BacnetProtocol(
        name="bacnet",
        title="BACnet/IP",
        factory="quartier_drivers.bacnet.factory:FACTORY",
        endpoint_keys=("interface", "port"),
        release="quartier_drivers.bacnet.release_writes:write_release",
        profile_check="quartier_drivers.bacnet.profile:BacnetCheck",
        unplanned="its devices are asked at the same time over the network: no line to plan",
        reader="quartier_drivers.bacnet.discovery.device_listing:read_profile",
        listing="quartier_drivers.bacnet.discovery.device_listing:list_device",
        scan="quartier_drivers.bacnet.discovery.scan_report:scan",
        examples={"bms": {"kind": "bacnet-ip", "interface": "eth0"}},
        example_values={"device_id": 4_000_001, "bbmd": "192.168.50.1"},
    )
}
