"""Whether a server that was lost is back, found out without waiting: a Hello that is answered.

A server that is frozen still takes connections, for its kernel does; only an Acknowledge shows that it runs.
Each step takes a call, so the loop is never held; Hello and Acknowledge: OPC 10000-6, 7.1.2.
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
    """Knocks at one endpoint; ``answered`` is called now and then, once a second perhaps."""

    def __init__(self, url: str, port: int) -> None:
        self._url = url
        self._port = port
        self._socket: socket.socket | None = None
        self._is_said = False
        self._tries = 0

    def answered(self, address: str) -> bool:
        """Take the next step towards ``address``; True once it said that it is there."""
        try:
            if self._socket is None:
                self._begin(address)
            return self._step()
        except OSError:
            self.stop()
            return False

    def stop(self) -> None:
        """Knock no more; the next call begins anew."""
        door, self._socket = self._socket, None
        self._is_said, self._tries = False, 0
        if door is not None:
            door.close()

    def _begin(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        problem = self._socket.connect_ex((address, self._port))
        if problem not in _UNDER_WAY:
            raise OSError(problem, "no connection")

    def _step(self) -> bool:
        door = self._socket
        assert door is not None
        self._tries += 1
        if self._tries > _TRIES_MAX:  # its host may have forgotten what was begun
            raise TimeoutError
        readable, writable, _ = select.select([door], [door], [], 0)
        if writable and not self._is_said:
            problem = door.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise OSError(problem, "no connection")
            door.send(encode_hello(self._url))
            self._is_said = True
        elif readable:
            answer = door.recv(64)
            self.stop()
            return answer[:3] == b"ACK"
        return False


async def find_reachable_address(names: HostAddresses, host: str, port: int, timeout_s: float) -> str:
    """The first address of ``host`` that takes a connection, the last where none does.

    Raises LinkLost where it has none.
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
    """A Hello message for an endpoint."""
    name = url.encode()
    body = struct.pack("<IIIII", 0, _SIZE_BYTES, _SIZE_BYTES, 0, 0) + struct.pack("<i", len(name)) + name
    return b"HELF" + struct.pack("<I", 8 + len(body)) + body
