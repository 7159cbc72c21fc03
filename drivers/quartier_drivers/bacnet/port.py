"""Our UDP socket on a BACnet/IP network: bound with a look at what stands in the way, and read in bursts."""

import asyncio
import errno
import fcntl
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from quartier_drivers.bacnet.address import Host
from quartier_drivers.errors import LinkLost

if TYPE_CHECKING:
    from quartier_drivers.tape import Tape

DATAGRAM_MAX = 2048
# Datagrams of one turn: a storm of broadcasts must not hold the loop.
BURST_COUNT = 32
# linux/sockios.h
_SIOCGIFADDR, _SIOCGIFNETMASK = 0x8915, 0x891B
_GONE = (errno.ENETDOWN, errno.ENETUNREACH, errno.ENODEV, errno.EADDRNOTAVAIL, errno.EBADF)


@dataclass(frozen=True, slots=True)
class Ground:
    """Our own address, and the one that reaches everybody; None: an address without prefix."""

    address: str
    broadcast: str | None


def ground(interface: str) -> Ground:
    """What ``eth0``, ``192.168.1.5/24`` or ``127.0.0.1`` means.  Raises LinkLost for an interface that is
    not there.
    """
    if not interface[0].isdigit():
        interface = _of_card(interface)
    found = IPv4Interface(interface)
    broad = None if found.network.prefixlen >= 31 else str(found.network.broadcast_address)
    return Ground(str(found.ip), broad)


def _of_card(name: str) -> str:
    """Address and mask of a network interface, as the kernel says them (netdevice(7))."""
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


class Port:
    """The socket, and a second one for what is sent to all of the subnet; ``take`` hears each datagram."""

    def __init__(self, take: Callable[[bytes, Host, bool], None], lost: Callable[[str], None]) -> None:
        self._take = take
        self._lost = lost
        self._sockets: list[socket.socket] = []
        self.ground = Ground("", None)
        self.number = 0
        self.tape: Tape | None = None
        """Where what comes and goes is kept, if anywhere."""

    @property
    def is_open(self) -> bool:
        """Return whether it is bound."""
        return bool(self._sockets)

    def open(self, interface: str, number: int) -> None:
        """Bind to UDP port ``number``.  Raises LinkLost, naming what stands in the way."""
        self.ground, self.number = ground(interface), number
        loop = asyncio.get_running_loop()
        try:
            self._bind(self.ground.address, is_broadcast=False)
            if self.ground.broadcast is not None:
                self._bind(self.ground.broadcast, is_broadcast=True)
        except OSError as error:
            self.close()
            raise LinkLost(self._why(error)) from error
        if self.tape is not None:
            self.tape.mark("opened", "bound", f"{self.ground.address}:{number}")
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
        where = f"UDP port {self.number} of {self.ground.address}"
        if error.errno == errno.EADDRINUSE:
            return (
                f"{where} is in use by another BACnet program; find it with `ss -ulpn`, stop it, or give "
                "this bus another port"
            )
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{where}: this machine has no such address; see `ip address` and the bus's interface"
        return f"{where} cannot be opened: {error.strerror or error}"

    def close(self) -> None:
        """Close it; may be opened again."""
        if self._sockets and self.tape is not None:
            self.tape.mark("closed", "closed by us")
        for one in self._sockets:
            if one.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
        self._sockets.clear()

    def send(self, data: bytes, host: Host) -> None:
        """Send a datagram.  Raises LinkLost where the network is gone; what a host does not take is lost."""
        if not self._sockets:
            raise LinkLost("the socket is closed")
        if self.tape is not None:
            self.tape.sent_to(data, *host)
        try:
            self._sockets[0].sendto(data, host)
        except BlockingIOError:
            return  # the card's queue is full: as good as lost on the way
        except OSError as error:
            if error.errno in _GONE:
                raise LinkLost(f"{self.ground.address}: {error.strerror or error}") from error

    def broadcast(self, data: bytes) -> None:
        """Send to all of the subnet.  Raises LinkLost, also where no prefix says what that is."""
        if self.ground.broadcast is None:
            raise LinkLost(
                f"{self.ground.address} has no broadcast address; say interface with its prefix "
                f"({self.ground.address}/24), or the address of each device"
            )
        self.send(data, (self.ground.broadcast, self.number))

    def _read(self, one: socket.socket, is_broadcast: bool) -> None:  # noqa: FBT001 - a callback's argument
        for _ in range(BURST_COUNT):
            try:
                data, host = one.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _GONE:
                    self._lost(f"{self.ground.address}: {error.strerror or error}")
                return
            if host != (self.ground.address, self.number):  # our own words to all come back
                if self.tape is not None:
                    self.tape.heard_from(data, *host)
                self._take(data, host, is_broadcast)
