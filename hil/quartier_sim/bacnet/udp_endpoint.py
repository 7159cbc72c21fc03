"""BACnet devices on UDP: one at a port, or a router with devices behind it.

Sources: ASHRAE 135-2020 clause 6 (routers), Annex J (BACnet/IP).  Delays of faults are real seconds.
"""

import asyncio
import socket
import struct
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.bacnet_device import BacnetDevice
from quartier_sim.bacnet.services import Subscription
from quartier_sim.devices.simulated_device import Reply

FORWARDED, UNICAST, BROADCAST = 0x04, 0x0A, 0x0B
_BVLC, _VERSION = 0x81, 1
_BVLC_BYTES, _ORIGIN_BYTES = 4, 6
_MESSAGE, _HAS_TO, _HAS_FROM, _WANTS_REPLY = 0x80, 0x20, 0x08, 0x04
_HOPS_MAX = 255
WHO_IS_ROUTER, I_AM_ROUTER, REJECT_MESSAGE = 0, 1, 3
GLOBAL_NETWORK = 0xFFFF
NOT_DIRECTLY_CONNECTED = 1


@dataclass(frozen=True, slots=True)
class NetworkAddress:
    """A station on a network: ``mac`` is empty for all of that network."""

    network: int
    mac: bytes = b""


@dataclass(frozen=True, slots=True)
class Packet:
    """One NPDU: ``message`` is the type of a message between routers, None for an APDU in ``data``."""

    data: bytes
    to: NetworkAddress | None = None
    source: NetworkAddress | None = None
    message: int | None = None
    wants_reply: bool = field(default=False, compare=False)


def build_datagram(packet: Packet, function: int = UNICAST) -> bytes:
    """Its octets on UDP."""
    npdu = _build_npdu(packet)
    return struct.pack(">BBH", _BVLC, function, _BVLC_BYTES + len(npdu)) + npdu


def _build_npdu(packet: Packet) -> bytes:
    control = _WANTS_REPLY if packet.wants_reply else 0
    control |= 0 if packet.message is None else _MESSAGE
    parts = []
    if packet.to is not None:
        control |= _HAS_TO
        parts.append(_encode_address(packet.to))
    if packet.source is not None:
        control |= _HAS_FROM
        parts.append(_encode_address(packet.source))
    if packet.to is not None:
        parts.append(bytes([_HOPS_MAX]))
    if packet.message is not None:
        parts.append(bytes([packet.message]))
    return bytes([_VERSION, control]) + b"".join(parts) + packet.data


def _encode_address(place: NetworkAddress) -> bytes:
    return struct.pack(">HB", place.network, len(place.mac)) + place.mac


def parse_datagram(octets: bytes) -> Packet | None:
    """Return the packet of a datagram; None for a malformed one and for messages between BBMDs."""
    try:
        kind, function, length = struct.unpack_from(">BBH", octets)
        if kind != _BVLC or length != len(octets) or function not in (FORWARDED, UNICAST, BROADCAST):
            return None
        return _parse_npdu(octets[_BVLC_BYTES + (_ORIGIN_BYTES if function == FORWARDED else 0) :])
    except (struct.error, IndexError):
        return None


def _parse_npdu(npdu: bytes) -> Packet | None:
    version, control = npdu[0], npdu[1]
    at = 2
    to = source = None
    if version != _VERSION:
        return None
    if control & _HAS_TO:
        to, at = _parse_address(npdu, at)
    if control & _HAS_FROM:
        source, at = _parse_address(npdu, at)
    if control & _HAS_TO:
        at += 1
    message = None
    if control & _MESSAGE:
        message = npdu[at]
        at += 1
    return Packet(npdu[at:], to, source, message, wants_reply=bool(control & _WANTS_REPLY))


def _parse_address(npdu: bytes, at: int) -> tuple[NetworkAddress, int]:
    network, length = struct.unpack_from(">HB", npdu, at)
    mac = npdu[at + 3 : at + 3 + length]
    if len(mac) < length:
        raise IndexError(at)
    return NetworkAddress(network, mac), at + 3 + length


