"""One TCP connection: bytes in, bytes out, and an end that is told once."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

# asyncio would otherwise make room for 256 KiB at each read; a frame has 260 bytes at most.
_ROOM = 4096


class Stream(asyncio.BufferedProtocol):
    """One connection; once dropped, nothing that it still brings is heard.

    ``hear`` takes bytes; ``lost`` why the connection ended, None when the peer just closed it.
    """

    def __init__(self, hear: Callable[[bytes], None], lost: Callable[[Exception | None], None]) -> None:
        self._hear = hear
        self._lost = lost
        self.transport: asyncio.Transport | None = None
        self._room = memoryview(bytearray(_ROOM))

    @property
    def stands(self) -> bool:
        """Whether the connection stands, as far as the kernel knows."""
        return self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it stands."""
        self.transport = cast("asyncio.Transport", transport)
        keep_alive(transport.get_extra_info("socket"))

    def get_buffer(self, sizehint: int) -> memoryview:
        """asyncio: where bytes are to go."""
        del sizehint
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """asyncio: bytes came."""
        if self.transport is not None:
            self._hear(bytes(self._room[:nbytes]))

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the peer closed it, or the kernel gave up."""
        if self.transport is not None:
            self.transport = None
            self._lost(exc)

    def drop(self) -> None:
        """Close it at once, without a word to ``lost``."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()


def keep_alive(endpoint: socket.socket) -> None:
    """Let the kernel notice within about 25 s that the peer is gone."""
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
