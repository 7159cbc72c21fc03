"""Own UDP socket, pending requests by invoke ID, and registration at a BBMD."""

import asyncio
import errno
import fcntl
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING, Protocol

from quartier_drivers.bacnet.address import Host, parse_station
from quartier_drivers.contract import Note
from quartier_drivers.errors import LinkLost
from quartier_native.bacnet import ABORT, COMPLEX_ACK, ERROR, REJECT, SEGMENT, SIMPLE_ACK, Heard

if TYPE_CHECKING:
    from quartier_drivers.transport.frame_recorder import FrameRecorder


ANSWER_TYPES = frozenset((SIMPLE_ACK, COMPLEX_ACK, ERROR, REJECT, ABORT, SEGMENT))
"""What may answer a confirmed request; a segment is one that we never accept."""


REFUSAL_TYPES = frozenset((ERROR, REJECT, ABORT))
INVOKE_IDS = 128
"""The line uses 0..127; the others are left to the library."""


RequestKey = tuple[Host, bytes, int]
"""Host, the network and MAC behind it (empty: itself), invoke ID."""


Answer = tuple[bytes, Heard]
"""A datagram, and the content of its heads."""


class PendingRequests:
    """The pending answers, and the count of late ones."""

    def __init__(self) -> None:
        self._waiting: dict[RequestKey, asyncio.Future[Answer]] = {}
        self._next: dict[tuple[Host, bytes], int] = {}
        self.late_count = 0

    def begin(self, host: Host, source: bytes) -> tuple[int, asyncio.Future[Answer]]:
        """Return an invoke ID that is free for this device, and the future of its answer.

        Raises BlockingIOError if none is free.
        """
        first = self._next.get((host, source), 0)
        for step in range(INVOKE_IDS):
            number = (first + step) % INVOKE_IDS
            if (host, source, number) not in self._waiting:
                self._next[host, source] = (number + 1) % INVOKE_IDS
                waiter = asyncio.get_running_loop().create_future()
                self._waiting[host, source, number] = waiter
                return number, waiter
        raise BlockingIOError("128 requests to one device wait for an answer")

    def end(self, host: Host, source: bytes, number: int) -> None:
        """Free an invoke ID."""
        self._waiting.pop((host, source, number), None)

    def settle(self, host: Host, source: bytes, number: int, answer: Answer) -> bool:
        """Return whether the answer belongs to a request of ours, pending or timed out."""
        if not 0 <= number < INVOKE_IDS:
            return False
        waiter = self._waiting.get((host, source, number))
        if waiter is None or waiter.done():
            self.late_count += 1
        else:
            waiter.set_result(answer)
        return True

    def fail(self, error: Exception) -> None:
        """End all pending requests with this error: the network is gone."""
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(error)


class Registrar(Protocol):
    """The part of the library that registers us at a BBMD."""

    async def register(self, bbmd: Host, ttl_s: int, timeout_s: float) -> None:
        """Register as a foreign device, and keep trying.

        Raises LinkLost if the BBMD has not accepted it yet.
        """
        ...

    @property
    def is_registered(self) -> bool:
        """Return whether a BBMD has us in its table, as far as known."""
        ...


class BbmdRegistration:
    """The registration of the bus ``name`` with ``bbmd``.

    Without it, devices with an address still work.
    """

    def __init__(self, name: str, bbmd: str, ttl_s: int, timeout_s: float) -> None:
        self._name = name
        self._bbmd = bbmd
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._registrar: Registrar | None = None
        self._is_in = True
        self._why = ""

    async def begin(self, registrar: Registrar) -> None:
        """Register; a refusal by the BBMD is only reported as a note."""
        self._registrar = registrar
        try:
            await registrar.register(parse_station(self._bbmd), self._ttl_s, self._timeout_s)
        except LinkLost as error:
            self._why = str(error)

    def notes(self) -> Sequence[Note]:
        """Return a note each time the registration was gained or lost."""
        is_in = self._registrar is None or self._registrar.is_registered
        if is_in == self._is_in:
            return ()
        self._is_in = is_in
        if is_in:
            return (Note("bbmd.back", f"{self._name}: the BBMD {self._bbmd} takes us", is_good=True),)
        why, self._why = self._why or f"the BBMD {self._bbmd} no longer answers", ""
        return (Note("bbmd.lost", f"{self._name}: {why}; until then nobody is found by its instance"),)


DATAGRAM_MAX = 2048
# Most datagrams per iteration: a storm of broadcasts must not block the loop.
BURST_COUNT = 32
# linux/sockios.h
_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B
_GONE = (errno.ENETDOWN, errno.ENETUNREACH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.EBADF)


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """Our own address, and the broadcast address; None: an address without prefix."""

    address: str
    broadcast: str | None


