"""The address of a TCP connection: looks up its host and tries each address in turn."""

import asyncio
import os
from contextlib import suppress

from quartier_drivers.errors import LinkLost
from quartier_drivers.names import Names
from quartier_drivers.stream import Stream


class Endpoint:
    """A host and port, called ``where`` in errors.

    Keep the object as long as you may connect again: a lookup that hangs is then not started a second time.
    """

    def __init__(self, host: str, port: int, where: str) -> None:
        self._names = Names(host)
        self._port = port
        self._where = where

    async def connect(self, stream: Stream, timeout_s: float) -> None:
        """Connect ``stream`` to the first address that accepts.  Raises LinkLost with the reason."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._reach(stream)
        except TimeoutError as error:
            stream.drop()
            raise LinkLost(f"{self._where} does not answer") from error
        except OSError as error:
            # A name that cannot be resolved has no error number of the system.
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
