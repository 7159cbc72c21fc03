"""Browse and read a server without a site file; fetch its certificate."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_rows import DEVICE_OWNER, DeviceReadout, drop_profile_names, make_rows
from quartier_drivers.errors import ConfigError, Fault, LinkLost, NoReply, Refused
from quartier_drivers.opcua import node_types
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.connection import credentials, status_codes
from quartier_drivers.opcua.connection.line import OpcuaLine, load_session_module
from quartier_drivers.opcua.connection.read_response import NodeValue
from quartier_drivers.opcua.connection.reconnect_check import find_reachable_address
from quartier_drivers.opcua.connection.server_access import TrustList
from quartier_drivers.opcua.connection.session_types import (
    DATA_TYPE_ATTRIBUTE,
    VALUE_ATTRIBUTE,
    ChildNode,
    NodePlace,
)
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.opcua.endpoint_choice import DEFAULT_PORT, EndpointOffer
from quartier_drivers.opcua.node_types import NodeName
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.transport.event_loop import LoopClock
from quartier_drivers.transport.tcp import HostAddresses

if TYPE_CHECKING:
    from quartier_drivers.readings import Reading

OBJECTS_FOLDER: NodePlace = (0, 85)
"""Where what a server offers begins (OPC 10000-5)."""


_SERVER_OBJECT: NodePlace = (0, 2253)
_ACCESS = 18
_WRITE = 0x02
_NODES_MAX = 5_000
_OTHER_TYPE_NAMES = {
    13: "DateTime",
    14: "Guid",
    15: "ByteString",
    17: "NodeId",
    21: "LocalizedText",
    22: "Structure",
}


@dataclass(slots=True)
class BrowsedNode:
    """A node; for a variable also its value for people, its type, and whether we may write it."""

    node: str
    name: str
    kind: str
    value: str = ""
    type_name: str = ""
    writable: bool = False
    status: str = ""
    below: list["BrowsedNode"] = field(default_factory=list)

    def flat(self, path: Sequence[str] = ()) -> Iterator[tuple[str, "BrowsedNode"]]:
        """Yield every node from here on with its path of names."""
        here = (*path, self.name)
        yield "/".join(here), self
        for one in self.below:
            yield from one.flat(here)


async def browse_tree(
    line: OpcuaLine, start: NodePlace = OBJECTS_FOLDER, depth: int = 8, *, everything: bool = False
) -> BrowsedNode:
    """Return the tree below ``start``, without the server's own object unless ``everything``.

    A node with several paths is placed where it is reached first.  Raises NoReply or LinkLost.
    """
    known: dict[NodePlace, BrowsedNode] = {
        start: BrowsedNode(_render_node(line, start), "Objects" if start == OBJECTS_FOLDER else "", "Object")
    }
    rim = [start]
    for _ in range(depth):
        found: list[NodePlace] = []
        for place in rim:
            for child in await _list_children(line, place):
                if child.place in known or (child.place == _SERVER_OBJECT and not everything):
                    continue
                known[child.place] = BrowsedNode(_render_node(line, child.place), child.name, child.kind)
                known[place].below.append(known[child.place])
                found.append(child.place)
                if len(known) > _NODES_MAX:
                    raise NoReply(f"more than {_NODES_MAX} nodes; begin further down with --node")
        if not found:
            break
        rim = found
    await _fill_values(line, {place: one for place, one in known.items() if one.kind == "Variable"})
    return known[start]


async def _list_children(line: OpcuaLine, place: NodePlace) -> list[ChildNode]:
    try:
        return await line.children(place)
    except Refused:  # it may not be looked into: the others may
        return []


async def _fill_values(line: OpcuaLine, variables: dict[NodePlace, BrowsedNode]) -> None:
    """Fill in values, types and access of variables, as many per request as the server allows."""
    places = list(variables)
    for at in range(0, len(places), line.read_max):
        some = places[at : at + line.read_max]
        answer = await line.read(
            line.prepare_read([(place, VALUE_ATTRIBUTE, None) for place in some], 0.0), len(some)
        )
        for place, value in zip(some, answer.values, strict=True):
            one = variables[place]
            one.value, one.type_name = _render_value(value), _render_type(value.kind)
            one.status = "" if value.status == 0 else status_codes.render_status(value.status)
    types = await line.objects(places, DATA_TYPE_ATTRIBUTE)
    access = await line.objects(places, _ACCESS)
    for place, data_type, may in zip(places, types, access, strict=True):
        variables[place].writable = isinstance(may, int) and bool(may & _WRITE)
        if not variables[place].type_name:
            variables[place].type_name = _render_type(getattr(data_type, "Identifier", 0))


def _render_value(value: NodeValue) -> str:
    if value.raw is None:
        return (
            ""
            if value.kind == 0 or status_codes.find_quality(value.status) == status_codes.BAD_PLACE
            else "…"
        )
    return f"{value.raw:.12g}" if isinstance(value.raw, float) else str(value.raw)


def _render_type(kind: Any) -> str:
    return node_types.TYPE_NAMES.get(kind) or _OTHER_TYPE_NAMES.get(kind, "") if isinstance(kind, int) else ""


def _render_node(line: OpcuaLine, place: NodePlace) -> str:
    index, identifier = place
    uri = line.namespaces[index] if 0 < index < len(line.namespaces) else ""
    return str(NodeName(uri, identifier))


async def fetch_offers(url: str, timeout_s: float) -> list[EndpointOffer]:
    """Return the endpoints that the server at ``url`` offers.

    Raises LinkLost with the reason if it cannot be reached.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        where = await find_reachable_address(HostAddresses(host), host, parts.port or DEFAULT_PORT, timeout_s)
        found: list[EndpointOffer] = await load_session_module().fetch_server_offers(url, where, timeout_s)
    except NoReply as error:
        raise LinkLost(str(error)) from error
    return found


