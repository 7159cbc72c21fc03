import asyncio
import struct

import pytest

from quartier_sim.bacnet import encoding, udp_endpoint
from quartier_sim.bacnet.building_controllers import RoomController
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, Packet, serve_udp

WHO_IS = bytes([0x10, encoding.WHO_IS])
POWER = bytes.fromhex("0005010C 0C00000001 1955")


class Ear(asyncio.DatagramProtocol):
    """A client of bare sockets."""

    def __init__(self):
        self.heard = asyncio.Queue()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        del addr
        self.heard.put_nowait(data)

    def say(self, packet, endpoint):
        self.transport.sendto(udp_endpoint.build_datagram(packet), (endpoint.host, endpoint.port))

    async def ask(self, packet, endpoint):
        self.say(packet, endpoint)
        return await self.next()

    async def next(self):
        async with asyncio.timeout(60):
            return udp_endpoint.parse_datagram(await self.heard.get())


@pytest.fixture
async def ear():
    transport, one = await asyncio.get_running_loop().create_datagram_endpoint(
        Ear, local_addr=("127.0.0.1", 0)
    )
    yield one
    transport.close()


async def test_a_device_answers_at_its_port(ear):
    room = RoomController(301)
    async with await serve_udp(room) as endpoint:
        assert room.i_am == (await ear.ask(Packet(WHO_IS), endpoint)).data
        got = await ear.ask(Packet(POWER, wants_reply=True), endpoint)

    assert encoding.encode_wrapped(3, encoding.encode_real(0.0)) == got.data[-7:]


async def test_an_occupied_port_is_an_error():
    async with await serve_udp(RoomController(301)) as endpoint:
        with pytest.raises(OSError, match="in use"):
            await serve_udp(RoomController(302), port=endpoint.port)


async def test_a_router_has_devices_behind_it_by_network_and_mac(ear):
    rooms = {NetworkAddress(2001, bytes([mac])): RoomController(300 + mac) for mac in (1, 2)}
    rooms[NetworkAddress(2001, b"\2")].publish({"power_w": 7.0})
    async with await serve_udp(rooms) as endpoint:
        asked = Packet(POWER, to=NetworkAddress(2001, b"\2"), wants_reply=True)
        got = await ear.ask(asked, endpoint)
        assert (NetworkAddress(2001, b"\2"), encoding.encode_wrapped(3, encoding.encode_real(7.0))) == (
            got.source,
            got.data[-7:],
        )

        ear.say(Packet(WHO_IS, to=NetworkAddress(0xFFFF)), endpoint)
        assert {b"\1", b"\2"} == {(await ear.next()).source.mac for _ in range(2)}
        ear.say(Packet(WHO_IS, to=NetworkAddress(2001)), endpoint)
        assert {b"\1", b"\2"} == {(await ear.next()).source.mac for _ in range(2)}


async def test_a_router_says_which_networks_it_has_and_rejects_others(ear):
    async with await serve_udp({NetworkAddress(2001, b"\1"): RoomController(301)}) as endpoint:
        got = await ear.ask(Packet(b"", message=udp_endpoint.WHO_IS_ROUTER), endpoint)
        assert (udp_endpoint.I_AM_ROUTER, struct.pack(">H", 2001)) == (got.message, got.data)
        got = await ear.ask(Packet(POWER, to=NetworkAddress(9, b"\1")), endpoint)
        assert (udp_endpoint.REJECT_MESSAGE, b"\1\0\x09") == (got.message, got.data)


async def test_changes_are_told_to_who_subscribed(ear):
    room = RoomController(301)
    asked = bytes([0, 5, 3, encoding.SUBSCRIBE_COV]) + bytes.fromhex("0907 1C00000002 2901 393C")
    async with await serve_udp({NetworkAddress(2001, b"\1"): room}) as endpoint:
        assert (
            bytes([0x20, 3, encoding.SUBSCRIBE_COV])
            == (await ear.ask(Packet(asked, to=NetworkAddress(2001, b"\1")), endpoint)).data
        )
        first = await ear.next()
        assert (NetworkAddress(2001, b"\1"), bytes([0, 5, 1, 1])) == (first.source, first.data[:4])
        room.publish({"room_c": 30.0})
        assert encoding.encode_real(30.0) in (await ear.next()).data
        ear.say(Packet(bytes([0x20, 1, 1]), to=NetworkAddress(2001, b"\1")), endpoint)
        await ear.ask(Packet(WHO_IS, to=NetworkAddress(2001)), endpoint)

    assert 1 == endpoint.acks_count


async def test_with_every_device_off_the_port_is_gone_and_comes_back_the_same(ear):
    room = RoomController(301)
    async with await serve_udp(room) as endpoint:
        room.fault("off")
        await endpoint.ready()
        async with await serve_udp(RoomController(9), port=endpoint.port):
            pass
        room.clear("off")
        await endpoint.ready()
        assert room.i_am == (await ear.ask(Packet(WHO_IS), endpoint)).data


async def test_late_answers_are_overtaken_and_slow_ones_are_not(ear):
    room = RoomController(301)
    async with await serve_udp(room) as endpoint:
        for kind, order in (("late", [2, 1]), ("slow", [1, 2])):
            room.fault(kind, seconds=0.5)
            ear.say(Packet(POWER), endpoint)
            if kind == "late":
                await ear.ask(Packet(WHO_IS), endpoint)
                room.clear()
            ear.say(Packet(POWER.replace(b"\1\x0c", b"\2\x0c", 1)), endpoint)
            assert order == [(await ear.next()).data[1] for _ in range(2)]
            room.clear()


async def test_noise_is_dropped(ear):
    room = RoomController(301)
    async with await serve_udp(room) as endpoint:
        ear.transport.sendto(b"\x81\x0a\0\x09nonsense", (endpoint.host, endpoint.port))
        assert room.i_am == (await ear.ask(Packet(WHO_IS), endpoint)).data