Address = tuple[str, int]
DevicesByAddress = Mapping[NetworkAddress | None, BacnetDevice]
"""By the place behind the router; None: the one at the port itself."""
_INVOKE_IDS, _APDU_1476 = 256, 5


class UdpEndpoint(asyncio.DatagramProtocol):
    """A BACnet/IP port.  With every device off it is gone from the network.

    ``broadcast`` is the broadcast address of its network: without one (loopback), a broadcast goes to its
    single addressee.
    """

    def __init__(self, stations: DevicesByAddress, host: str, port: int, broadcast: str | None) -> None:
        self.stations = dict(stations)
        self.host = host
        self.port = port
        self.broadcast = broadcast
        self.acks_count = 0
        self._sockets: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = {place: asyncio.Lock() for place in self.stations}
        self._invoke = 0
        self._ended: list[tuple[BacnetDevice, Any]] = []
        for place, station in self.stations.items():
            listener = self._make_listener(place, station)
            station.listeners.append(listener)
            station.watchers.append(self._changed)
            self._ended.append((station, listener))

    @property
    def address(self) -> str:
        """``host:port``, as in the site file."""
        return f"{self.host}:{self.port}"

    @property
    def is_off(self) -> bool:
        """True if no device here is on the wire."""
        return all(station.away for station in self.stations.values())

    async def listen(self) -> None:
        """Take the port; 0 becomes a free one and stays the same from then on.  Raises OSError."""
        self.port = await self._open(self.host)
        if self.broadcast is not None:
            await self._open(self.broadcast)

    async def _open(self, host: str) -> int:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(host, self.port), family=socket.AF_INET, allow_broadcast=True
        )
        self._sockets.append(transport)
        port: int = transport.get_extra_info("sockname")[1]
        return port

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in a task of its own; it ends with the endpoint."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ready(self) -> None:
        """Wait until everything under way is done, and a closed port is given back."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the port."""
        for station, listener in self._ended:
            station.listeners.remove(listener)
            station.watchers.remove(self._changed)
        self._ended.clear()
        for task in tuple(self._tasks):
            task.cancel()
        self._shut()
        await self.ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _shut(self) -> None:
        for one in self._sockets:
            one.close()
        self._sockets.clear()

    def _changed(self) -> None:
        """A fault came or went."""
        if self.is_off and self._sockets:
            self._shut()
        elif not self.is_off and not self._sockets:
            self.later(self.listen())

    # -- what comes in -----------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Process one datagram; drop one that is no packet."""
        packet = parse_datagram(data)
        if packet is None or addr == (self.host, self.port):
            return
        if packet.message is not None:
            self._answer_router_message(packet, addr)
        elif packet.data:
            for place in self._meant(packet, addr):
                self._received(place, packet, addr)

    def error_received(self, exc: Exception) -> None:
        """Ignore that a client is gone: the client has to notice that."""

    def _meant(self, packet: Packet, addr: Address) -> Iterator[NetworkAddress | None]:
        """Whom a packet is for; a network that is none of ours is rejected (6.6.3.5)."""
        if packet.to is None:
            yield from (place for place in self.stations if place is None)
            return
        if packet.to.network == GLOBAL_NETWORK:
            yield from self.stations
            return
        network, mac = packet.to.network, packet.to.mac
        here = [one for one in self.stations if one is not None and one.network == network]
        if not here:
            data = bytes([NOT_DIRECTLY_CONNECTED]) + struct.pack(">H", network)
            self._send(Packet(data, to=packet.source, message=REJECT_MESSAGE), addr)
        yield from (one for one in here if mac in (b"", one.mac))

    def _received(self, place: NetworkAddress | None, packet: Packet, addr: Address) -> None:
        station = self.stations[place]
        kind = packet.data[0] >> 4
        if kind == encoding.CONFIRMED:
            reply = station.answer_confirmed(packet.data, (addr, packet.source))
            self._answer(place, reply, addr, packet.source)
            self._tell(place, station)
        elif kind == encoding.UNCONFIRMED:
            data = station.answer_unconfirmed(packet.data)
            if data is not None:
                self._announce(Packet(data, source=place), addr, packet.source)
        elif kind == encoding.SIMPLE_ACK:
            self.acks_count += 1

    def _answer_router_message(self, packet: Packet, addr: Address) -> None:
        """Messages between routers: which networks are here (6.6.3.2)."""
        here = sorted({place.network for place in self.stations if place is not None})
        if packet.message != WHO_IS_ROUTER or self.is_off:
            return
        wanted = struct.unpack(">H", packet.data[:2])[0] if len(packet.data) >= 2 else None
        networks = [one for one in here if wanted in (None, one)]
        if networks:
            data = struct.pack(f">{len(networks)}H", *networks)
            self._announce(Packet(data, message=I_AM_ROUTER), addr, None)

    # -- what goes out -----------------------------------------------------------------------

    def _answer(
        self, place: NetworkAddress | None, reply: Reply, addr: Address, to: NetworkAddress | None
    ) -> None:
        if reply.pdu is None:
            return
        octets = reply.pdu if reply.noise else build_datagram(Packet(reply.pdu, to=to, source=place))
        if reply.late:
            self.later(self._after(reply.wait_s, octets, addr))
        elif reply.wait_s or self._busy[place].locked():
            self.later(self._send_in_order(place, reply.wait_s, octets, addr))
        else:
            self._put(octets, addr)

    async def _after(self, wait_s: float, octets: bytes, addr: Address) -> None:
        await asyncio.sleep(wait_s)
        self._put(octets, addr)

    async def _send_in_order(
        self, place: NetworkAddress | None, wait_s: float, octets: bytes, addr: Address
    ) -> None:
        async with self._busy[place]:
            await self._after(wait_s, octets, addr)

    def _announce(self, packet: Packet, addr: Address, to: NetworkAddress | None) -> None:
        """Send to all, or to the requester alone where there is no broadcast address."""
        if self.broadcast is None:
            self._send(Packet(packet.data, to, packet.source, packet.message), addr)
        else:
            octets = build_datagram(packet, BROADCAST)
            self._put(octets, (self.broadcast, self.port))

    def _make_listener(self, place: NetworkAddress | None, station: BacnetDevice) -> Any:
        return lambda: self._tell(place, station)

    def _tell(self, place: NetworkAddress | None, station: BacnetDevice) -> None:
        """Notify of changes."""
        for one, body in station.news():
            addr, to = cast("tuple[Address, NetworkAddress | None]", one.client[0])  # as `_received` made it
            self._send(Packet(self._headed(one, body), to=to, source=place), addr)

    def _headed(self, one: Subscription, body: bytes) -> bytes:
        if not one.is_confirmed:
            return bytes([encoding.UNCONFIRMED << 4, encoding.UNCONFIRMED_COV]) + body
        self._invoke = (self._invoke + 1) % _INVOKE_IDS
        return bytes([encoding.CONFIRMED << 4, _APDU_1476, self._invoke, encoding.COV_NOTIFICATION]) + body

    def _send(self, packet: Packet, addr: Address) -> None:
        self._put(build_datagram(packet), addr)

    def _put(self, octets: bytes, addr: Address) -> None:
        if self._sockets and not self._sockets[0].is_closing():
            self._sockets[0].sendto(octets, addr)


async def serve_udp(
    stations: BacnetDevice | DevicesByAddress,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    broadcast: str | None = None,
) -> UdpEndpoint:
    """Put a device on a UDP port (0: a free one, see ``.port``), or several behind a router there.

    Raises OSError when the port is taken.
    """
    several: DevicesByAddress = {None: stations} if isinstance(stations, BacnetDevice) else stations
    endpoint = UdpEndpoint(several, host, port, broadcast)
    await endpoint.listen()
    return endpoint
