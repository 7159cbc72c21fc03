"""Serial ports: a pseudo terminal under its own path, or a TCP serial server.

Bytes without a reader are lost, as on a wire; ``room`` is for a sender that must not lose any.
"""

import asyncio
import contextlib
import os
import termios
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Self

ReceiveCallback = Callable[[bytes], None]
_SPEEDS = {
    getattr(termios, f"B{baud}"): baud
    for baud in (300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
# Bytes that may wait in a connection before a sender has to wait.
_TCP_WAITING_MAX = 16_384


class Port(ABC):
    """Port: ``hear`` takes the bytes of the other side; ``lost_bytes`` counts bytes without a reader."""

    def __init__(self, hear: ReceiveCallback | None = None) -> None:
        self.hear: ReceiveCallback = hear or _ignore_bytes
        self.lost_bytes = 0

    @property
    @abstractmethod
    def url(self) -> str:
        """Its URL in a site file."""

    @property
    @abstractmethod
    def is_plugged(self) -> bool:
        """Return whether it is there."""

    @property
    def speed(self) -> int | None:
        """The baud rate that the other side has set; None where it cannot be seen."""
        return None

    @abstractmethod
    async def plug(self) -> None:
        """Make it appear, at the place where it was before."""

    @abstractmethod
    async def unplug(self) -> None:
        """Take it away; whoever holds it gets an error."""

    @abstractmethod
    def say(self, data: bytes) -> int:
        """Send what can be sent now; returns how many bytes went out.  The rest counts as lost."""

    @abstractmethod
    async def room(self) -> None:
        """Wait until bytes can be sent without losing any."""

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.unplug()


def _ignore_bytes(_: bytes) -> None:
    """Drop bytes that arrive from the other side."""


class PtyPort(Port):
    """A serial port at ``path``, a link to a pseudo terminal that is a new one after each plug."""

    def __init__(self, path: Path, hear: ReceiveCallback | None = None) -> None:
        super().__init__(hear)
        self.path = path
        self._master = self._slave = -1
        self._writable = asyncio.Event()

    @property
    def url(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def is_plugged(self) -> bool:
        """Return whether the terminal is there."""
        return self._master >= 0

    @property
    def speed(self) -> int | None:
        """As the terminal is set."""
        return _SPEEDS.get(termios.tcgetattr(self._slave)[5]) if self.is_plugged else None

    async def plug(self) -> None:
        """Make a terminal and link to it."""
        if self.is_plugged:
            return
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    async def unplug(self) -> None:
        """Close the terminal and remove the link."""
        if not self.is_plugged:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        self.path.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        self._writable.set()

    def say(self, data: bytes) -> int:
        """As much as the terminal takes."""
        sent = 0
        if self.is_plugged:
            with contextlib.suppress(BlockingIOError):
                sent = os.write(self._master, data)
        self.lost_bytes += len(data) - sent
        return sent

    async def room(self) -> None:
        """Until the terminal takes more."""
        if not self.is_plugged:
            return
        self._writable.clear()
        asyncio.get_running_loop().add_writer(self._master, self._ready)
        await self._writable.wait()

    def _ready(self) -> None:
        asyncio.get_running_loop().remove_writer(self._master)
        self._writable.set()

    def _readable(self) -> None:
        data = b""
        with contextlib.suppress(OSError):  # nothing there, or the other side is just closing
            data = os.read(self._master, 4096)
        if data:
            self.hear(data)


class TcpPort(Port):
    """A serial device server: what it hears goes to every connection, port 0 becomes a free one."""

    def __init__(self, hear: ReceiveCallback | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(hear)
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """``tcp://host:port``."""
        return f"tcp://{self.host}:{self.port}"

    @property
    def is_plugged(self) -> bool:
        """Return whether it listens."""
        return self._server is not None

    async def plug(self) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._handlers, return_exceptions=True)

    def say(self, data: bytes) -> int:
        """To every connection."""
        if not self._writers:
            self.lost_bytes += len(data)
            return 0
        for writer in self._writers:
            writer.write(data)
        return len(data)

    async def room(self) -> None:
        """Until the connections took most of what waits."""
        for writer in tuple(self._writers):
            if writer.transport.get_write_buffer_size() > _TCP_WAITING_MAX:
                with contextlib.suppress(OSError):
                    await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self._writers.add(writer)
        try:
            while data := await reader.read(4096):
                self.hear(data)
        except OSError:
            pass  # the client went away
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._handlers.discard(task)
