"""A quirky device on a TCP port."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Self

from quartier_hil.devices import wire
from quartier_hil.devices.mischief import Said
from quartier_hil.devices.odd import Odd
from quartier_hil.devices.quirk import Quirk
from quartier_hil.devices.unit import Unit


class OddTcp(Odd):
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
            self.deafen()
        if self.name == "accepts-and-closes":
            if self.left:
                self.left -= 1
            return False
        return not (self.name == "single-refuses" and others)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers_count = 0
        heard = bytearray()
        while (request := await (_framed(reader, heard) if self.rtu else _numbered(reader))) is not None:
            number, unit, pdu = request
            if self.name == "half-open" and answers_count:
                continue
            for one in self.hear(unit, pdu, number):
                await self._send(writer, one)
                answers_count += 1
            if self.name == "closes-after-answer":
                break

    async def _send(self, writer: asyncio.StreamWriter, one: Said) -> None:
        if one.late:
            task = asyncio.get_running_loop().create_task(_later(writer, one.wait_s, self._frame(one)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        frame = self._frame(one)
        step = 1 if one.spread_s else len(frame)
        for start in range(0, len(frame), step):
            writer.write(frame[start : start + step])
            await writer.drain()
            await asyncio.sleep(one.spread_s)

    def _frame(self, one: Said) -> bytes:
        return one.rtu() if self.rtu else one.tcp()


async def _numbered(reader: asyncio.StreamReader) -> tuple[int, int, bytes] | None:
    """Number, unit and PDU of the next request; None for what is no header."""
    header = wire.tcp_header(await reader.readexactly(wire.HEADER_BYTES))
    return None if header is None else (*header[:2], await reader.readexactly(header[2]))


async def _framed(reader: asyncio.StreamReader, heard: bytearray) -> tuple[int, int, bytes] | None:
    """Read one request in the framing of a serial line; ``heard`` is kept between calls."""
    while (size := wire.rtu_request_bytes(heard)) is None or len(heard) < size:
        data = await reader.read(4096)
        if not data:
            return None
        heard += data
    request = wire.rtu_request(bytes(heard[:size]))
    del heard[:size]
    return None if request is None else (0, *request)


async def _later(writer: asyncio.StreamWriter, wait_s: float, frame: bytes) -> None:
    await asyncio.sleep(wait_s)
    if not writer.is_closing():
        writer.write(frame)
