"""With a BBMD of another stack, and one that is full: in ``test_link``; here: what is said, and when."""

import pytest

from quartier_drivers.bacnet.network.udp_port import INVOKE_IDS, BbmdRegistration, PendingRequests
from quartier_drivers.errors import LinkLost
from quartier_native.bacnet import COMPLEX_ACK

HOST = ("10.0.0.9", 47808)
ANSWER = (b"", (COMPLEX_ACK, 0, 12, 9, b"", b""))


async def test_an_answer_goes_to_who_asked():
    waiters = PendingRequests()
    number, waiter = waiters.begin(HOST, b"")

    assert waiters.settle(HOST, b"", number, ANSWER)
    assert ANSWER == await waiter


async def test_devices_behind_one_router_are_told_apart():
    waiters = PendingRequests()
    number, waiter = waiters.begin(HOST, b"\x07\xd1\x05")
    waiters.settle(HOST, b"\x07\xd1\x06", number, ANSWER)

    assert not waiter.done()


async def test_a_late_answer_is_dropped_and_counted():
    waiters = PendingRequests()
    number, _ = waiters.begin(HOST, b"")
    waiters.end(HOST, b"", number)

    assert waiters.settle(HOST, b"", number, ANSWER)
    assert 1 == waiters.late_count
    assert number != waiters.begin(HOST, b"")[0], "the next one does not take it for its own"


async def test_the_answers_of_the_librarys_requests_are_not_ours():
    assert not PendingRequests().settle(HOST, b"", INVOKE_IDS, ANSWER)


async def test_nobody_waits_with_an_id_that_another_waits_with():
    waiters = PendingRequests()
    numbers = {waiters.begin(HOST, b"")[0] for _ in range(INVOKE_IDS)}

    assert set(range(INVOKE_IDS)) == numbers
    with pytest.raises(BlockingIOError):
        waiters.begin(HOST, b"")


async def test_all_hear_that_the_network_is_gone():
    waiters = PendingRequests()
    _, waiter = waiters.begin(HOST, b"")
    waiters.fail(LinkLost("it is down"))

    with pytest.raises(LinkLost, match="it is down"):
        await waiter


class Registrar:
    is_registered = False

    def __init__(self, why=""):
        self.why = why

    async def register(self, bbmd, ttl_s, timeout_s):
        assert (("10.0.0.1", 47808), 300, 1.0) == (bbmd, ttl_s, timeout_s)
        if self.why:
            raise LinkLost(self.why)
        self.is_registered = True


def made():
    return BbmdRegistration("bms", "10.0.0.1", 300, 1.0)


async def test_nothing_is_said_while_all_is_well():
    one = made()
    await one.begin(Registrar())

    assert () == one.notes()


async def test_why_it_did_not_take_us_is_said_once():
    one = made()
    await one.begin(Registrar("the BBMD 10.0.0.1 does not answer"))

    assert ["the BBMD 10.0.0.1 does not answer" in note.text for note in one.notes()] == [True]
    assert () == one.notes()


async def test_a_registration_that_ends_is_said_and_that_it_is_back():
    one, registrar = made(), Registrar()
    await one.begin(registrar)
    registrar.is_registered = False
    codes = [note.code for note in one.notes()]
    registrar.is_registered = True
    codes += [note.code for note in one.notes()]

    assert ["bbmd.lost", "bbmd.back"] == codes
