"""A Modbus TCP meter with registers that count its answers, to compare served and arrived values.

Every point of one answer holds the same whole number, the answer's own.  Source: MODBUS Messaging on
TCP/IP Implementation Guide V1.0b, section 3.1.3 (MBAP header); Application Protocol V1.1b3, 6.3.
"""

import asyncio
import struct
from contextlib import suppress

_HEAD = struct.Struct(">HHHB")
_ASKED = struct.Struct(">BHH")
_READ_HOLDING, _ILLEGAL_FUNCTION = 3, 1
REGISTERS_PER_POINT = 2


class Meter:
    """Meter with ``points`` unsigned 32-bit numbers; ``served`` is the number of the last whole answer.

    ``heard`` is the number of requests.  While ``silent`` it receives and answers nothing.
    """

    def __init__(self, points: int) -> None:
        self.points = points
        self.served = self.heard = 0
        self.silent = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, length, unit = _HEAD.unpack(await reader.readexactly(_HEAD.size))
                answer = self.answer(await reader.readexactly(length - 1))
                self.heard += 1
                if not self.silent:
                    writer.write(_HEAD.pack(transaction, 0, len(answer) + 1, unit) + answer)
        self._writers.discard(writer)
        writer.close()

    def answer(self, asked: bytes) -> bytes:
        """The answer to one PDU: holding registers, or exception 01."""
        if len(asked) != _ASKED.size or asked[0] != _READ_HOLDING:
            return bytes((asked[0] | 0x80, _ILLEGAL_FUNCTION))
        _, first, count = _ASKED.unpack(asked)
        if not self.silent:
            self.served += 1
        words = struct.pack(">HH", self.served >> 16, self.served & 0xFFFF) * self.points
        part = words[2 * first : 2 * (first + count)].ljust(2 * count, b"\0")
        return bytes((_READ_HOLDING, len(part))) + part
