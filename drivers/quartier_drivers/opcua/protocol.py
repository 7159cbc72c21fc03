"""What Quartier asks of OPC UA."""

from typing import TYPE_CHECKING

from quartier_drivers.points import RANGED_UNITS, parse_quantity
from quartier_drivers.protocol import Capture, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from quartier_drivers.device_profile.profile_check import Finding, Profile

_PORT = 4840  # IANA
_ENCRYPTED_NOTE = (
    "OPC UA: what a session with security SignAndEncrypt says is encrypted here too; an analyser shows\n"
    "its envelope alone"
)


class OpcuaProtocol(Protocol):
    """OPC UA: one session with a server, which is asked or tells by itself."""

    def find_findings(self, profile: "Profile") -> "Iterator[Finding]":
        """Yield nodes that two points read alike, and measurements without a range."""
        seen: dict[object, str] = {}
        for path, quantity, point in profile.list_points():
            place = (point.node, point.index, point.bit, point.scale, point.sign)
            if place in seen:
                yield (*path, "node"), f"{point.node} is read by {seen[place]} too; look at the node"
            seen.setdefault(place, ".".join(map(str, path)))
            missing = [key for key in ("low", "high") if getattr(point, key) is None]
            if point.write is None and parse_quantity(quantity).unit in RANGED_UNITS and missing:
                yield path, f"has no {' and no '.join(missing)}: whatever the server says would be believed"

    def find_capture(self, kind: str, framing: str) -> Capture:
        """Return a TCP connection; what it carries is mostly encrypted."""
        del kind, framing
        return Capture("connection", _PORT, note=_ENCRYPTED_NOTE)


PROTOCOLS = {
    "opcua": OpcuaProtocol(
        name="opcua",
        title="OPC UA",
        factory="quartier_drivers.opcua.factory:FACTORY",
        endpoint_keys=("host", "port"),
        release="quartier_drivers.opcua.release_writes:write_release",
        profile_check="quartier_drivers.opcua.profile:OpcuaCheck",
        is_polled=True,
        unplanned="its server is asked for all at once, or tells by itself: no line to plan",
        reader="quartier_drivers.opcua.device_listing:read_profile",
        listing="quartier_drivers.opcua.device_listing:list_device",
        examples={
            "plant": {
                "kind": "opcua",
                "url": "opc.tcp://192.168.1.50:4840",
                "user": "quartier",
                "password_file": "credential:plant.password",
            }
        },
        example_values={
            "insecure_policy": "Basic256",
            "user_cert_file": "/etc/quartier/plant-user.der",
            "user_key_file": "credential:plant-user.key",
        },
    )
}
