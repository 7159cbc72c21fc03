"""Listens at one address for the clients of one bus, and admits those that the site file names."""

import asyncio
import errno
import os
import socket
from collections.abc import Sequence

from quartier_drivers.modbus.share.allowance import Allowance
from quartier_drivers.modbus.share.client import Client
from quartier_drivers.modbus.share.guest import Guest
from quartier_drivers.modbus.share.queue import Queue
from quartier_drivers.modbus.share.terms import address_of, whose
from quartier_drivers.stream import keep_alive

RETRY_S, TICK_S = 10.0, 0.5
BACKLOG, ACCEPTS_PER_TURN, ACCEPTS_PER_S = 16, 4, 20.0
ACCEPT_REST_S = 0.25
_GONE = (errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EAGAIN)


class Host:
    """A listener; ``address`` and ``port`` are its address, port 0 a free one.

    ``why`` is why it does not listen.
    """

    def __init__(self, address: str, port: int, clients: Sequence[Client], queue: Queue) -> None:
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
        """Whether it can be reached."""
        return self._socket is not None

    async def run(self) -> None:
        """Serve until cancelled; an unavailable address is tried again."""
        loop = asyncio.get_running_loop()
        self._connects = Allowance(ACCEPTS_PER_S, ACCEPTS_PER_S, int(loop.time() * 1e9))
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
        for guest in [guest for client in self.clients for guest in client.guests]:
            guest.close()

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
        terms = whose(address_of(address), (client.terms for client in self.clients))
        if terms is None:
            self.strangers_count += 1
            self.stranger = address
            connection.close()
            return
        client = self._by_terms[terms.name]
        if not client.admits():
            client.tally.turned_away += 1
            connection.close()
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(connection)
        client.joined(Guest(connection, address, client.ask, client.left))
        self._came.set()

    def _sweep(self, now_s: float) -> None:
        self._queue.sweep()
        guests = [guest for client in self.clients for guest in client.guests]
        for guest in guests:
            guest.sweep(now_s)
        if not guests:
            self._came.clear()
