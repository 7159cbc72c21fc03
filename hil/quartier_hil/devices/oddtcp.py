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
    """A Modbus TCP server with one quirk; ``port`` 0 becomes a free one."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        quirk: Quirk | None = None,
        left: int | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(units, quirk, left)
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
        while (header := wire.tcp_header(await reader.readexactly(wire.HEADER_BYTES))) is not None:
            number, unit, size = header
            pdu = await reader.readexactly(size)
            if self.name == "half-open" and answers_count:
                continue
            for one in self.hear(unit, pdu, number):
                await self._send(writer, one)
                answers_count += 1
            if self.name == "closes-after-answer":
                break

    async def _send(self, writer: asyncio.StreamWriter, one: Said) -> None:
        if one.late:
            task = asyncio.get_running_loop().create_task(_later(writer, one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        frame = one.tcp()
        step = 1 if one.spread_s else len(frame)
        for start in range(0, len(frame), step):
            writer.write(frame[start : start + step])
            await writer.drain()
            await asyncio.sleep(one.spread_s)


async def _later(writer: asyncio.StreamWriter, one: Said) -> None:
    await asyncio.sleep(one.wait_s)
    if not writer.is_closing():
        writer.write(one.tcp())
