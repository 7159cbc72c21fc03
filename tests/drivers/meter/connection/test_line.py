"""A line with meters hears, asks, finds the speed, and says how well it hears."""

import asyncio
from pathlib import Path

import pytest
from tests.drivers.meter.conftest import opened, until

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import PROTOCOL_SETTINGS, LineSetting, TrialLimits
from quartier_drivers.meter.telegrams import DecoderCounts, LineRequest

PLAIN = (LineSetting(9600, "8N1"),)


class Ear:
    """Counts as good what is upper case."""

    def __init__(self):
        self.counts = DecoderCounts()
        self.heard = b""
        self.lost_count = 0
        self.why = ""

    def hear(self, data):
        self.heard += data
        self.counts.bytes_count += len(data)
        self.counts.good_count += sum(65 <= code < 91 for code in data)
        self.counts.bad_count += sum(97 <= code < 123 for code in data)

    def handle_closed_line(self):
        self.lost_count += 1


def ask_for(*asks):
    """A conversation that returns all that it heard."""
    heard = []
    for ask in asks:
        heard += [(yield ask)]
    return heard


async def test_what_comes_is_heard_by_all(plug, house_time):
    ears = Ear(), Ear()
    port = MeterLine("line", "tic", plug.path, PLAIN, house_time)
    for ear in ears:
        port.attach(ear)
    async with opened(port):
        plug.say(b"ABC")
        await until(lambda: ears[1].heard)

        assert (b"ABC", b"ABC") == (ears[0].heard, ears[1].heard)
        assert (3, 6, 1) == tuple(port.stats[key] for key in ("bytes_count", "good_count", "connects_count"))


async def test_an_unplugged_line_is_told_and_heard_again_when_it_is_back(plug, house_time):
    ear = Ear()
    port = MeterLine("line", "tic", plug.path, PLAIN, house_time)
    port.attach(ear)
    await port.open()
    plug.unplug()
    await until(lambda: ear.lost_count)
    assert "is gone" in port.why
    with pytest.raises(LinkLost, match="is not there"):
        await port.open()
    plug.plug()

    async with opened(port):
        plug.say(b"X")
        await until(lambda: ear.heard)
        assert "" == port.why


async def test_a_conversation_sends_and_waits_for_its_answer(plug, house_time):
    port = MeterLine("line", "mbus", plug.path, PLAIN, house_time)
    asyncio.get_running_loop().add_reader(plug.master, lambda: plug.say(plug.hear_all(3)[::-1]))
    async with opened(port):
        assert [b"fed", b""] == await port.converse(
            ask_for(LineRequest(b"def", 60.0), LineRequest(wait_s=0.01))
        )
    asyncio.get_running_loop().remove_reader(plug.master)


async def test_what_came_unasked_can_be_dropped(plug, house_time):
    port = MeterLine("line", "mbus", plug.path, PLAIN, house_time)
    async with opened(port):
        plug.say(b"old")
        first = port.converse(ask_for(LineRequest(wait_s=60.0), LineRequest(wait_s=0.01, fresh=True)))

        assert [b"old", b""] == await first


async def test_a_speed_is_changed_for_a_conversation(plug, house_time):
    port = MeterLine("line", "iec62056", plug.path, (LineSetting(300, "8N1"),), house_time)
    async with opened(port):
        await port.converse(ask_for(LineRequest(b"/?!\r\n", 0.0), LineRequest(wait_s=0.0, baud=9600)))

        assert LineSetting(9600, "8N1") == port.setting
        assert b"/?!\r\n" == plug.hear_all(5)


async def test_seven_bits_go_out_with_their_parity(plug, house_time):
    port = MeterLine("line", "iec62056", plug.path, (LineSetting(300, "7E1"),), house_time)
    async with opened(port):
        await port.converse(ask_for(LineRequest(b"\x07/", 0.0)))

        assert b"\x87\xaf" == plug.hear_all(2)


async def test_a_line_that_breaks_ends_the_conversation(plug, house_time):
    port = MeterLine("line", "mbus", plug.path, PLAIN, house_time)
    async with opened(port):
        asyncio.get_running_loop().call_later(0.05, plug.unplug)
        with pytest.raises(LinkLost):
            await port.converse(ask_for(LineRequest(wait_s=10.0)))
        with pytest.raises(LinkLost):
            await port.converse(ask_for(LineRequest(b"x")))


async def test_what_a_conversation_says_of_the_meter_is_passed_on(plug, house_time):
    def silent():
        yield LineRequest(wait_s=0.01)
        raise NoReply("nobody at 7")

    port = MeterLine("line", "mbus", plug.path, PLAIN, house_time)
    async with opened(port):
        with pytest.raises(NoReply, match="nobody at 7"):
            await port.converse(silent())
        assert [b""] == await port.converse(ask_for(LineRequest(wait_s=0.01)))


async def test_another_speed_is_tried_when_nothing_good_comes(plug, house_time):
    ear = Ear()
    settings, patience = PROTOCOL_SETTINGS["tic"], TrialLimits(0.5, 1, 1.0)
    port = MeterLine("line", "tic", plug.path, settings, house_time, patience=patience)
    port.attach(ear)
    async with opened(port):
        plug.say(b"abc" * 20)
        await until(lambda: port.setting == PROTOCOL_SETTINGS["tic"][1])
        plug.say(b"ABC" * 20)
        await until(lambda: port.is_sure)

        assert PROTOCOL_SETTINGS["tic"][1] == port.setting


async def test_a_serial_server_is_heard_and_asked(house_time):
    async def serve(reader, writer):
        writer.write(b"HELLO")
        writer.write((await reader.readexactly(3))[::-1])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    where = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    ear = Ear()
    port = MeterLine("line", "mbus", where, PLAIN, house_time)
    port.attach(ear)
    async with opened(port):
        await until(lambda: ear.heard)
        assert b"cba" == (await port.converse(ask_for(LineRequest(b"abc", 60.0))))[0]
        await until(lambda: ear.lost_count)
        assert "closed the connection" in port.why
    server.close()
    with pytest.raises(LinkLost, match="refused"):
        await port.open()


async def test_a_serial_server_may_leave_the_parity_on(house_time):
    async def serve(_reader, writer):
        writer.write(b"\xc1B\xc3" * 100)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ear = Ear()
    where = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    port = MeterLine("line", "tic", where, PROTOCOL_SETTINGS["tic"], house_time)
    port.attach(ear)
    async with opened(port):
        await until(lambda: ear.lost_count)
    server.close()

    assert ear.heard.startswith(b"ABCABC") or ear.heard.replace(b"\xff", b"").isupper()


async def test_advice_is_a_text_of_the_line(plug, house_time):
    port = MeterLine("line", "tic", plug.path, PLAIN, house_time)

    assert {"advice_text": ""} == port.texts
    assert {"bad_pct": 0.0, "silent_on": False} == {key: port.stats[key] for key in ("bad_pct", "silent_on")}
    assert [] == port.notes()


def test_nothing_is_left_open(plug, house_time):
    def open_files():
        return len(list(Path("/proc/self/fd").iterdir()))

    async def once():
        port = MeterLine("line", "tic", plug.path, PLAIN, house_time)
        await port.open()
        await port.close()

    before = open_files()
    asyncio.run(once())
    assert before == open_files()
