"""Listen for the clients of one bus and serve them."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from quartier_drivers.modbus.sharing.client_connection import ClientConnection
from quartier_drivers.modbus.sharing.client_limits import (
    ClientTerms,
    RateLimit,
    find_client,
    parse_peer_address,
)
from quartier_drivers.modbus.sharing.client_queue import ClientQueue
from quartier_drivers.modbus.sharing.client_requests import (
    SERVER_BUSY,
    WRITE_PARSERS,
    ClientFrame,
    ClientRequest,
    RequestedWrite,
    RequestRefused,
    encode_exception,
    parse_request,
)
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest, RequestCounts, RequestOutcome
from quartier_drivers.transport.tcp import enable_keep_alive

WriteVerdict = Literal["done", "refused", "unknown", "barred"]
# Exception 5, acknowledge: the device has begun.
_ACKNOWLEDGE = 5
# Many clients send all their requests in one burst, and take a refusal for a fault of the device.
BURST_S = 10.0
# A connection without a request for this long makes room for a new one.
IDLE_S = 10.0


@dataclass(frozen=True, slots=True)
class ClientWrite:
    """A write of another client and its verdict.

    ``verdict`` is ``refused`` by the device, with its exception in ``why``, ``unknown`` if it did not answer,
    ``barred`` if the site file does not allow it.
    """

    client: str
    address: str
    unit: int
    function: int
    written: RequestedWrite | None
    verdict: WriteVerdict
    why: str = ""


class SharingClient:
    """One client; ``tell`` is called for each write that was sent or barred.  Times are real."""

    def __init__(self, terms: ClientTerms, queue: ClientQueue, tell: Callable[[ClientWrite], None]) -> None:
        now_ns = _find_time_ns()
        self.terms = terms
        self.counts = RequestCounts()
        self.connections: set[ClientConnection] = set()
        self._queue = queue
        self._tell = tell
        self._outstanding_count = 0
        self._requests = RateLimit(terms.requests_per_s, BURST_S * terms.requests_per_s, now_ns)
        self._writes = RateLimit(terms.writes_per_h / 3600, terms.writes_per_h, now_ns)

    def admits(self) -> bool:
        """Return whether there is room for one more connection; an idle one is closed for it."""
        if len(self.connections) >= self.terms.connections_max:
            idle_s = asyncio.get_running_loop().time() - IDLE_S
            idle = [
                connection
                for connection in self.connections
                if connection.receive_s <= idle_s and not connection.waits
            ]
            if not idle:
                return False
            min(idle, key=lambda connection: connection.receive_s).close()
        return True

    def add_connection(self, connection: ClientConnection) -> None:
        """Add a new connection."""
        self.connections.add(connection)
        self.counts.connects += 1

    def remove_connection(self, connection: ClientConnection) -> None:
        """Remove an ended connection: its waiting requests need not be sent."""
        self.connections.discard(connection)
        self._queue.sweep()

    def ask(self, connection: ClientConnection, frame: ClientFrame) -> bool:
        """Answer a request, now or later; return False if the limit is exceeded and reading must pause."""
        self.counts.requests += 1
        if not self._requests.take(_find_time_ns()):
            return self._too_many(connection, frame)
        try:
            one = parse_request(frame.unit, frame.pdu)
            self.terms.judge(one)
        except RequestRefused as refusal:
            self.counts.refused += 1
            self._report_barred(connection, frame)
            connection.answer(frame, encode_exception(frame.pdu[0], refusal.code))
            return True
        if self._outstanding_count >= self.terms.outstanding_max:
            return self._too_many(connection, frame)
        if one.written is not None and not self._writes.take(_find_time_ns()):
            return self._too_many(connection, frame)
        self._send(connection, frame, one)
        return True

    def _send(self, connection: ClientConnection, frame: ClientFrame, one: ClientRequest) -> None:
        def give(pdu: bytes, fate: RequestOutcome, why: str) -> None:
            self._outstanding_count -= 1
            connection.remove_request(pending)
            self.counts.count_outcome(fate)
            if one.written is not None and fate in {"wire", "unanswered"}:
                self._report_write(connection, one, pdu, why)
            connection.answer(frame, pdu)

        pending = PendingRequest(one, self.terms, asyncio.get_running_loop().time(), give)
        self._outstanding_count += 1
        connection.add_request(pending)
        self._queue.offer(pending)

    def _too_many(self, connection: ClientConnection, frame: ClientFrame) -> bool:
        self.counts.busy += 1
        connection.answer(frame, encode_exception(frame.pdu[0], SERVER_BUSY))
        return False

    def _report_write(self, connection: ClientConnection, one: ClientRequest, pdu: bytes, why: str) -> None:
        request = one.request
        verdict: WriteVerdict = "unknown" if why else "done"
        if pdu[0] & 0x80 and not why:
            verdict, why = "unknown" if pdu[1] == _ACKNOWLEDGE else "refused", f"exception {pdu[1]}"
        self.counts.writes += 1
        self._tell(
            ClientWrite(
                self.terms.name,
                connection.address,
                request.unit,
                request.function,
                one.written,
                verdict,
                why,
            )
        )

    def _report_barred(self, connection: ClientConnection, frame: ClientFrame) -> None:
        if frame.pdu[0] not in WRITE_PARSERS:
            return
        self.counts.refused_writes += 1
        try:
            _, written = WRITE_PARSERS[frame.pdu[0]](frame.pdu)
        except RequestRefused:
            written = None
        self._tell(
            ClientWrite(self.terms.name, connection.address, frame.unit, frame.pdu[0], written, "barred")
        )


def _find_time_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)


RETRY_S, TICK_S = 10.0, 0.5
BACKLOG, ACCEPTS_PER_TURN, ACCEPTS_PER_S = 16, 4, 20.0
ACCEPT_REST_S = 0.25
_GONE = (errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EAGAIN)


class SharingServer:
    """A listener; ``address`` and ``port`` are its address, port 0 a free one.

    ``why`` is why it does not listen.
    """

    def __init__(self, address: str, port: int, clients: Sequence[SharingClient], queue: ClientQueue) -> None:
        self.address = address
        self.port = port
        self.clients = tuple(clients)
        self.why = ""
        self.strangers_count = 0
        self.stranger = ""
        """The last address that was turned away because no client matches it."""
        self._queue = queue
        self._by_terms = {client.terms.name: client for client in clients}
        self._socket: socket.socket | None = None
        self._came = asyncio.Event()

    @property
    def listens(self) -> bool:
        """Return whether it can be reached."""
        return self._socket is not None

    async def run(self) -> None:
        """Serve until cancelled; an unavailable address is tried again."""
        loop = asyncio.get_running_loop()
        self._connects = RateLimit(ACCEPTS_PER_S, ACCEPTS_PER_S, int(loop.time() * 1e9))
        try:
            while not self._is_open():  # noqa: ASYNC110 - time is the event
                await asyncio.sleep(RETRY_S)
            while True:
                await self._came.wait()
                await asyncio.sleep(TICK_S)
                self._sweep(loop.time())
        finally:
            self.close()

    def close(self) -> None:
        """Stop listening, and end all connections."""
        one, self._socket = self._socket, None
        if one is not None:
            asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
        for connection in [connection for client in self.clients for connection in client.connections]:
            connection.close()

    def _is_open(self) -> bool:
        one = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setblocking(False)
            one.bind((self.address, self.port))
            one.listen(BACKLOG)
        except OSError as error:
            one.close()
            self.why = f"cannot listen at {self.address}:{self.port}: {os.strerror(error.errno or 0)}"
            return False
        self._socket, self.why, self.port = one, "", one.getsockname()[1]
        self._listen()
        return True

    def _listen(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket.fileno(), self._accept)

    def _rest(self) -> None:
        """Accept nobody for a while: a crowd waits in the kernel, or is refused there."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            asyncio.get_running_loop().call_later(ACCEPT_REST_S, self._listen)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTS_PER_TURN):
            if self._socket is None:
                return
            try:
                connection, peer = self._socket.accept()
            except OSError as error:
                if error.errno not in _GONE:  # no descriptor is left, or no memory
                    self._rest()
                return
            if not self._connects.take(int(loop.time() * 1e9)):
                connection.close()
                self._rest()
                return
            self._admit(connection, str(peer[0]))

    def _admit(self, connection: socket.socket, address: str) -> None:
        terms = find_client(parse_peer_address(address), (client.terms for client in self.clients))
        if terms is None:
            self.strangers_count += 1
            self.stranger = address
            connection.close()
            return
        client = self._by_terms[terms.name]
        if not client.admits():
            client.counts.turned_away += 1
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enable_keep_alive(connection)
        client.add_connection(ClientConnection(connection, address, client.ask, client.remove_connection))
        self._came.set()

    def _sweep(self, now_s: float) -> None:
        self._queue.sweep()
        connections = [connection for client in self.clients for connection in client.connections]
        for connection in connections:
            connection.sweep(now_s)
        if not connections:
            self._came.clear()
