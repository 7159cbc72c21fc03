"""Answer as the recorded device did, on a TCP port or a pseudo terminal.
The same request gets the same answers, in their order.
"""

import asyncio
import contextlib
import os
import struct
import sys
import tty
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from quartier_hil.replay.recording import RecordedEvent, Recording
from quartier_sim.modbus import framing

_MBAP_BYTES = 7  # of a Modbus TCP frame: number, protocol, length, unit


@dataclass(frozen=True, slots=True)
class AnswerPiece:
    """Bytes that came ``after_s`` the request; ``ends``: the device closed the connection instead."""

    after_s: float
    data: bytes = b""
    ends: bool = False


Answer = tuple[AnswerPiece, ...]
"""Empty where the device was silent."""


class RecordedAnswers:
    """``unasked`` is what came before anything was asked.  The last answer to a request stays."""

    def __init__(self, recording: Recording) -> None:
        self._is_numbered = recording.protocol == "modbus-tcp"
        self._of: dict[bytes, deque[tuple[int, Answer]]] = {}
        self.strangers_count = 0
        """Number of requests that are not in the record."""
        self.unrequested: Answer = ()
        self._learn(recording.events)

    def _learn(self, events: Iterable[RecordedEvent]) -> None:
        request: RecordedEvent | None = None
        pieces: list[AnswerPiece] = []
        first_ns: int | None = None
        for event in events:
            first_ns = event.ns if first_ns is None else first_ns
            if event.way == "out":
                self._keep(request, pieces)
                request, pieces = event, []
            else:
                since_ns = first_ns if request is None else request.ns
                pieces.append(AnswerPiece((event.ns - since_ns) / 1e9, event.data, event.way == "ended"))
        self._keep(request, pieces)

    def _keep(self, request: RecordedEvent | None, pieces: list[AnswerPiece]) -> None:
        if request is None:
            self.unrequested = tuple(pieces)
            return
        number = int.from_bytes(request.data[:2], "big") if self._is_numbered else 0
        self._of.setdefault(self._key(request.data), deque()).append((number, tuple(pieces)))

    def _key(self, request: bytes) -> bytes:
        return request[_MBAP_BYTES - 1 :] if self._is_numbered else request

    @property
    def requests(self) -> list[bytes]:
        """Requests in the record, without the transaction numbers of Modbus TCP; the longest first."""
        return sorted(self._of, key=len, reverse=True)

    def answer(self, request: bytes) -> Answer | None:
        """Return the device's next answer to a whole request; None where the record has no such request."""
        left = self._of.get(self._key(request))
        if left is None:
            self.strangers_count += 1
            return None
        number, pieces = left[0] if len(left) == 1 else left.popleft()
        if not self._is_numbered:
            return pieces
        shift = int.from_bytes(request[:2], "big") - number
        return tuple(AnswerPiece(one.after_s, _renumber_frames(one.data, shift), one.ends) for one in pieces)


def _renumber_frames(data: bytes, shift: int) -> bytes:
    """The frames in ``data`` with their numbers moved: a late answer stays as late as it was."""
    found = bytearray(data)
    start = 0
    while start + _MBAP_BYTES <= len(found):
        number, _, size = struct.unpack_from(">HHH", found, start)
        struct.pack_into(">H", found, start, (number + shift) & 0xFFFF)
        start += 6 + size
    return bytes(found)


_OPENED_EVERY_S = 0.05
# A request that is not in the record is dropped when the line has been quiet for this time.
_PATIENCE_S = 0.3


