"""A second client of a device: it writes to the same Modbus server over a connection of its own."""

import asyncio
import contextlib
import struct
from collections.abc import Iterable

from quartier_hil.devices import wire
from quartier_hil.devices.foreign import Request

ANSWER_REAL_S = 1.0
_EXCEPTION = 0x80


class Rival:
    """``taken_count`` are the writes that the device took, ``refused_count`` those that it did not."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.host, self.port = host, port
        self.taken_count = self.refused_count = 0
        self._number = 0

    async def order(self, requests: Iterable[Request]) -> None:
        """Write each request in turn; a device that is gone or silent has refused."""
        wanted = list(requests)
        taken = 0
        try:
            async with asyncio.timeout(ANSWER_REAL_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    for unit, pdu in wanted:
                        taken += await self._written(reader, writer, unit, pdu)
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, struct.error):
            pass
        self.taken_count += taken
        self.refused_count += len(wanted) - taken

    async def _written(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unit: int, pdu: bytes
    ) -> bool:
        self._number = (self._number + 1) & 0xFFFF
        writer.write(wire.tcp_frame(self._number, unit, pdu))
        header = wire.tcp_header(await reader.readexactly(wire.HEADER_BYTES))
        if header is None:
            return False
        answer = await reader.readexactly(header[2])
        return header[0] == self._number and not answer[0] & _EXCEPTION
