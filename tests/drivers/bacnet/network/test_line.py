import asyncio
import socket

import pytest
from tests.drivers.bacnet.conftest import HOST, INSTANCE, bus, free_port

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedRead
from quartier_drivers.bacnet.factory import load_library
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.errors import Expired, LinkLost, NoReply
from quartier_native.bacnet import ABORT, COMPLEX_ACK, Ref

SUPPLY = PreparedRead((Ref(0, 1, 85),))


def at(server):
    return DevicePlace((HOST, server.port))


class Stranger:
    """A socket that says what a test wants."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((HOST, 0))
        self.place = DevicePlace((HOST, self.socket.getsockname()[1]))

    async def hear(self):
        return await asyncio.get_running_loop().sock_recvfrom(self.socket, 2048)

    async def say(self, data, to):
        await asyncio.get_running_loop().sock_sendto(self.socket, data, to)


@pytest.fixture
def stranger():
    one = Stranger()
    yield one
    one.socket.close()


def answer(asked, apdu):
    """An answer to a request, with its invoke ID (the seventh octet of its APDU's datagram)."""
    body = bytes((1, 0)) + apdu[:1] + asked[8:9] + apdu[1:]
    return bytes((0x81, 0x0A)) + (4 + len(body)).to_bytes(2, "big") + body


async def test_a_request_brings_its_answer(line, serve):
    data, heard = await line.exchange(at(await serve()), SUPPLY.request)

    assert COMPLEX_ACK == heard[0]
    assert 21.5 == SUPPLY.take(data, heard).values[0]


async def test_who_is_silent_costs_one_time_out_and_the_retries_of_the_bus(clock, stranger):
    line = BacnetLine("bms", bus(timeout_s=0.01, retries_count=2), clock)
    with pytest.raises(NoReply, match="is silent"):
        await line.exchange(stranger.place, SUPPLY.request)
    await line.close()

    assert (3.0, 2.0, 3.0) == tuple(
        line.stats[f"{name}_count"] for name in ("requests", "retries", "timeouts")
    )


@pytest.mark.parametrize("how", [{"writes": True}, {"probes": True}])
async def test_a_write_is_never_repeated_nor_a_probe(clock, stranger, how):
    line = BacnetLine("bms", bus(timeout_s=0.01, retries_count=2), clock)
    with pytest.raises(NoReply):
        await line.exchange(stranger.place, SUPPLY.request, **how)
    await line.close()

    assert 1.0 == line.stats["requests_count"]


async def test_a_command_that_has_expired_is_not_sent(line, clock, stranger):
    with pytest.raises(Expired):
        await line.exchange(stranger.place, SUPPLY.request, writes=True, expires_ns=clock.now_ns())

    assert 0.0 == line.stats["requests_count"]


async def test_a_late_answer_is_not_taken_for_the_next_ones(clock, stranger):
    line = BacnetLine("bms", bus(timeout_s=0.5), clock)
    with pytest.raises(NoReply):
        await line.exchange(stranger.place, SUPPLY.request)
    late, to = await stranger.hear()
    await stranger.say(answer(late, bytes((ABORT << 4, 0))), to)

    async with asyncio.TaskGroup() as group:
        asked = group.create_task(line.exchange(stranger.place, SUPPLY.request))
        fresh, to = await stranger.hear()
        await stranger.say(answer(fresh, bytes((COMPLEX_ACK << 4, datagrams.READ_PROPERTY))), to)
    await line.close()

    assert COMPLEX_ACK == asked.result()[1][0]
    assert 1.0 == line.stats["late_count"]


async def test_another_sender_does_not_answer_for_the_device(clock, stranger):
    line, other = BacnetLine("bms", bus(timeout_s=0.05), clock), Stranger()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(_silent(line, stranger.place))
        data, to = await stranger.hear()
        await other.say(answer(data, bytes((COMPLEX_ACK << 4, datagrams.READ_PROPERTY))), to)
    other.socket.close()
    await line.close()

    assert asked.result()


async def _silent(line, place):
    try:
        await line.exchange(place, SUPPLY.request)
    except NoReply:
        return True
    return False


@pytest.mark.parametrize(
    "noise", [b"", b"\x00", b"\x81\x0a\x00\x05", b"\x81\x0a\x00\x06\x01\x00", b"\xff" * 1476]
)
async def test_noise_costs_nothing_but_a_count(line, serve, stranger, noise):
    await stranger.say(noise, (HOST, line.bus.port))
    data, heard = await line.exchange(at(await serve()), SUPPLY.request)

    assert 21.5 == SUPPLY.take(data, heard).values[0]


async def test_a_notification_that_nobody_waits_for_is_refused_so_that_it_ends(line, stranger):
    body = bytes.fromhex("0909 1c020007d1 2c00000001 39 3c 4e0955 2e4441ac0000 2f 4f")
    apdu = bytes((0, 5, 1, datagrams.COV_NOTIFICATION)) + body
    data = bytes((0x81, 0x0A)) + (6 + len(apdu)).to_bytes(2, "big") + bytes((1, 4)) + apdu
    await stranger.say(data, (HOST, line.bus.port))
    told, _ = await stranger.hear()

    assert bytes((0x50, 1, datagrams.COV_NOTIFICATION, 0x91, 5, 0x91, 79)) == told[6:]


async def test_who_asks_our_device_for_too_much_at_once_is_told_so(clock, stranger):
    line = BacnetLine("bms", bus(device_id=4_000_001), clock, load_library)
    await line.open()
    await line.library()
    apdu = (
        bytes((0, 5, 9, datagrams.READ_PROPERTY_MULTIPLE))
        + b"\x0c\x02\x3d\x09\x01\x1e"
        + 40 * b"\x09\x4d"
        + b"\x1f"
    )
    data = bytes((0x81, 0x0A)) + (6 + len(apdu)).to_bytes(2, "big") + bytes((1, 4)) + apdu
    await stranger.say(data, (HOST, line.bus.port))
    told, _ = await stranger.hear()
    await line.close()

    assert bytes((ABORT << 4 | 1, 9, 1)) == told[6:]


async def test_a_line_that_is_closed_opens_for_who_asks(line, serve):
    server = await serve()
    await line.close()
    _, heard = await line.exchange(at(server), SUPPLY.request)

    assert COMPLEX_ACK == heard[0]


async def test_a_fault_of_a_task_is_raised_to_who_uses_the_line_next(line, serve):
    line.fail(LinkLost("the network is gone"))
    with pytest.raises(LinkLost, match="the network is gone"):
        await line.exchange(at(await serve()), SUPPLY.request)


async def test_a_device_is_found_by_its_instance(clock, serve, monkeypatch):
    """Loopback has no broadcast that reaches another port: who is asked is told here."""
    server = await serve()
    line = BacnetLine("bms", bus(), clock, load_library)
    await line.open()
    monkeypatch.setattr(line, "broadcast", lambda data: line.send(data, (HOST, server.port)))
    found = await line.find(INSTANCE)
    await line.close()

    assert (INSTANCE, at(server), 1024) == (found.instance, found.place, found.apdu_max)


async def test_who_is_at_a_place_says_so(line, serve):
    assert INSTANCE == (await line.ask_who_is(at(await serve()))).instance


async def test_who_says_nothing_is_not_found(line, monkeypatch):
    monkeypatch.setattr("quartier_drivers.bacnet.network.line._WHO_IS_S", 0.01)
    monkeypatch.setattr(line, "broadcast", lambda _: None)
    with pytest.raises(NoReply, match="no device with instance 7 says that it is there"):
        await line.find(7)


async def test_without_the_library_who_needs_it_is_told(clock):
    line = BacnetLine("bms", bus(), clock)
    with pytest.raises(LinkLost, match="needs the BACnet library"):
        await line.library()


async def test_an_occupied_port_is_a_lost_bus(clock):
    number = free_port()
    first, second = (BacnetLine(name, bus(port=number), clock) for name in ("one", "two"))
    await first.open()
    with pytest.raises(LinkLost, match="is in use by another BACnet program"):
        await second.open()
    await first.close()


async def test_a_router_is_learnt_from_what_comes_through_it(line, stranger):
    routed = bytes.fromhex("810a0015 0108 07d10105 1000 c402000003 220400 9103 2163".replace(" ", ""))
    heard = asyncio.get_running_loop().create_future()
    end = line.on_i_am(heard.set_result)
    data = routed[:2] + len(routed).to_bytes(2, "big") + routed[4:]
    await stranger.say(data, (HOST, line.bus.port))
    said = await heard
    end()

    assert (
        DevicePlace(stranger.place.host, 2001, b"\x05")
        == said.place
        == line.find_router(DevicePlace(None, 2001, b"\x05"))
    )
    line.forget_router(2001)
    assert line.find_router(DevicePlace(None, 2001, b"\x05")).host is None