async def record_certificates(url: str, folder: Path, timeout_s: float = 4.0) -> list[str]:
    """Return the fingerprints of the server's certificates; save those not trusted as refused.

    Raises LinkLost if the server at ``url`` cannot be reached, OSError if the folder cannot be written.
    """
    trust = TrustList(folder)
    found: list[str] = []
    for chain in dict.fromkeys(
        offer.certificate for offer in await fetch_offers(url, timeout_s) if offer.certificate
    ):
        try:
            der = credentials.find_first_certificate(chain)
            found.append(credentials.describe_certificate(der).fingerprint)
        except ValueError as error:
            raise LinkLost(f"{url} shows a certificate that {error}") from error
        if not trust.is_trusted(der):
            trust.refuse(der, url)
    return found


def make_section(url: str, keys: Mapping[str, Any]) -> OpcuaBus:
    """Return the bus section for a command line.  Raises ConfigError with all faults."""
    try:
        return OpcuaBus.model_validate({"kind": "opcua", "url": url, "subscribe": False, **keys})
    except ValidationError as error:
        raise ConfigError(
            [
                Fault(
                    url,
                    None,
                    ".".join(map(str, item["loc"])) or "login",
                    item["msg"].removeprefix("Value error, "),
                )
                for item in error.errors(include_url=False)
            ]
        ) from error


@asynccontextmanager
async def open_line(bus: OpcuaBus) -> AsyncIterator[OpcuaLine]:
    """Open a line to the server for the time of a context.  Raises LinkLost, naming the remedy."""
    line = OpcuaLine("read", bus, LoopClock())
    try:
        await line.open()
        yield line
    finally:
        await line.close()


async def read_tree(
    bus: OpcuaBus, start: str = "", depth: int = 8, *, everything: bool = False
) -> BrowsedNode:
    """Return the tree below the node ``start`` (empty: everything that the server offers).

    Raises ConfigError if ``start`` is no node, LinkLost or NoReply.
    """
    async with open_line(bus) as line:
        if not start:
            return await browse_tree(line, OBJECTS_FOLDER, depth, everything=everything)
        try:
            place = line.place(node_types.parse_node(start))
        except ValueError as error:
            raise ConfigError([Fault("command line", None, "--node", str(error))]) from error
        if place is None:
            spaces = ", ".join(line.namespaces)
            raise ConfigError(
                [Fault(bus.url, None, "--node", f"has no such namespace; expected one of {spaces}")]
            )
        return await browse_tree(line, place, depth, everything=everything)


async def read_once(bus: OpcuaBus, profile: OpcuaProfile) -> DeviceReadout:
    """Return the identity of the device and every point, read once.  Raises LinkLost or NoReply."""
    owners = {part: part or DEVICE_OWNER for part in profile.parts}
    async with open_line(bus) as line:
        spec = DeviceSpec("read", 1, owners)
        driver = OpcuaDriver(line, spec, drop_profile_names(profile), LoopClock(), shows_raw=True)
        identity = await driver.open()
        found: dict[str, Reading] = {}
        for _ in range(
            4 * driver.requests_count + 4
        ):  # what is too much for the server is asked for in halves
            if len(found) == len(driver.points):
                break
            try:
                found |= {reading.point: reading for reading in await driver.read()}
            except Refused as error:
                raise NoReply(str(error)) from error
    return DeviceReadout(make_rows(identity, found, driver.points))
