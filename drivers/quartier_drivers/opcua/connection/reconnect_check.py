"""Find out without waiting that a lost server is back: it answers a Hello.

A frozen server still accepts connections, because its kernel does; only an Acknowledge shows that it runs.
Each call makes one step, so the loop is never blocked.  Hello and Acknowledge: OPC 10000-6, 7.1.2.
"""

import asyncio
import errno
import select
import socket
import struct
from contextlib import suppress

from quartier_drivers.errors import LinkLost
from quartier_drivers.transport.tcp import HostAddresses

_TRIES_MAX = 10
_SIZE_BYTES = 65535
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK)


class ReconnectCheck:
    """The check of one endpoint; ``advance`` is called from time to time, perhaps once a second."""

    def __init__(self, url: str, port: int) -> None:
        self._url = url
        self._port = port
        self._socket: socket.socket | None = None
        self._is_reported = False
        self._tries = 0

    def advance(self, address: str) -> bool:
        """Take the next step towards ``address``; return True once the server has answered."""
        try:
            if self._socket is None:
                self._begin(address)
            return self._step()
        except OSError:
            self.stop()
            return False

    def stop(self) -> None:
        """Stop the check; the next call of ``advance`` begins anew."""
        connection, self._socket = self._socket, None
        self._is_reported, self._tries = False, 0
        if connection is not None:
            connection.close()

    def _begin(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        problem = self._socket.connect_ex((address, self._port))
        if problem not in _UNDER_WAY:
            raise OSError(problem, "no connection")

    def _step(self) -> bool:
        connection = self._socket
        assert connection is not None
        self._tries += 1
        if self._tries > _TRIES_MAX:  # its host may have forgotten what was begun
            raise TimeoutError
        readable, writable, _ = select.select([connection], [connection], [], 0)
        if writable and not self._is_reported:
            problem = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise OSError(problem, "no connection")
            connection.send(encode_hello(self._url))
            self._is_reported = True
        elif readable:
            answer = connection.recv(64)
            self.stop()
            return answer[:3] == b"ACK"
        return False


async def find_reachable_address(names: HostAddresses, host: str, port: int, timeout_s: float) -> str:
    """Return the first address of ``host`` that accepts a connection, the last if none does.

    Raises LinkLost if it has no address.
    """
    try:
        async with asyncio.timeout(timeout_s):
            *others, last = await names.addresses()
            for one in others:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(one, port)
                    writer.close()
                    await writer.wait_closed()
                    return one
    except (OSError, TimeoutError) as error:
        raise LinkLost(
            f"{host}: {error.strerror or 'it does not answer, or its name is not found'}"
        ) from error
    return last


def encode_hello(url: str) -> bytes:
    """Return a Hello message for an endpoint."""
    name = url.encode()
    body = struct.pack("<IIIII", 0, _SIZE_BYTES, _SIZE_BYTES, 0, 0) + struct.pack("<i", len(name)) + name
    return b"HELF" + struct.pack("<I", 8 + len(body)) + body
