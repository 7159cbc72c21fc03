import asyncio
import socket

import pytest
from tests.drivers.bacnet.conftest import HOST, free_port

from quartier_drivers.bacnet.network.udp_port import OwnAddress, UdpPort, find_own_address
from quartier_drivers.errors import LinkLost


def none(*_):
    """Nobody listens."""


@pytest.fixture
async def ports():
    made = []

    def make(take=none, interface=HOST, number=None):
        one = UdpPort(take, none)
        one.open(interface, number or free_port())
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("interface", "found"),
    [
        ("192.168.1.5/24", OwnAddress("192.168.1.5", "192.168.1.255")),
        ("192.168.1.5", OwnAddress("192.168.1.5", None)),
        ("10.0.0.1/31", OwnAddress("10.0.0.1", None)),
        ("lo", OwnAddress("127.0.0.1", "127.255.255.255")),
    ],
)
def test_an_interface_says_our_address_and_that_of_all(interface, found):
    assert found == find_own_address(interface)


def test_an_interface_that_is_not_there_is_named():
    with pytest.raises(LinkLost, match="interface eth99 is not there.*see `ip address`"):
        find_own_address("eth99")


async def test_an_occupied_port_is_a_fault_with_its_name_and_the_next_step():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, 0))
        number = other.getsockname()[1]

        with pytest.raises(LinkLost, match=f"UDP port {number} of 127.0.0.1 is in use.*ss -ulpn"):
            UdpPort(none, none).open(HOST, number)


async def test_an_address_that_is_not_ours_is_a_fault_with_its_name():
    with pytest.raises(LinkLost, match="this machine has no such address"):
        UdpPort(none, none).open("192.0.2.1", free_port())


async def test_a_port_that_was_closed_opens_again(ports):
    one = ports()
    number = one.number
    one.close()
    one.open(HOST, number)

    assert one.is_open


async def test_what_is_sent_is_heard_with_its_sender(ports):
    heard = asyncio.get_running_loop().create_future()
    first, second = (
        ports(),
        ports(lambda data, host, is_broadcast: heard.set_result((data, host, is_broadcast))),
    )
    first.send(b"\x81word", (HOST, second.number))

    assert (b"\x81word", (HOST, first.number), False) == await asyncio.wait_for(heard, 60)


async def test_our_own_words_to_all_are_not_heard(ports):
    heard = asyncio.Queue()
    one = ports(lambda data, *_: heard.put_nowait(data))
    one.send(b"\x81word", (HOST, one.number))
    ports().send(b"\x81other", (HOST, one.number))

    assert b"\x81other" == await heard.get()


async def test_without_a_prefix_there_is_nobody_to_be_called_and_that_is_said(ports):
    with pytest.raises(LinkLost, match="has no broadcast address; say interface with its prefix"):
        ports().broadcast(b"\x81")


async def test_a_closed_port_sends_nothing():
    with pytest.raises(LinkLost, match="closed"):
        UdpPort(none, none).send(b"\x81", (HOST, 1))
