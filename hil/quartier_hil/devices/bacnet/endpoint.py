"""Puts BACnet devices on UDP: one at a port, or a router with devices on virtual networks behind it.

Sources: ASHRAE 135-2020 clause 6 (routers), Annex J (BACnet/IP).  Delays of faults are real seconds.
"""

import asyncio
import socket
import struct
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, Self, cast

from quartier_hil.devices.actor import Reply
from quartier_hil.devices.bacnet import frame, words
from quartier_hil.devices.bacnet.frame import GLOBAL, Packet, Place
from quartier_hil.devices.bacnet.station import Station
from quartier_hil.devices.bacnet.subscriptions import Subscription

Address = tuple[str, int]
Stations = Mapping[Place | None, Station]
"""By the place behind the router; None: the one at the port itself."""
_INVOKE_IDS, _APDU_1476 = 256, 5


class UdpEndpoint(asyncio.DatagramProtocol):
    """A BACnet/IP port.  With every device off it is gone from the network.

    ``broadcast`` is the broadcast address of its network: without one (loopback), a broadcast goes to its
    single addressee.
    """

    def __init__(self, stations: Stations, host: str, port: int, broadcast: str | None) -> None:
        self.stations = dict(stations)
        self.host = host
        self.port = port
        self.broadcast = broadcast
        self.acks_count = 0
        self._sockets: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy = {place: asyncio.Lock() for place in self.stations}
        self._invoke = 0
        self._ended: list[tuple[Station, Any]] = []
        for place, station in self.stations.items():
            listener = self._teller(place, station)
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
        heard = frame.packet(data)
        if heard is None or addr == (self.host, self.port):
            return
        if heard.message is not None:
            self._routed(heard, addr)
        elif heard.data:
            for place in self._meant(heard, addr):
                self._received(place, heard, addr)

    def error_received(self, exc: Exception) -> None:
        """Ignore that a client is gone: the client has to notice that."""

    def _meant(self, heard: Packet, addr: Address) -> Iterator[Place | None]:
        """Whom a packet is for; a network that is none of ours is rejected (6.6.3.5)."""
        if heard.to is None:
            yield from (place for place in self.stations if place is None)
            return
        if heard.to.network == GLOBAL:
            yield from self.stations
            return
        network, mac = heard.to.network, heard.to.mac
        here = [one for one in self.stations if one is not None and one.network == network]
        if not here:
            told = bytes([frame.NOT_DIRECTLY_CONNECTED]) + struct.pack(">H", network)
            self._send(Packet(told, to=heard.source, message=frame.REJECT_MESSAGE), addr)
        yield from (one for one in here if mac in (b"", one.mac))

    def _received(self, place: Place | None, heard: Packet, addr: Address) -> None:
        station = self.stations[place]
        kind = heard.data[0] >> 4
        if kind == words.CONFIRMED:
            reply = station.asked(heard.data, (addr, heard.source))
            self._answer(place, reply, addr, heard.source)
            self._tell(place, station)
        elif kind == words.UNCONFIRMED:
            said = station.called(heard.data)
            if said is not None:
                self._announce(Packet(said, source=place), addr, heard.source)
        elif kind == words.SIMPLE_ACK:
            self.acks_count += 1

    def _routed(self, heard: Packet, addr: Address) -> None:
        """Messages between routers: which networks are here (6.6.3.2)."""
        here = sorted({place.network for place in self.stations if place is not None})
        if heard.message != frame.WHO_IS_ROUTER or self.is_off:
            return
        wanted = struct.unpack(">H", heard.data[:2])[0] if len(heard.data) >= 2 else None
        told = [one for one in here if wanted in (None, one)]
        if told:
            data = struct.pack(f">{len(told)}H", *told)
            self._announce(Packet(data, message=frame.I_AM_ROUTER), addr, None)

    # -- what goes out -----------------------------------------------------------------------

    def _answer(self, place: Place | None, reply: Reply, addr: Address, to: Place | None) -> None:
        if reply.pdu is None:
            return
        octets = reply.pdu if reply.noise else frame.datagram(Packet(reply.pdu, to=to, source=place))
        if reply.late:
            self.later(self._after(reply.wait_s, octets, addr))
        elif reply.wait_s or self._busy[place].locked():
            self.later(self._in_turn(place, reply.wait_s, octets, addr))
        else:
            self._put(octets, addr)

    async def _after(self, wait_s: float, octets: bytes, addr: Address) -> None:
        await asyncio.sleep(wait_s)
        self._put(octets, addr)

    async def _in_turn(self, place: Place | None, wait_s: float, octets: bytes, addr: Address) -> None:
        async with self._busy[place]:
            await self._after(wait_s, octets, addr)

    def _announce(self, packet: Packet, addr: Address, to: Place | None) -> None:
        """Send to all, or to the requester alone where there is no broadcast address."""
        if self.broadcast is None:
            self._send(Packet(packet.data, to, packet.source, packet.message), addr)
        else:
            octets = frame.datagram(packet, frame.BROADCAST)
            self._put(octets, (self.broadcast, self.port))

    def _teller(self, place: Place | None, station: Station) -> Any:
        return lambda: self._tell(place, station)

    def _tell(self, place: Place | None, station: Station) -> None:
        """Notify of changes."""
        for one, body in station.news():
            addr, to = cast("tuple[Address, Place | None]", one.client[0])  # as `_received` made it
            self._send(Packet(self._headed(one, body), to=to, source=place), addr)

    def _headed(self, one: Subscription, body: bytes) -> bytes:
        if not one.is_confirmed:
            return bytes([words.UNCONFIRMED << 4, words.UNCONFIRMED_COV]) + body
        self._invoke = (self._invoke + 1) % _INVOKE_IDS
        return bytes([words.CONFIRMED << 4, _APDU_1476, self._invoke, words.COV_NOTIFICATION]) + body

    def _send(self, packet: Packet, addr: Address) -> None:
        self._put(frame.datagram(packet), addr)

    def _put(self, octets: bytes, addr: Address) -> None:
        if self._sockets and not self._sockets[0].is_closing():
            self._sockets[0].sendto(octets, addr)


async def serve_udp(
    stations: Station | Stations, host: str = "127.0.0.1", port: int = 0, *, broadcast: str | None = None
) -> UdpEndpoint:
    """Put a device on a UDP port (0: a free one, see ``.port``), or several behind a router there.

    Raises OSError when the port is taken.
    """
    several: Stations = {None: stations} if isinstance(stations, Station) else stations
    endpoint = UdpEndpoint(several, host, port, broadcast)
    await endpoint.listen()
    return endpoint
