"""Quirky servers on TCP, seen by a client that knows nothing of them."""

import asyncio

import pytest

from quartier_sim.modbus.quirk_servers import QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

REQUEST = bytes.fromhex("0001 0000 0006 01 03 0010 0001")
ANSWER = bytes.fromhex("0001 0000 0005 01 03 02 0010")


def server(name: str, seconds: float | None = None) -> QuirkyTcpServer:
    return QuirkyTcpServer({1: make_plain_unit()}, make_quirk(name, seconds=seconds))


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, size: int = len(ANSWER)) -> bytes:
        """What comes, empty when the connection ended."""
        try:
            self.writer.write(REQUEST)
            return await self.reader.readexactly(size)
        except asyncio.IncompleteReadError as cut:
            return cut.partial
        except ConnectionError:
            return b""

    def close(self) -> None:
        self.writer.close()


async def client(odd: QuirkyTcpServer) -> Client:
    return Client(*await asyncio.open_connection(odd.host, odd.port))


async def test_a_plain_one_answers_and_counts_connections() -> None:
    async with QuirkyTcpServer({1: make_plain_unit()}) as odd:
        one = await client(odd)
        assert ANSWER == await one.ask()
        assert (1, f"tcp://127.0.0.1:{odd.port}") == (odd.connections_count, odd.url)
        one.close()


async def test_a_byte_each_moment() -> None:
    async with server("byte-by-byte", 0.001) as odd:
        one = await client(odd)
        assert ANSWER == await one.ask()
        one.close()


async def test_a_late_answer_comes_behind_the_next() -> None:
    async with server("late", 0.5) as odd:
        odd.left = 1
        one = await client(odd)
        one.writer.write(REQUEST.replace(b"\0\1\0\0", b"\0\0\0\0", 1))
        assert ANSWER == await one.ask()
        assert bytes(2) == (await one.reader.readexactly(len(ANSWER)))[:2]
        one.close()


async def test_the_second_client_is_refused() -> None:
    async with server("single-refuses") as odd:
        first = await client(odd)
        assert ANSWER == await first.ask()
        second = await client(odd)
        assert b"" == await second.ask()
        assert ANSWER == await first.ask()
        first.close()
        second.close()


async def test_the_second_client_kicks_out_the_first() -> None:
    async with server("single-kicks") as odd:
        first = await client(odd)
        assert ANSWER == await first.ask()
        second = await client(odd)
        assert ANSWER == await second.ask()
        assert b"" == await first.ask()
        first.close()
        second.close()


async def test_a_half_open_connection_stands_and_says_nothing_more() -> None:
    async with server("half-open") as odd:
        one = await client(odd)
        assert ANSWER == await one.ask()
        one.writer.write(REQUEST)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.reader.read(1)
        one.close()


@pytest.mark.parametrize(("name", "said"), [("closes-after-answer", ANSWER), ("accepts-and-closes", b"")])
async def test_connections_that_end_at_once(name: str, said: bytes) -> None:
    async with server(name) as odd:
        for _ in range(2):
            one = await client(odd)
            assert said == await one.ask()
            assert b"" == await one.ask()
            one.close()
        assert 2 == odd.connections_count


async def test_a_connection_that_is_asked_too_soon_is_deaf() -> None:
    async with server("connect-pause", 3600) as odd:
        one = await client(odd)
        one.writer.write(REQUEST)
        async with asyncio.timeout(60):
            while not odd.deaf_count:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await one.reader.read(1)
        assert 1 == odd.deaf_count
        one.close()
