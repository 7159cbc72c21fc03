"""The wire between a gateway and its broker: it passes, shapes, swallows, cuts or is not there.

A link that loses packets is one that delivers late: TCP sends a lost segment again after a time-out that
doubles (RFC 6298: 200 ms at first on Linux), and all behind it waits.
"""

import asyncio
import random
import socket
from contextlib import suppress
from dataclasses import dataclass

SEGMENT_BYTES = 1_460
_RESEND_S, _RESENDS_MAX = 0.2, 6
# Small buffers: the sender must notice a slow link.
_ROOM_BYTES = 16_384
# A busy machine wakes us late: so much of it is made good, else its links were slower than they are shaped.
_LATE_MAX_S = 0.5


@dataclass(frozen=True, slots=True)
class Shape:
    """``bytes_per_s`` each way; ``loss`` is the share of segments that are lost once, or again."""

    bytes_per_s: float
    loss: float = 0.0


class Relay:
    """Listens on ``port`` for the gateway and calls the broker for it.

    ``shape`` holds for what comes from now on.  While ``swallows`` whatever comes is gone without a
    sign, both ways, as on a link whose other end vanished.  ``late_s`` is for how long this machine, and not
    the shape, held the wire up.
    """

    def __init__(self, target: int, seed: int = 1) -> None:
        self.port = 0
        self.shape: Shape | None = None
        self.swallows = False
        self.carried_bytes = self.swallowed_bytes = 0
        self.connections_count = 0
        self.late_s = 0.0
        self._target = target
        self._random = random.Random(seed)  # noqa: S311 - which segments are lost, no secret
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; on the same port again after ``stop``."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM_BYTES)
        sock.bind(("127.0.0.1", self.port))
        self.port = int(sock.getsockname()[1])
        self._server = await asyncio.start_server(self._serve, sock=sock, limit=_ROOM_BYTES)

    async def stop(self) -> None:
        """Refuse connections and cut those that are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End every connection at once, with a reset to both sides."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target, limit=_ROOM_BYTES)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(back)
        up = asyncio.create_task(self._pipe(reader, back))
        await self._pipe(there, writer)
        await up
        for one in (writer, back):
            self._writers.discard(one)
            one.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due_s = 0.0
        with suppress(ConnectionError):
            while data := await reader.read(SEGMENT_BYTES):
                if self.swallows:
                    self.swallowed_bytes += len(data)
                    continue
                if self.shape is not None:
                    now_s = loop.time()
                    due_s = begins_s(due_s, now_s) + self.delay_s(len(data), self.shape)
                    await asyncio.sleep(due_s - now_s)
                    if (late_s := loop.time() - due_s) >= _LATE_MAX_S:
                        self.late_s += late_s
                self.carried_bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def delay_s(self, size_bytes: int, shape: Shape) -> float:
        """Return the delay of a segment in s: its bytes, and every time-out until it passed."""
        delay_s, resend_s = size_bytes / shape.bytes_per_s, _RESEND_S
        for _ in range(_RESENDS_MAX):
            if self._random.random() >= shape.loss:
                break
            delay_s += resend_s + size_bytes / shape.bytes_per_s
            resend_s *= 2
        return delay_s


def begins_s(before_s: float, now_s: float) -> float:
    """Return the start of a segment on the wire: the end of the one before, or ``now_s`` after a pause."""
    return before_s if now_s - before_s < _LATE_MAX_S else now_s
