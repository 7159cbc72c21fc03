"""Relay between an OPC UA server and its clients: it acts on bytes as a faulty wire does.

The server's security stays whole: nothing here reads a message. A device without power, or unplugged, has
no port; ``silent`` and a loose contact keep a connection and send nothing; ``garbage`` answers noise;
``slow`` and ``late`` hold answers back (real seconds; over TCP a late answer keeps its place in the row).
"""

import asyncio
from random import Random

from quartier_sim.devices.simulated_device import Device

_BLOCK_BYTES = 65_536
_NOISE_BYTES = 64
# Time until a connection dropped by a loose contact is served again; real time.
_CHECK_INTERVAL_S = 0.02


class FaultRelay:
    """``port`` 0 becomes a free one and stays the same; ``inner`` is where the server listens."""

    def __init__(self, device: Device, host: str, port: int, seed: int = 0) -> None:
        self.device = device
        self.host = host
        self.port = port
        self.inner = 0
        self._random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Take the port."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        self.device.watchers.append(self._changed)

    async def close(self) -> None:
        """Close the port and every connection."""
        self.device.watchers.remove(self._changed)
        self._hang_up()
        await asyncio.gather(*self._busy, *self._links, return_exceptions=True)

    async def ready(self) -> None:
        """Wait until a device that came back listens again."""
        await asyncio.gather(*self._busy)

    def _changed(self) -> None:
        if self.device.away and self._server is not None:
            self._hang_up()
        elif not self.device.away and self._server is None:
            task = asyncio.get_running_loop().create_task(self._return())
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _return(self) -> None:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, reuse_address=True)

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in tuple(self._links):
            link.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            answers, asks = await asyncio.open_connection(self.host, self.inner)
        except OSError:
            writer.transport.abort()
            self._links.discard(task)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, asks, answers=False))
                both.create_task(self._carry(answers, writer, answers=True))
        except* (OSError, EOFError):
            pass  # one side hung up
        except* asyncio.CancelledError:
            pass  # the wire is gone
        finally:
            self._links.discard(task)
            for side in (asks, writer):
                side.transport.abort()

    async def _carry(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(_BLOCK_BYTES):
            while self._is_mute(answers=answers):  # noqa: ASYNC110 - a loose contact is open by the house's clock
                await asyncio.sleep(_CHECK_INTERVAL_S)
            faults = self.device.faults
            held = [faults[kind].seconds for kind in ("slow", "late") if kind in faults]
            if answers and held:
                await asyncio.sleep(max(held))
            if answers and "garbage" in faults:
                data = self._random.randbytes(_NOISE_BYTES)
            sink.write(data)
            await sink.drain()
        raise EOFError

    def _is_mute(self, *, answers: bool) -> bool:
        """Return whether bytes of this direction are held back; a silent device that acts still receives."""
        return self.device.is_deaf or (answers and "silent" in self.device.faults)