def find_own_address(interface: str) -> OwnAddress:
    """Return the addresses for ``eth0``, ``192.168.1.5/24`` or ``127.0.0.1``.

    Raises LinkLost for an interface that does not exist.
    """
    if not interface[0].isdigit():
        interface = _read_interface(interface)
    found = IPv4Interface(interface)
    broad = None if found.network.prefixlen >= 31 else str(found.network.broadcast_address)
    return OwnAddress(str(found.ip), broad)


def _read_interface(name: str) -> str:
    """Return address and mask of a network interface, as the kernel has them (netdevice(7))."""
    asked = struct.pack("256s", name.encode("ascii"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            address, mask = (
                socket.inet_ntoa(fcntl.ioctl(one.fileno(), request, asked)[20:24])
                for request in (_SIOCGIFADDR, _SIOCGIFNETMASK)
            )
        except OSError as error:
            what = "has no IPv4 address yet" if error.errno == errno.EADDRNOTAVAIL else "is not there"
            raise LinkLost(f"interface {name} {what}: {error.strerror or error}; see `ip address`") from error
    return f"{address}/{mask}"


class UdpPort:
    """The socket, and a second one for broadcasts; ``take`` is called with each datagram."""

    def __init__(self, take: Callable[[bytes, Host, bool], None], lost: Callable[[str], None]) -> None:
        self._take = take
        self._lost = lost
        self._sockets: list[socket.socket] = []
        self.own_address = OwnAddress("", None)
        self.number = 0
        self.recorder: FrameRecorder | None = None
        """Where what comes and goes is kept, if anywhere."""

    @property
    def is_open(self) -> bool:
        """Return whether the port is bound."""
        return bool(self._sockets)

    def open(self, interface: str, number: int) -> None:
        """Bind to UDP port ``number``.  Raises LinkLost, naming the obstacle."""
        self.own_address, self.number = find_own_address(interface), number
        loop = asyncio.get_running_loop()
        try:
            self._bind(self.own_address.address, is_broadcast=False)
            if self.own_address.broadcast is not None:
                self._bind(self.own_address.broadcast, is_broadcast=True)
        except OSError as error:
            self.close()
            raise LinkLost(self._why(error)) from error
        if self.recorder is not None:
            self.recorder.mark("opened", "bound", f"{self.own_address.address}:{number}")
        for place, one in enumerate(self._sockets):
            loop.add_reader(one.fileno(), self._read, one, place > 0)

    def _bind(self, address: str, *, is_broadcast: bool) -> None:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sockets.append(one)
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if is_broadcast:  # what is sent to all reaches each program that listens for it
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, self.number))

    def _why(self, error: OSError) -> str:
        where = f"UDP port {self.number} of {self.own_address.address}"
        if error.errno == errno.EADDRINUSE:
            return (
                f"{where} is in use by another BACnet program; find it with `ss -ulpn`, stop it, or give "
                "this bus another port"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{where}: this machine has no such address; see `ip address` and the bus's interface"
        return f"{where} cannot be opened: {error.strerror or error}"

    def close(self) -> None:
        """Close the port; it may be opened again."""
        if self._sockets and self.recorder is not None:
            self.recorder.mark("closed", "closed by us")
        for one in self._sockets:
            if one.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
        self._sockets.clear()

    def send(self, data: bytes, host: Host) -> None:
        """Send a datagram.  Raises LinkLost if the network is gone; a refusal by the host is ignored."""
        if not self._sockets:
            raise LinkLost("the socket is closed")
        if self.recorder is not None:
            self.recorder.record_sent_datagram(data, *host)
        try:
            self._sockets[0].sendto(data, host)
        except BlockingIOError:
            return  # the card's queue is full: as good as lost on the way
        except OSError as error:
            if error.errno in _GONE:
                raise LinkLost(f"{self.own_address.address}: {error.strerror or error}") from error

    def broadcast(self, data: bytes) -> None:
        """Send to the whole subnet.  Raises LinkLost, also if there is no prefix that defines it."""
        if self.own_address.broadcast is None:
            raise LinkLost(
                f"{self.own_address.address} has no broadcast address; say interface with its prefix "
                f"({self.own_address.address}/24), or the address of each device"
            )
        self.send(data, (self.own_address.broadcast, self.number))

    def _read(self, one: socket.socket, is_broadcast: bool) -> None:  # noqa: FBT001 - a callback's argument
        for _ in range(BURST_COUNT):
            try:
                data, host = one.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:
                    self._lost(f"{self.own_address.address}: {error.strerror or error}")
                return
            if host != (self.own_address.address, self.number):  # our own words to all come back
                if self.recorder is not None:
                    self.recorder.record_received_datagram(data, *host)
                self._take(data, host, is_broadcast)
