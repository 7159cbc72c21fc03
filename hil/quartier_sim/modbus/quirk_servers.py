"""Servers with one quirk: on a TCP port, or on a pseudo terminal beside other devices."""

import asyncio
import contextlib
import os
import struct
import termios
import tty
from collections.abc import Coroutine, Mapping
from typing import Any, Self

from quartier_sim.modbus import framing
from quartier_sim.modbus.quirks import Quirk, QuirkFrame, QuirkyDevice
from quartier_sim.modbus.unit import Unit


class QuirkyTcpServer(QuirkyDevice):
    """A Modbus TCP server with one quirk; ``port`` 0 becomes a free one.

    With ``rtu`` its frames are those of a serial line, as a serial server passes them on.
    """

    def __init__(
        self,
        units: Mapping[int, Unit],
        quirk: Quirk | None = None,
        left: int | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rtu: bool = False,
    ) -> None:
        super().__init__(units, quirk, left)
        self.rtu = rtu
        self.host = host
        self.port = port
        self.connections_count = 0
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """``tcp://host:port``."""
        return f"tcp://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.quit()
        handlers = [task for task in self._writers.values() if task is not None]
        for task in (*handlers, *self._tasks):
            task.cancel()
        await asyncio.gather(*handlers, *self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        others = list(self._writers)
        self._writers[writer] = asyncio.current_task()
        try:
            if self._admits(others):
                await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            self._writers.pop(writer, None)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _admits(self, others: list[asyncio.StreamWriter]) -> bool:
        if self.name == "single-kicks":
            for other in others:
                other.transport.abort()
        if self.name == "connect-pause":
            self.ignore_requests()
        if self.name == "accepts-and-closes":
            if self.left:
                self.left -= 1
            return False
        return not (self.name == "single-refuses" and others)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers_count = 0
        data = bytearray()
        while (
            request := await (_read_rtu_request(reader, data) if self.rtu else _read_tcp_request(reader))
        ) is not None:
            number, unit, pdu = request
            if self.name == "half-open" and answers_count:
                continue
            for one in self.hear(unit, pdu, number):
                await self._send(writer, one)
                answers_count += 1
            if self.name == "closes-after-answer":
                break

    async def _send(self, writer: asyncio.StreamWriter, one: QuirkFrame) -> None:
        if one.late:
            task = asyncio.get_running_loop().create_task(_send_later(writer, one.wait_s, self._frame(one)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        frame = self._frame(one)
        step = 1 if one.spread_s else len(frame)
        for start in range(0, len(frame), step):
            writer.write(frame[start : start + step])
            await writer.drain()
            await asyncio.sleep(one.spread_s)

    def _frame(self, one: QuirkFrame) -> bytes:
        return one.rtu() if self.rtu else one.tcp()


async def _read_tcp_request(reader: asyncio.StreamReader) -> tuple[int, int, bytes] | None:
    """Number, unit and PDU of the next request; None for what is no header."""
    header = framing.parse_tcp_header(await reader.readexactly(framing.HEADER_BYTES))
    return None if header is None else (*header[:2], await reader.readexactly(header[2]))


async def _read_rtu_request(reader: asyncio.StreamReader, heard: bytearray) -> tuple[int, int, bytes] | None:
    """Read one request in the framing of a serial line; ``heard`` is kept between calls."""
    while (size := framing.find_rtu_request_size(heard)) is None or len(heard) < size:
        data = await reader.read(4096)
        if not data:
            return None
        heard += data
    request = framing.parse_rtu_request(bytes(heard[:size]))
    del heard[:size]
    return None if request is None else (0, *request)


async def _send_later(writer: asyncio.StreamWriter, wait_s: float, frame: bytes) -> None:
    await asyncio.sleep(wait_s)
    if not writer.is_closing():
        writer.write(frame)


# What other masters and their slaves say: never a right answer to anything that we ask.
FOREIGN_WORD = 0xDEAD
_FOREIGN_UNIT = 33
_FOREIGN_START = 0x3300


class QuirkyRtuSlave(QuirkyDevice):
    """A Modbus RTU slave with one quirk.  With a ``baud``, it receives noise at every other setting."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        quirk: Quirk | None = None,
        left: int | None = None,
        *,
        baud: int | None = None,
    ) -> None:
        super().__init__(units, quirk, left)
        self.baud = baud
        self.path = ""
        self.collisions_count = 0
        self._heard = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        self._master = self._slave = -1
        self._foreign_speaks = False

    @property
    def url(self) -> str:
        """``rtu:/dev/pts/3``."""
        return f"rtu:{self.path}"

    async def __aenter__(self) -> Self:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        if self.name == "foreign-babble":
            self._run(self._babble())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.quit()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._master, 4096)
            if self.name == "echo":
                self._say(data)
            if self._foreign_speaks:
                self.collisions_count += 1  # two senders at once: nobody understands either
                return
            if self.baud is not None and not self._at_its_baud():
                self._say(bytes(byte ^ 0x9E for byte in data))
                return
            self._heard += data
        while (size := framing.find_rtu_request_size(self._heard)) is not None and len(self._heard) >= size:
            request = framing.parse_rtu_request(bytes(self._heard[:size]))
            del self._heard[:size]
            if request is None:
                self._heard.clear()
                return
            for one in self.hear(*request):
                self._send(one)
            if self.name in ("foreign-master", "foreign-twin"):
                self._run(self._foreign(*request))

    def _at_its_baud(self) -> bool:
        speed = getattr(termios, f"B{self.baud}")
        return bool(termios.tcgetattr(self._slave)[4] == speed)

    def _send(self, one: QuirkFrame) -> None:
        if one.wait_s or one.spread_s:
            self._run(self._later(one))
        else:
            self._say(one.rtu())

    async def _later(self, one: QuirkFrame) -> None:
        await asyncio.sleep(one.wait_s)
        frame = one.rtu()
        step = 1 if one.spread_s else len(frame)
        for start in range(0, len(frame), step):
            self._say(frame[start : start + step])
            await asyncio.sleep(one.spread_s)

    async def _foreign(self, unit: int, asked: bytes) -> None:
        """Send the exchange of another master after our answer: a request, and after a while its answer."""
        twin = self.name == "foreign-twin"
        slave = unit if twin else _FOREIGN_UNIT
        function = asked[0] if twin and asked[0] in (3, 4) else 3
        count = struct.unpack(">H", asked[3:5])[0] if twin and asked[0] in (3, 4) else 2
        self._foreign_speaks = True
        try:
            self._say(framing.build_rtu_frame(slave, struct.pack(">BHH", function, _FOREIGN_START, count)))
            await asyncio.sleep(self.seconds)
            words = struct.pack(f">{count}H", *[FOREIGN_WORD] * count)
            self._say(framing.build_rtu_frame(slave, bytes([function, len(words)]) + words))
        finally:
            self._foreign_speaks = False

    async def _babble(self) -> None:
        place = 0
        while True:
            place = (place + 1) % 0x100
            words = struct.pack(">4H", *[FOREIGN_WORD] * 4)
            self._say(
                framing.build_rtu_frame(_FOREIGN_UNIT, struct.pack(">BHH", 3, _FOREIGN_START + place, 4))
            )
            self._say(framing.build_rtu_frame(_FOREIGN_UNIT, bytes([3, len(words)]) + words))
            await asyncio.sleep(self.seconds)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self._master, data)
