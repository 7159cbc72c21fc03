"""Where a TCP connection goes: its host is looked up and tried, address by address."""

import asyncio
import os
from contextlib import suppress

from quartier_drivers.errors import LinkLost
from quartier_drivers.names import Names
from quartier_drivers.stream import Stream


class Endpoint:
    """A host and port, called ``where`` in errors.  Kept for as long as it may be connected to again:
    a lookup that hangs is then not begun a second time.
    """

    def __init__(self, host: str, port: int, where: str) -> None:
        self._names = Names(host)
        self._port = port
        self._where = where

    async def connect(self, stream: Stream, timeout_s: float) -> None:
        """Connect ``stream`` to the first address that takes it.  Raises LinkLost, saying why none does."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._reach(stream)
        except TimeoutError as error:
            stream.drop()
            raise LinkLost(f"{self._where} does not answer") from error
        except OSError as error:
            # A name that is not found has no number of the system's.
            number = error.errno or 0
            why = os.strerror(number) if number > 0 else error.strerror or error
            raise LinkLost(f"{self._where}: {why}") from error
        except asyncio.CancelledError:
            stream.drop()
            raise

    async def _reach(self, stream: Stream) -> None:
        *others, last = await self._names.addresses()
        for address in others:
            with suppress(OSError):
                await stream.connect(address, self._port)
                return
        await stream.connect(last, self._port)