class Responder:
    """Receiver that answers as recorded, by ``send`` and ``close``; ``fast``: without the waits."""

    def __init__(
        self,
        recording: Recording,
        answers: RecordedAnswers,
        send: Callable[[bytes], None],
        close: Callable[[], None],
        *,
        fast: bool,
    ) -> None:
        self._recording = recording
        self._answers = answers
        self._send = send
        self._close = close
        self._fast = fast
        self._heard = bytearray()
        self._heard_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Begin for a new client: send the unsolicited bytes of the record."""
        self._run(self._answers.unrequested)

    def hear(self, data: bytes) -> None:
        """Bytes came."""
        now_s = asyncio.get_running_loop().time()
        if self._heard and now_s - self._heard_s > _PATIENCE_S:
            self._heard.clear()
        self._heard_s = now_s
        self._heard += data
        while (size := self._request_bytes()) and len(self._heard) >= size:
            request = bytes(self._heard[:size])
            del self._heard[:size]
            answer = self._answers.answer(request)
            if answer is None:
                sys.stderr.write(f"not in the record: {request.hex(' ')}\n")
            else:
                self._run(answer)

    def _request_bytes(self) -> int:
        """Return the size of the request at the start of the received bytes; 0: not known yet."""
        data = self._heard
        if self._recording.protocol == "modbus-tcp":
            return 6 + int.from_bytes(data[4:6], "big") if len(data) >= 6 else 0
        if self._recording.protocol == "modbus-rtu":
            return framing.find_rtu_request_size(data) or 0
        return next((len(one) for one in self._answers.requests if data.startswith(one)), 0)

    def _run(self, answer: Answer) -> None:
        if self._fast:
            for piece in answer:
                self._tell(piece.data, ends=piece.ends)
            return
        task = asyncio.get_running_loop().create_task(self._later(answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _later(self, answer: Answer) -> None:
        begun_s = asyncio.get_running_loop().time()
        for piece in answer:
            left_s = begun_s + piece.after_s - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, left_s))
            self._tell(piece.data, ends=piece.ends)

    def _tell(self, data: bytes, *, ends: bool) -> None:
        if ends:
            self._close()
        else:
            self._send(data)

    def quit(self) -> None:
        """Say no more."""
        for task in self._tasks:
            task.cancel()


class TcpReplay:
    """The record on a port of 127.0.0.1; 0 becomes a free one.  Connections share its answers."""

    def __init__(self, recording: Recording, port: int = 0, *, fast: bool = False) -> None:
        self.answers = RecordedAnswers(recording)
        self.port = port
        self._recording = recording
        self._fast = fast
        self._server: asyncio.Server | None = None
        self._responders: dict[asyncio.StreamWriter, Responder] = {}

    @property
    def url(self) -> str:
        """``tcp://127.0.0.1:PORT``."""
        return f"tcp://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer, responder in list(self._responders.items()):
            responder.quit()
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responder = Responder(self._recording, self.answers, writer.write, writer.close, fast=self._fast)
        self._responders[writer] = responder
        responder.begin()
        try:
            while data := await reader.read(4096):
                responder.hear(data)
        except OSError:
            pass  # the client went away
        finally:
            responder.quit()
            self._responders.pop(writer, None)
            writer.close()


class PtyReplay:
    """The record on a pseudo terminal; it begins when a client opens that."""

    def __init__(self, recording: Recording, *, fast: bool = False) -> None:
        self.answers = RecordedAnswers(recording)
        self.path = ""
        self._recording = recording
        self._fast = fast
        self._master = -1
        self._slave_name = ""
        self._responder: Responder | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """``rtu:/dev/pts/3``; of a meter the path alone."""
        return f"rtu:{self.path}" if self._recording.protocol == "modbus-rtu" else self.path

    async def __aenter__(self) -> Self:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(slave)
        os.close(slave)
        self._responder = Responder(self._recording, self.answers, self._send, lambda: None, fast=self._fast)
        self._opening = asyncio.get_running_loop().create_task(self._opened())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._responder is not None
        assert self._opening is not None
        self._opening.cancel()
        self._responder.quit()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    async def _opened(self) -> None:
        """Poll for each opening by a client: the kernel has no event for that."""
        assert self._responder is not None
        is_there = False
        while True:
            try:
                data = os.read(self._master, 4096)
            except BlockingIOError:
                data = b""
            except OSError:  # nobody has it open
                is_there = False
                await asyncio.sleep(_OPENED_EVERY_S)
                continue
            if not is_there:
                is_there = True
                self._responder.begin()
            if data:
                self._responder.hear(data)
            else:
                await self._readable()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        there = loop.create_future()
        loop.add_reader(self._master, _complete_future, there)
        try:
            await there
        finally:
            loop.remove_reader(self._master)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self._master, data)


def _complete_future(there: "asyncio.Future[None]") -> None:
    if not there.done():
        there.set_result(None)
