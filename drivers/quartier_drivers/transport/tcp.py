"""TCP connections: look up a host, try its addresses, send and receive, report the end once.

Names are looked up in own threads: asyncio's own lookups share the loop's few threads with the disk, and
names that hang would keep the gateway from saving its state, and from stopping when asked.

A connection uses its own socket: asyncio's transports take another iteration of the loop for whatever begins
or ends, and a layer of calls for each event.
"""

import asyncio
import errno
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from ipaddress import ip_address
from termios import TIOCOUTQ
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost
from quartier_drivers.transport.event_loop import EventLoop, Handled

if TYPE_CHECKING:
    from quartier_drivers.transport.frame_recorder import FrameRecorder


class TcpStream:
    """One connection; after ``drop`` nothing that it still receives is delivered.

    ``hear`` takes bytes and returns what to send at once, if anything.  ``lost`` takes the reason why the
    connection ended, None if the peer just closed it.  ``sound`` may take bytes before ``hear`` does, outside
    of the loop's iterations (see ``DirectSelector``): it returns what to send at once, None if ``hear`` must
    take them.
    """

    def __init__(
        self,
        hear: Callable[[bytes], bytes | None],
        lost: Callable[[Exception | None], None],
        sound: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        self._hear = hear
        self._lost = lost
        self._sound = sound
        self._held: bytes | OSError | None = None  # what came, and is for ``hear``
        self._ends = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket: socket.socket | None = None
        self._left = b""
        self.recorder: FrameRecorder | None = None
        """The record of sent and received bytes; None if there is none."""

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as the kernel knows."""
        return self._socket is not None

    @property
    def peer(self) -> str:
        """The address of the peer; empty if not connected."""
        return "" if self._socket is None else str(self._socket.getpeername()[0])

    async def connect(self, address: str, port: int) -> None:
        """Connect to a numeric address.  Raises OSError; may be cancelled at any time."""
        self.drop()
        loop = asyncio.get_running_loop()
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            enable_keep_alive(one)
            number = one.connect_ex((address, port))
            if number in _IN_PROGRESS:
                await _wait_until_writable(loop, one)
                number = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except BaseException:
            one.close()
            raise
        if number:
            one.close()
            raise OSError(number, os.strerror(number))
        self._loop, self._socket, self._left, self._ends = loop, one, b"", False
        if self.recorder is not None:
            host, number = one.getsockname()[:2]
            self.recorder.mark("opened", "connected", f"{host}:{number}", f"{address}:{port}")
        loop.add_reader(one.fileno(), self._readable)
        if self._sound is not None and isinstance(loop, EventLoop):
            loop.direct_selector.hears(one.fileno(), self._at_once)

    def send(self, data: bytes) -> bool:
        """Send bytes; the rest follows when the kernel takes it.

        Return whether the connection was up; an end that is found only now is reported by ``lost``.
        """
        if self._socket is None:
            return False
        if self.recorder is not None:
            self.recorder.record_sent(data)
        if self._left:
            self._left += data
            return True
        try:
            sent = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._end_soon(error)
            return True
        if sent < len(data):
            self._left = data[sent:]
            assert self._loop is not None
            self._loop.add_writer(self._socket.fileno(), self._flush)
        return True

    def drop(self) -> None:
        """Close the connection at once, without a call of ``lost``."""
        if self._socket is not None and self.recorder is not None:
            self.recorder.mark("closed", "closed by us")
        self._drop()

    def _drop(self) -> None:
        one, self._socket = self._socket, None
        if one is None:
            return
        assert self._loop is not None
        self._held = None
        if isinstance(self._loop, EventLoop):
            self._loop.direct_selector.hears(one.fileno(), None)
        if not self._loop.is_closed():
            self._loop.remove_reader(one.fileno())
            if self._left:
                self._loop.remove_writer(one.fileno())
        close_hard(one)

    def _at_once(self) -> Handled:
        """Handle received bytes before the next iteration of the loop."""
        assert self._socket is not None
        assert self._sound is not None
        try:
            data = self._socket.recv(_READ_MAX_BYTES)
        except (BlockingIOError, InterruptedError):
            return Handled.ALL
        except OSError as error:
            self._held = error
            return Handled.NOTHING
        if self.recorder is not None and data:
            self.recorder.record_received(data)
        reply = self._sound(data) if data else None
        if reply is None:
            self._held = data
            return Handled.NOTHING
        if not reply:
            return Handled.SOME
        self.send(reply)
        return Handled.SOME if self._ends else Handled.ALL  # an end found now is reported later

    def _readable(self) -> None:
        assert self._socket is not None
        held, self._held = self._held, None
        try:
            if isinstance(held, OSError):
                raise held
            data = self._socket.recv(_READ_MAX_BYTES) if held is None else held
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if self.recorder is not None and data and held is None:
            self.recorder.record_received(data)
        if not data:
            self._end(None)
        elif reply := self._hear(data):
            self.send(reply)

    def _flush(self) -> None:
        assert self._socket is not None
        assert self._loop is not None
        try:
            sent = self._socket.send(self._left)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        self._left = self._left[sent:]
        if not self._left:
            self._loop.remove_writer(self._socket.fileno())

    def _end_soon(self, error: OSError) -> None:
        """Report the end in the next iteration of the loop, never during a call of ``send``."""
        assert self._loop is not None
        self._ends = True
        self._loop.call_soon(self._end, error, self._socket)

    def _end(self, error: Exception | None, of: socket.socket | None = None) -> None:
        if self._socket is not None and of in (None, self._socket):
            if self.recorder is not None:
                self.recorder.mark("ended", str(error or "closed by the other end"))
            self._drop()
            self._lost(error)


class TcpEndpoint:
    """A host and port, called ``where`` in errors.

    Keep the object as long as you may connect again: a lookup that hangs is then not started a second time.
    """

    def __init__(self, host: str, port: int, where: str) -> None:
        self._names = HostAddresses(host)
        self._port = port
        self._where = where

    async def connect(self, stream: TcpStream, timeout_s: float) -> None:
        """Connect ``stream`` to the first address that accepts.  Raises LinkLost with the reason."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._reach(stream)
        except TimeoutError as error:
            stream.drop()
            raise LinkLost(f"{self._where} does not answer") from error
        except OSError as error:
            # A name that cannot be resolved has no error number of the system.
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else error.strerror or error
            raise LinkLost(f"{self._where}: {why}") from error
        except asyncio.CancelledError:
            stream.drop()
            raise

    async def _reach(self, stream: TcpStream) -> None:
        *others, last = await self._names.addresses()
        for address in others:
            with suppress(OSError):
                await stream.connect(address, self._port)
                return
        await stream.connect(last, self._port)


class HostAddresses:
    """One host.  At most one lookup at a time; a result that is late for one attempt serves the next."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lookup: asyncio.Future[list[str] | OSError] | None = None

    async def addresses(self) -> list[str]:
        """Return the addresses in the resolver's order.  Raises OSError; may be cancelled at any time."""
        with suppress(ValueError):
            return [str(ip_address(self._host))]
        if self._lookup is None:
            self._lookup = _look_up(self._host)
        found = await asyncio.shield(self._lookup)
        self._lookup = None
        if isinstance(found, OSError):
            raise found
        return found


def _look_up(host: str) -> asyncio.Future[list[str] | OSError]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str] | OSError] = loop.create_future()

    def work() -> None:
        found: list[str] | OSError
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except OSError as error:
            found = error
        except UnicodeError as error:  # a label that is empty or too long
            found = OSError(f"is no name: {error}")
        with suppress(RuntimeError):  # the loop is gone: no caller is left
            loop.call_soon_threadsafe(answer.set_result, found)

    threading.Thread(target=work, name=f"look up {host}", daemon=True).start()
    return answer


# A frame has at most 260 bytes; a telegram of a meter arrives in pieces anyway.
_READ_MAX_BYTES = 4096
_IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)


async def _wait_until_writable(loop: asyncio.AbstractEventLoop, one: socket.socket) -> None:
    """Wait until the kernel has connected or has given up."""
    settled = loop.create_future()
    loop.add_writer(one.fileno(), _settle_future, settled)
    try:
        await settled
    finally:
        loop.remove_writer(one.fileno())


def _settle_future(settled: "asyncio.Future[None]") -> None:
    if not settled.done():
        settled.set_result(None)


def close_hard(endpoint: socket.socket) -> None:
    """Close a connection; data that the peer has not acknowledged is dropped.

    The kernel would send it again for minutes: once the network is back, an order that was given up long ago
    would arrive after newer ones on the next connection.
    """
    if struct.unpack("i", ioctl(endpoint, TIOCOUTQ, bytes(4)))[0]:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    endpoint.close()


def enable_keep_alive(endpoint: socket.socket) -> None:
    """Let the kernel detect within about 25 s that the peer is gone."""
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
