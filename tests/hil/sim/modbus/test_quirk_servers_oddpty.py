"""Quirky slaves on a pty, and others on the line."""

import asyncio
import os
import termios
import tty
from collections.abc import Iterator

import pytest

from quartier_sim.modbus import framing
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

REQUEST = framing.build_rtu_frame(1, bytes.fromhex("03 0010 0001"))
ANSWER = framing.build_rtu_frame(1, bytes.fromhex("03 02 0010"))


class Port:
    """The client's end."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.heard = bytearray()
        asyncio.get_running_loop().add_reader(self.fd, lambda: self.heard.extend(os.read(self.fd, 4096)))

    async def ask(self, size: int) -> bytes:
        os.write(self.fd, REQUEST)
        return await self.take(size)

    async def take(self, size: int) -> bytes:
        async with asyncio.timeout(60):
            while len(self.heard) < size:  # noqa: ASYNC110 - a port has no event
                await asyncio.sleep(0.001)
        data = bytes(self.heard[:size])
        del self.heard[:size]
        return data

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)


@pytest.fixture
async def ports() -> Iterator[list[Port]]:
    opened: list[Port] = []
    yield opened
    for port in opened:
        port.close()


def opened(odd: QuirkyRtuSlave, ports: list[Port]) -> Port:
    ports.append(Port(odd.path))
    return ports[-1]


async def test_a_plain_one_answers(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}) as odd:
        port = opened(odd, ports)

        assert ANSWER == await port.ask(len(ANSWER))
        assert f"rtu:{odd.path}" == odd.url


async def test_a_byte_each_moment(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, make_quirk("byte-by-byte", seconds=0.001)) as odd:
        assert ANSWER == await opened(odd, ports).ask(len(ANSWER))


async def test_an_adapter_with_an_echo_says_our_words_first(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, make_quirk("echo")) as odd:
        assert REQUEST + ANSWER == await opened(odd, ports).ask(len(REQUEST + ANSWER))


@pytest.mark.parametrize(("name", "unit"), [("foreign-master", 33), ("foreign-twin", 1)])
async def test_another_master_takes_its_turn_after_ours(name: str, unit: int, ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, make_quirk(name, seconds=0.001)) as odd:
        port = opened(odd, ports)
        assert ANSWER == await port.ask(len(ANSWER))

        request = framing.parse_rtu_request(await port.take(8))
        assert request is not None
        assert (unit, 3) == (request[0], request[1][0])
        assert unit == (await port.take(7))[0]


async def test_who_speaks_while_another_speaks_is_not_heard(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, make_quirk("foreign-master", seconds=3600)) as odd:
        port = opened(odd, ports)
        await port.ask(len(ANSWER))
        await port.take(8)
        os.write(port.fd, REQUEST)
        async with asyncio.timeout(60):
            while not odd.collisions_count:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)
        assert 1 == len(odd.asked)


async def test_babble_never_ends(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, make_quirk("foreign-babble")) as odd:
        assert 33 == (await opened(odd, ports).take(200))[0]


async def test_at_another_baud_all_is_noise(ports: list[Port]) -> None:
    async with QuirkyRtuSlave({1: make_plain_unit()}, baud=19200) as odd:
        port = opened(odd, ports)
        settings = termios.tcgetattr(port.fd)
        for speed, understood in ((termios.B9600, False), (termios.B19200, True)):
            settings[4] = settings[5] = speed
            termios.tcsetattr(port.fd, termios.TCSANOW, settings)
            size = len(ANSWER) if understood else len(REQUEST)
            assert understood == (ANSWER == await port.ask(size))
