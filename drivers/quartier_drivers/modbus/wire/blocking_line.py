"""A Modbus TCP endpoint for a program that does nothing else meanwhile: requests block.

A request over an event loop costs more than twice one over a blocking socket.  Everything awaited on this
line is complete at once: ``settled`` runs such work without a loop.
"""

import socket
import struct
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.frames import (
    Answer,
    LateAnswers,
    OutOfSync,
    Request,
    find_exception,
    is_answer,
    take_tcp_answer,
)
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.modbus.wire.tcp_line import CONNECT_S, HALF_OPEN_COUNT
from quartier_drivers.modbus.wire.timing import NETWORK_REQUEST_COST
from quartier_drivers.transport.tcp import close_hard

if TYPE_CHECKING:
    from quartier_drivers.modbus.bus_section import TcpBus

T = TypeVar("T")
_READ_MAX_BYTES = 4096
# ``struct timeval`` (socket(7)) as wide as the option requires: 66 is the 64-bit option on a 32-bit machine.
_TIMEVAL = "qq" if socket.SO_RCVTIMEO == 66 else "ll"


class BlockingClock:
    """Real time, for programs without an event loop."""

    def now_ns(self) -> int:
        """Return the ns since an arbitrary start."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds``, blocking the whole program."""
        time.sleep(seconds)  # noqa: ASYNC251 - there is no loop, and nobody else


class BlockingTcpLine(ModbusLine):
    """One connection; a request waits in the kernel until its answer is there, or its time is over."""

    def __init__(self, name: str, bus: "TcpBus", clock: BlockingClock) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.request_cost = NETWORK_REQUEST_COST
        self._bus = bus
        self._where = f"{bus.host}:{bus.port}"
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._number = 0
        self._silent_count = 0

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as known."""
        return self._socket is not None

    async def _connect(self) -> None:
        error: OSError | None = None
        try:
            for family, place in _find_addresses(self._bus.host, self._bus.port):
                try:
                    self._socket = self._open_socket(family, place)
                    break
                except OSError as one:
                    error = one
        except OSError as unknown:
            error = unknown
        if self._socket is None:
            late = isinstance(error, BlockingIOError)
            why = (
                " does not answer" if late else f": {error.strerror or error}" if error else " has no address"
            )
            raise LinkLost(f"{self._where}{why}") from error
        self._silent_count = 0
        if self._bus.connect_pause_s:
            await self._clock.sleep(self._bus.connect_pause_s)

    def _open_socket(self, family: int, place: tuple[Any, ...]) -> socket.socket:
        """Return a connection that waits in the kernel.

        Python's own time limits cost one more call each time.
        """
        one = socket.socket(family)
        try:
            one.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDTIMEO, _encode_timeout(max(CONNECT_S, self._bus.timeout_s))
            )
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _encode_timeout(self._bus.timeout_s))
            one.connect(place)
        except BaseException:
            one.close()
            raise
        return one

    def _disconnect(self) -> None:
        one, self._socket = self._socket, None
        self._buffer.clear()
        if one is not None:
            close_hard(one)

    async def _ask(self, request: Request) -> Answer:
        assert self._socket is not None
        number = self._number = self._number % 0xFFFF + 1
        mark = number.to_bytes(2, "big")
        try:
            self._socket.send(mark + request.tcp)
            data = self._socket.recv(_READ_MAX_BYTES)
            self._silent_count = 0
            if not self._buffer:
                if is_answer(data, request, mark):
                    return Answer((), 0, data[9:], request)
                if code := find_exception(data, request, mark):
                    return Answer((), code)
            return self._found(data, request, number)
        except BlockingIOError as error:
            raise TimeoutError from error
        except OSError as error:
            self._disconnect()
            raise LinkLost(f"{self._where} closed the connection: {error.strerror or error}") from error

    def _found(self, data: bytes, request: Request, number: int) -> Answer:
        """Return the answer once it is complete; late or torn data before it is removed."""
        assert self._socket is not None
        deadline_s = time.monotonic() + self._wait_s
        while data:
            self._buffer += data
            answers = LateAnswers()
            answer = take_tcp_answer(self._buffer, request, number, answers)
            self.count("late_count", answers.late)
            if answer is not None:
                return answer
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise BlockingIOError
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _encode_timeout(left_s))
            try:
                data = self._socket.recv(_READ_MAX_BYTES)
            finally:
                self._socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_RCVTIMEO, _encode_timeout(self._bus.timeout_s)
                )
        self._disconnect()
        raise LinkLost(f"{self._where} closed the connection: without a word")

    async def _recover(self, request: Request, error: Exception) -> None:
        del request
        if isinstance(error, OutOfSync):
            self._disconnect()
        elif isinstance(error, TimeoutError):
            self._silent_count += 1
            if self._buffer or self._silent_count >= HALF_OPEN_COUNT:
                self._disconnect()


def _find_addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    """Return the addresses to connect to.  Raises OSError for an unknown name."""
    if ":" in host or host.replace(".", "").isdecimal():
        return [(socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port))]
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, place) for family, _, _, _, place in infos]


def _encode_timeout(seconds: float) -> bytes:
    """Return a time limit in the kernel's form; 0 would be no limit."""
    whole_s = int(seconds)
    return struct.pack(_TIMEVAL, whole_s, max(1, int((seconds - whole_s) * 1e6)))


def run_blocking(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, which awaits only a ``BlockingTcpLine`` and a ``BlockingClock``."""
    try:
        work.send(None)
    except StopIteration as ended:
        learned: T = ended.value
        return learned
    work.close()
    raise RuntimeError("it waits for an event loop")
