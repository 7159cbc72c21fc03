"""One TCP connection: bytes in, bytes out, and an end that is reported once.

It uses its own socket: asyncio's transports take another iteration of the loop for whatever begins or ends,
and a layer of calls for each event.
"""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import TYPE_CHECKING

from quartier_drivers.loop import Done, Loop

if TYPE_CHECKING:  # a process without a daemon keeps no record
    from quartier_drivers.tape import Tape

# A frame has at most 260 bytes; a telegram of a meter arrives in pieces anyway.
_ROOM = 4096
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)


class Stream:
    """One connection; after ``drop`` nothing that it still receives is delivered.

    ``hear`` takes bytes and returns what to send at once, if anything.  ``lost`` takes the reason why the
    connection ended, None if the peer just closed it.  ``sound`` may take bytes before ``hear`` does, outside
    of the loop's iterations (``loop.Ear``): it returns what to send at once, None if ``hear`` must take them.
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
        self.tape: Tape | None = None
        """The record of sent and received bytes; None if there is none."""

    @property
    def stands(self) -> bool:
        """Whether the connection is up, as far as the kernel knows."""
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
            keep_alive(one)
            number = one.connect_ex((address, port))
            if number in _UNDER_WAY:
                await _writable(loop, one)
                number = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except BaseException:
            one.close()
            raise
        if number:
            one.close()
            raise OSError(number, os.strerror(number))
        self._loop, self._socket, self._left, self._ends = loop, one, b"", False
        if self.tape is not None:
            host, number = one.getsockname()[:2]
            self.tape.mark("opened", "connected", f"{host}:{number}", f"{address}:{port}")
        loop.add_reader(one.fileno(), self._readable)
        if self._sound is not None and isinstance(loop, Loop):
            loop.ear.hears(one.fileno(), self._at_once)

    def send(self, data: bytes) -> bool:
        """Send bytes; the rest follows when the kernel takes it.

        Return whether the connection was up; an end that is found only now is reported by ``lost``.
        """
        if self._socket is None:
            return False
        if self.tape is not None:
            self.tape.sent(data)
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
        if self._socket is not None and self.tape is not None:
            self.tape.mark("closed", "closed by us")
        self._drop()

    def _drop(self) -> None:
        one, self._socket = self._socket, None
        if one is None:
            return
        assert self._loop is not None
        self._held = None
        if isinstance(self._loop, Loop):
            self._loop.ear.hears(one.fileno(), None)
        if not self._loop.is_closed():
            self._loop.remove_reader(one.fileno())
            if self._left:
                self._loop.remove_writer(one.fileno())
        part(one)

    def _at_once(self) -> Done:
        """Handle received bytes before the next iteration of the loop."""
        assert self._socket is not None
        assert self._sound is not None
        try:
            data = self._socket.recv(_ROOM)
        except (BlockingIOError, InterruptedError):
            return Done.ALL
        except OSError as error:
            self._held = error
            return Done.NOTHING
        if self.tape is not None and data:
            self.tape.heard(data)
        reply = self._sound(data) if data else None
        if reply is None:
            self._held = data
            return Done.NOTHING
        if not reply:
            return Done.SOME
        self.send(reply)
        return Done.SOME if self._ends else Done.ALL  # an end that is found just now is told in a turn

    def _readable(self) -> None:
        assert self._socket is not None
        held, self._held = self._held, None
        try:
            if isinstance(held, OSError):
                raise held
            data = self._socket.recv(_ROOM) if held is None else held
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(error)
            return
        if self.tape is not None and data and held is None:
            self.tape.heard(data)
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
            if self.tape is not None:
                self.tape.mark("ended", str(error or "closed by the other end"))
            self._drop()
            self._lost(error)


async def _writable(loop: asyncio.AbstractEventLoop, one: socket.socket) -> None:
    """Wait until the kernel has connected or has given up."""
    settled = loop.create_future()
    loop.add_writer(one.fileno(), _settle, settled)
    try:
        await settled
    finally:
        loop.remove_writer(one.fileno())


def _settle(settled: "asyncio.Future[None]") -> None:
    if not settled.done():
        settled.set_result(None)


def part(endpoint: socket.socket) -> None:
    """Close a connection; data that the peer has not acknowledged is dropped.

    The kernel would send it again for minutes: once the network is back, an order that was given up long ago
    would arrive after newer ones on the next connection.
    """
    if struct.unpack("i", ioctl(endpoint, TIOCOUTQ, bytes(4)))[0]:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    endpoint.close()


def keep_alive(endpoint: socket.socket) -> None:
    """Let the kernel detect within about 25 s that the peer is gone."""
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
