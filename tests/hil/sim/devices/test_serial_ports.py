import asyncio
import os
import termios
import tty

import pytest

from quartier_sim.devices.serial_ports import PtyPort, TcpPort


async def _until(holds):
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - a port has no event
            await asyncio.sleep(0.001)


def _heard(client, count):
    heard = b""
    while len(heard) < count:  # a pty hands on what was written in pieces, and late
        heard += os.read(client, count - len(heard))
    return heard


def _opened(path):
    client = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(client)
    return client


async def test_bytes_go_both_ways_over_a_pty(tmp_path):
    heard = bytearray()
    async with PtyPort(tmp_path / "tic", heard.extend) as port:
        client = _opened(port.path)
        port.say(b"hello")
        assert b"hello" == _heard(client, 5)
        os.write(client, b"/?!")
        await _until(lambda: heard == b"/?!")
        os.close(client)


async def test_the_speed_that_a_client_sets_is_seen(tmp_path):
    async with PtyPort(tmp_path / "tic") as port:
        client = _opened(port.path)
        settings = termios.tcgetattr(client)
        settings[4] = settings[5] = termios.B1200
        termios.tcsetattr(client, termios.TCSANOW, settings)
        assert 1200 == port.speed
        os.close(client)
    assert port.speed is None


async def test_an_unplugged_pty_is_gone_and_comes_back_under_its_path(tmp_path):
    async with PtyPort(tmp_path / "tic") as port:
        client = _opened(port.path)
        await port.unplug()
        assert not port.path.exists()
        assert 0 == port.say(b"nobody")
        with pytest.raises(OSError, match="Input/output"):
            os.write(client, b"x")
        os.close(client)
        await port.plug()
        client = _opened(port.path)
        port.say(b"again")
        assert b"again" == _heard(client, 5)
        os.close(client)


async def test_what_nobody_reads_is_lost_and_counted(tmp_path):
    async with PtyPort(tmp_path / "tic") as port:
        while port.say(bytes(4096)) == 4096:
            pass
        assert port.lost_bytes
        await port.unplug()


async def test_room_comes_when_somebody_reads(tmp_path):
    async with PtyPort(tmp_path / "tic") as port:
        client = _opened(port.path)
        while port.say(bytes(4096)):
            pass
        # One read may give a byte: the kernel hands bytes over in its own time, and makes room by whole pages.
        loop = asyncio.get_running_loop()
        loop.add_reader(client, os.read, client, 4096)
        async with asyncio.timeout(60):
            await port.room()
        assert port.say(b"x")
        loop.remove_reader(client)
        os.close(client)


async def test_tcp_speaks_to_everyone_and_hears_everyone():
    heard = bytearray()
    async with TcpPort(heard.extend) as port:
        both = [await asyncio.open_connection(port.host, port.port) for _ in range(2)]
        await _until(lambda: len(port._writers) == 2)
        assert 3 == port.say(b"all")
        for reader, writer in both:
            assert b"all" == await reader.readexactly(3)
            writer.write(b"x")
        await _until(lambda: heard == b"xx")
        for _, writer in both:
            writer.close()


async def test_unplugged_tcp_ends_its_connections_and_keeps_its_number():
    async with TcpPort() as port:
        reader, writer = await asyncio.open_connection(port.host, port.port)
        await _until(lambda: port._writers)
        number, url = port.port, port.url
        await port.unplug()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        await port.plug()
        assert (number, url) == (port.port, port.url)
        assert port.is_plugged
