"""Put devices on a wire: a Modbus TCP server, or a slave on a pseudo terminal.

Several devices may share one endpoint (a gateway, an RS-485 line); their units must differ. Delays of
faults are real seconds: a client's time-outs are real at every rate of the clock.
"""

import asyncio
import contextlib
import os
import socket
import tty
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Self

from quartier_sim.devices.simulated_device import SILENCE, Device, Reply
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import build_exception

# Silence that ends a frame of unknown length; a pty has no bit rate, so any short pause will do.
_QUIET_S = 0.02


class _Endpoint:
    """The devices of one endpoint, by unit, and the answers still under way."""

    def __init__(self, devices: Sequence[Device], absent: int | None) -> None:
        self.devices = tuple(devices)
        self.absent = absent
        self._units: dict[int, Device] = {}
        for device in devices:
            for unit in device.units:
                if unit in self._units:
                    raise ValueError(f"unit {unit} is taken twice on one endpoint")
                self._units[unit] = device
            device.watchers.append(self._changed)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def off(self) -> bool:
        """Return whether nothing here is to be found: without power, or unplugged."""
        return all(device.away for device in self.devices)

    def reply(self, unit: int, pdu: bytes) -> Reply:
        device = self._units.get(unit)
        if device is None or device.away:
            return SILENCE if self.absent is None else Reply(build_exception(pdu[0], self.absent))
        return device.answer(unit, pdu)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` in a task of its own; it ends with the endpoint."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def ready(self) -> None:
        """Wait until everything under way is done: late answers sent, a returning device listening."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def quit(self) -> None:
        for device in self.devices:
            device.watchers.remove(self._changed)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _changed(self) -> None:
        """A fault came or went."""

    async def close(self) -> None:
        await self.quit()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class TcpEndpoint(_Endpoint):
    """A Modbus TCP server; with every device off it is gone from the network."""

    def __init__(self, devices: Sequence[Device], host: str, port: int, absent: int | None) -> None:
        super().__init__(devices, absent)
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._is_opening = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None] | None] = set()

    @property
    def url(self) -> str:
        """``tcp://host:port``."""
        return f"tcp://{self.host}:{self.port}"

    async def listen(self) -> None:
        """Take the port; port 0 becomes a free one and stays the same from then on."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)
        self._is_opening = False
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection."""
        await self.quit()
        self._hang_up()
        await asyncio.gather(*(handler for handler in self._handlers if handler is not None))

    def _changed(self) -> None:
        if self.off and self._server is not None:
            self._hang_up()
        elif not self.off and self._server is None and not self._is_opening:
            self._is_opening = True  # the others on it come back in the same breath
            self.later(self.listen())

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._handlers.add(asyncio.current_task())
        try:
            while (
                header := framing.parse_tcp_header(await reader.readexactly(framing.HEADER_BYTES))
            ) is not None:
                transaction, unit, length = header
                pdu = await reader.readexactly(length)
                await self._reply(writer, transaction, unit, self.reply(unit, pdu))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, or the device lost its power
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self._handlers.discard(asyncio.current_task())

    async def _reply(self, writer: asyncio.StreamWriter, transaction: int, unit: int, reply: Reply) -> None:
        if reply.pdu is None:
            return
        frame = reply.pdu if reply.noise else framing.build_tcp_frame(transaction, unit, reply.pdu)
        if reply.late:
            self.later(_send_late(writer, frame, reply.wait_s))
            return
        if reply.wait_s:
            await asyncio.sleep(reply.wait_s)
        writer.write(frame)
        await writer.drain()


async def _send_late(writer: asyncio.StreamWriter, frame: bytes, wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    if not writer.is_closing():
        writer.write(frame)


class PtyEndpoint(_Endpoint):
    """A Modbus RTU line on a pseudo terminal, found by clients under a path of its own.

    An absent unit is silent, as on a real line.  Frames are taken apart by their length, what
    fits no frame is dropped when the line has been quiet.
    """

    def __init__(self, devices: Sequence[Device], path: Path) -> None:
        super().__init__(devices, absent=None)
        self.path = path
        self._heard = bytearray()
        self._quiet: asyncio.TimerHandle | None = None
        self._busy: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Locks by unit: a slow unit answers one request after the other, and delays no other unit."""
        self._fell_quiet = asyncio.Event()
        self._master = self._slave = -1
        self.plug()

    def plug(self) -> None:
        """Put the adapter in: the port is there, under the same path."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._hear)

    def unplug(self) -> None:
        """Pull the adapter out: the port is gone, clients that hold it get an error."""
        if self._quiet is not None:
            self._quiet.cancel()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        self._heard.clear()
        self.path.unlink(missing_ok=True)

    @property
    def is_plugged(self) -> bool:
        """Return whether the port is there."""
        return self._master >= 0

    @property
    def url(self) -> str:
        """The path of the serial port."""
        return str(self.path)

    async def close(self) -> None:
        """Remove the port; clients that hold it get an error."""
        await self.quit()
        if self._master >= 0:
            self.unplug()

    async def quiet(self) -> None:
        """Wait until data came and the line has been quiet after it."""
        await self._fell_quiet.wait()

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._heard += os.read(self._master, 4096)
        self._fell_quiet.clear()
        if self._quiet is not None:
            self._quiet.cancel()
        while (length := framing.find_rtu_request_size(self._heard)) is not None and len(
            self._heard
        ) >= length:
            frame = bytes(self._heard[:length])
            request = framing.parse_rtu_request(frame)
            if request is None:
                break
            del self._heard[:length]
            self._answer(*request)
        self._quiet = asyncio.get_running_loop().call_later(_QUIET_S, self._ended)

    def _ended(self) -> None:
        """Close a frame after a pause of the line: the data are a frame of another kind, or noise."""
        request = framing.parse_rtu_request(bytes(self._heard))
        self._heard.clear()
        self._fell_quiet.set()
        if request is not None:
            self._answer(*request)

    def _answer(self, unit: int, pdu: bytes) -> None:
        reply = self.reply(unit, pdu)
        if reply.pdu is None:
            return
        frame = reply.pdu if reply.noise else framing.build_rtu_frame(unit, reply.pdu)
        if reply.wait_s or self._busy[unit].locked():
            self.later(self._speak(unit, frame, reply))
        else:
            self._say(frame)

    async def _speak(self, unit: int, frame: bytes, reply: Reply) -> None:
        if reply.late:
            await asyncio.sleep(reply.wait_s)
        else:
            async with self._busy[unit]:
                await asyncio.sleep(reply.wait_s)
        self._say(frame)

    def _say(self, frame: bytes) -> None:
        if self._master < 0:
            return
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self._master, frame)


async def serve_tcp(
    devices: Device | Sequence[Device], host: str = "127.0.0.1", port: int = 0, *, absent: int | None = None
) -> TcpEndpoint:
    """Put devices on a TCP port (0: a free one, see ``.port``).

    ``absent`` is the exception for units that are not there; by default what the first device
    does.  Raises OSError when the port is taken, ValueError when two devices have the same unit.
    """
    several = [devices] if isinstance(devices, Device) else list(devices)
    endpoint = TcpEndpoint(several, host, port, several[0].absent if absent is None else absent)
    await endpoint.listen()
    return endpoint


async def serve_pty(devices: Device | Sequence[Device], path: Path | str) -> PtyEndpoint:
    """Put devices on a pseudo terminal that is linked to as ``path``.

    Raises OSError when no terminal is left or the path cannot be made, ValueError when two
    devices have the same unit.
    """
    several = [devices] if isinstance(devices, Device) else list(devices)
    return PtyEndpoint(several, Path(path))


_used_ports: set[int] = set()


def find_free_port() -> int:
    """A TCP port of this machine that is free now, another one at each call."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _used_ports:
            _used_ports.add(port)
            return port
