"""The wires of a meter's line tell their bytes and one end."""

import asyncio
import random

import pytest
from tests.drivers.meter.conftest import until

from quartier_drivers.errors import LinkLost
from quartier_drivers.meter.connection import wire
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.meter.connection.wire import DAMAGED_CHARACTER, ParityBits

PLAIN = LineSetting(9600, "8N1")


class Ear:
    def __init__(self):
        self.heard = b""
        self.ends = []

    def hear(self, data):
        self.heard += data


async def made(where, setting=PLAIN):
    ear = Ear()
    return ear, await wire.open_wire(where, setting, ear.hear, ear.ends.append)


async def test_bytes_are_gathered_but_all_come(plug):
    ear, line = await made(plug.path)
    for _ in range(20):
        plug.say(b"0123456789")
        await asyncio.sleep(0)
    await until(lambda: len(ear.heard) == 200)

    line.gather(on=False)
    plug.say(b"!")
    await until(lambda: ear.heard.endswith(b"!"))
    line.close()


async def test_the_end_is_told_once(plug):
    ear, line = await made(plug.path)
    plug.unplug()
    await until(lambda: ear.ends)
    line.close()

    assert 1 == len(ear.ends)
    with pytest.raises(LinkLost):
        line.write(b"x")
    with pytest.raises(LinkLost):
        line.change(LineSetting(1200, "8N1"))


async def test_a_closed_wire_tells_nothing(plug):
    ear, line = await made(plug.path)
    line.close()
    plug.say(b"late")
    await asyncio.sleep(0)

    assert (b"", []) == (ear.heard, ear.ends)


async def test_what_was_sent_is_out_before_it_goes_on(plug):
    _, line = await made(plug.path, LineSetting(300, "8N1"))
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    line.write(b"123456")
    await line.wait_until_sent()

    assert loop.time() - began_s >= 6 * 10 / 300
    assert b"123456" == plug.hear_all(6)
    line.close()


async def test_nobody_there_is_a_lost_link():
    with pytest.raises(LinkLost, match="refused"):
        await made("tcp://127.0.0.1:1")
    with pytest.raises(LinkLost, match="is not there"):
        await made("/dev/ttyNOWHERE")


TEXT = b"\x02\nEAST\t003519702\t*\r" * 20


def test_what_is_sent_is_taken():
    for kind in "EON":
        assert TEXT == ParityBits(kind).decode(ParityBits(kind).encode(TEXT))


def test_a_flipped_bit_shows_once_the_parity_is_known():
    parity = ParityBits("E")
    coded = bytearray(parity.encode(TEXT))
    parity.decode(bytes(coded))
    coded[5] ^= 0x10

    expected = bytearray(TEXT)
    expected[5] = DAMAGED_CHARACTER
    assert expected == parity.decode(bytes(coded))


def test_plain_seven_bits_stay_as_they_are():
    parity = ParityBits("E")
    for _ in range(10):
        assert TEXT == parity.decode(TEXT)


def test_rubbish_of_another_speed_does_not_confuse_it_for_good():
    parity = ParityBits("E")
    parity.decode(random.Random(1).randbytes(5000))
    for _ in range(2):
        parity.decode(parity.encode(TEXT))

    assert TEXT == parity.decode(parity.encode(TEXT))


def test_odd_and_even_are_not_the_same():
    assert ParityBits("E").encode(b"A") == b"A"
    assert ParityBits("O").encode(b"A") == bytes([ord("A") | 0x80])
