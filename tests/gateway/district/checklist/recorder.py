"""A TCP relay before a real broker that keeps the bytes of both ways, in the order in which they came."""

import asyncio
import bisect
import contextlib
import itertools
import time

DEADLINE_S = 60.0  # only ends a recording that has failed
UP, DOWN = "up", "down"


class Tape:
    """All that passed every relay of a recording; ``marks`` name instants of it by the number of chunks."""

    def __init__(self):
        self.chunks = []  # (connection, way, Unix seconds, bytes); no bytes at its end
        self.marks = {}
        self.places = {}  # connection -> number of its relay
        self.numbers = itertools.count()
        self.nodes = []  # the connections that have a Will as an edge node has one, in their order
        self._streams = {}
        self._starts = {}

    def keep(self, conn, way, data):
        stream = self._streams.setdefault((conn, way), bytearray())
        if way == UP and not stream and b"/NDEATH/" in data:
            self.nodes.append(conn)
        self._starts.setdefault((conn, way), []).append((len(self.chunks), len(stream)))
        self.chunks.append((conn, way, time.time(), data))
        stream += data

    def mark(self, name):
        self.marks[name] = len(self.chunks)

    def sent(self, conn):
        """How many times something came from this client."""
        return len(self._starts[conn, UP])

    def ended(self, conn):
        return any((conn, UP, b"") == (c, way, data) for c, way, _, data in self.chunks)

    def heard(self, conn, needle, since=0):
        """How often it was said to this client since a chunk."""
        return self._count(conn, DOWN, needle, since)

    def told(self, needle, since=0):
        """How often it was said to anybody since a chunk."""
        return sum(self._count(conn, DOWN, needle, since) for conn, way in [*self._streams] if way == DOWN)

    def count(self, needle, since=0):
        """How often edge nodes said it since a chunk."""
        return sum(self._count(conn, UP, needle, since) for conn in self.nodes)

    def _count(self, conn, way, needle, since):
        starts = self._starts.get((conn, way), [])
        place = bisect.bisect_left(starts, (since, 0))
        return self._streams[conn, way].count(needle, starts[place][1]) if place < len(starts) else 0

    async def until(self, condition, what="something", stir=None):
        """Wait for ``condition``; ``stir`` is done again and again meanwhile."""
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end_s, f"{what} never came"
            if stir is not None:
                stir()
            await asyncio.sleep(0.02)


class Relay:
    """The port of one broker.  ``open`` listens on a port that stays the same, ``shut`` refuses everybody."""

    def __init__(self, target, tape, place=0):
        self.target = target
        self.tape = tape
        self.place = place
        self.port = 0
        self.server = None
        self.clients = {}
        self.tasks = set()

    async def open(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def shut(self):
        """Nobody comes in any more, and who is in is cut off."""
        self.server.close()
        for client, _ in list(self.clients.values()):
            client.close()

    async def leave(self):
        self.shut()
        await asyncio.gather(*self.tasks)

    def inject(self, conn, data):
        """Say something to a client in the broker's name, between two packets of its own."""
        self.tape.keep(conn, DOWN, data)
        self.clients[conn][0].write(data)

    async def _serve(self, reader, client):
        self.tasks.add(asyncio.current_task())
        conn = next(self.tape.numbers)
        self.tape.places[conn] = self.place
        there, broker = await asyncio.open_connection("127.0.0.1", self.target)
        self.clients[conn] = (client, broker)
        try:
            await asyncio.gather(
                self._pass_on(conn, UP, reader, broker), self._pass_on(conn, DOWN, there, client)
            )
        finally:
            del self.clients[conn]

    async def _pass_on(self, conn, way, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(16_384):
                self.tape.keep(conn, way, data)
                writer.write(data)
                await writer.drain()
        self.tape.keep(conn, way, b"")
        writer.close()
