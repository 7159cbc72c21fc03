"""A client is limited, judged and counted; its writes are told."""

import asyncio

import pytest
from tests.drivers.modbus.sharing.conftest import Opened, terms_of

from quartier_drivers.modbus.sharing.client_requests import RequestedWrite
from quartier_drivers.modbus.sharing.register_spans import parse_spans
from quartier_drivers.modbus.sharing.server import ClientWrite

READ, SAID = b"\x03\x00\x0a\x00\x02", b"\x03\x04\x00\x0a\x00\x0b"
WRITE = b"\x06\x00\x0a\x00\x07"
BUSY = b"\x83\x06"


async def test_a_read_is_answered_over_the_one_connection_that_the_device_takes(opened: Opened) -> None:
    shared = await opened()
    first, second = await shared.call(), await shared.call()

    assert [SAID, SAID] == [await first.ask(READ, number=9), await second.ask(READ, unit=2)]
    assert 1 == shared.device.connections_count  # type: ignore[attr-defined]  # it is an OddTcp
    assert (2, 2, 2) == tuple(
        shared.clients["portal"].counts.data()[name] for name in ("requests", "wire", "connects")
    )


@pytest.mark.parametrize("wire", ["rtu", "tunnel"])
async def test_a_serial_line_is_reached_over_tcp_function_by_function(opened: Opened, wire: str) -> None:
    shared = await opened(terms_of(writes=parse_spans(["1/holding:10..11 by 6, 16, 22, 23"])), wire=wire)
    caller = await shared.call()
    both, mask = b"\x17\0\x0a\0\2\0\x0b\0\1\2\0\x63", b"\x16\0\x0a\xff\xff\0\0"

    assert [SAID, b"\x01\x01\x49", WRITE, mask, b"\x17\4\0\7\0\x63", b"\x83\2"] == [
        await caller.ask(pdu) for pdu in (READ, b"\1\0\0\0\x08", WRITE, mask, both, b"\3\x03\xe8\0\1")
    ]
    assert SAID == await caller.ask(READ, unit=2)


async def test_an_endpoint_that_hangs_up_after_each_answer_is_shared_all_the_same(opened: Opened) -> None:
    shared = await opened(habit="closes-after-answer")
    caller = await shared.call()
    heard = [await caller.ask(bytes([3, 0, at, 0, 1])) for at in range(8)]

    assert [bytes([3, 2, 0, at]) for at in range(4, 8)] == heard[4:], heard


async def test_several_at_once_are_answered_each_under_its_number(opened: Opened) -> None:
    shared = await opened(habit="late", seconds=0.01)
    caller = await shared.call()
    for number in range(1, 9):
        caller.say(bytes([3, 0, 10 + number, 0, 1]), number=number)
    heard = [await caller.hear() for _ in range(8)]

    assert [(number, 1, bytes([3, 2, 0, 10 + number])) for number in range(1, 9)] == sorted(heard)


async def test_one_too_many_at_once_is_told_busy_and_the_others_are_answered(opened: Opened) -> None:
    shared = await opened(terms_of(outstanding_max=2))
    shared.is_idle.clear()
    caller = await shared.call()
    await caller.ask(b"\x41")  # whatever it is, it was heard
    for number in (1, 2, 3):
        caller.say(READ, number=number)
    assert (3, 1, BUSY) == await caller.hear()
    shared.is_idle.set()
    shared.woken.set()

    assert [(1, 1, SAID), (2, 1, SAID)] == [await caller.hear() for _ in range(2)]
    assert 1 == shared.clients["portal"].counts.busy


async def test_more_than_it_may_ask_over_ten_seconds_is_told_busy(opened: Opened) -> None:
    shared = await opened(terms_of(requests_per_s=0.2))
    caller = await shared.call()

    assert [SAID, SAID, BUSY] == [await caller.ask(READ) for _ in range(3)]


async def test_who_only_reads_writes_nothing_and_is_told_of(opened: Opened) -> None:
    shared = await opened()
    caller = await shared.call()

    assert b"\x86\x01" == await caller.ask(WRITE)
    assert b"\x90\x01" == await caller.ask(b"\x10\x00\x0a\x00\x01\x02\x00\x07")
    assert [] == shared.device.asked
    barred = [
        ClientWrite("portal", "127.0.0.1", 1, function, RequestedWrite("holding", 10, 1, (7,)), "barred")
        for function in (6, 16)
    ]
    assert barred == shared.passed
    assert (2, 2) == (shared.clients["portal"].counts.refused, shared.clients["portal"].counts.refused_writes)


async def test_a_write_that_makes_no_sense_is_barred_without_its_place(opened: Opened) -> None:
    shared = await opened()

    assert b"\x86\x03" == await (await shared.call()).ask(b"\x06\x00\x0a")
    assert [ClientWrite("portal", "127.0.0.1", 1, 6, None, "barred")] == shared.passed


async def test_what_it_may_write_is_written_read_back_and_told(opened: Opened) -> None:
    shared = await opened(terms_of(writes=parse_spans(["1/holding:10..11"]), age_max_s=60.0))
    caller = await shared.call()
    assert SAID == await caller.ask(READ)

    assert WRITE == await caller.ask(WRITE)
    assert b"\x03\x04\x00\x07\x00\x0b" == await caller.ask(READ), "what was held before is worthless"
    assert [
        ClientWrite("portal", "127.0.0.1", 1, 6, RequestedWrite("holding", 10, 1, (7,)), "done")
    ] == shared.passed


async def test_a_write_that_the_device_refuses_or_does_not_answer_is_told_so(opened: Opened) -> None:
    may = parse_spans(["1/holding:500..501"])
    shared = await opened(terms_of(writes=may))
    assert b"\x86\x02" == await (await shared.call()).ask(b"\x06\x01\xf4\x00\x07")
    mute = await opened(terms_of(writes=may), habit="silence")
    assert b"\x86\x0b" == await (await mute.call()).ask(b"\x06\x01\xf4\x00\x07")

    assert ("refused", "exception 2") == (shared.passed[0].verdict, shared.passed[0].why)
    assert ("unknown", "unit 1 is silent") == (mute.passed[0].verdict, mute.passed[0].why)


async def test_writes_have_a_budget_of_their_own(opened: Opened) -> None:
    shared = await opened(terms_of(writes=parse_spans(["1/holding:10"]), writes_per_h=1.0))
    caller = await shared.call()

    assert [WRITE, b"\x86\x06", SAID] == [
        await caller.ask(WRITE),
        await caller.ask(WRITE),
        await caller.ask(b"\x03\x00\x0a\x00\x02", unit=2),
    ]


async def test_a_late_answer_goes_to_nobody(opened: Opened) -> None:
    """The device answers the first question while the second of another client is awaited."""
    patient = terms_of("patient", "127.0.0.9", wire_max_s=5.0)
    shared = await opened(terms_of(wire_max_s=0.05), patient, habit="late", seconds=0.15)
    shared.line._timeout_s = 5.0
    first, second = await shared.call(), await shared.call("127.0.0.9")

    assert b"\x83\x0b" == await first.ask(b"\x03\x00\x14\x00\x02")
    assert SAID == await second.ask(READ)
    assert 1 == shared.line.stats["late_count"]


async def test_a_client_that_vanishes_leaves_nothing_behind(opened: Opened) -> None:
    shared = await opened()
    shared.is_idle.clear()
    gone, stays = await shared.call(), await shared.call()
    for number in (1, 2, 3):
        gone.say(b"\x03\x00\x00\x00\x05", number=number)
    stays.say(READ)
    while shared.clients["portal"].counts.requests < 4:  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0.001)
    gone.close()
    while len(shared.clients["portal"].connections) > 1:  # noqa: ASYNC110 - nothing else shows it
        await asyncio.sleep(0.001)
    shared.is_idle.set()
    shared.woken.set()

    assert (1, 1, SAID) == await stays.hear()
    assert [(1, READ)] == shared.device.asked
    assert 3 == shared.clients["portal"].counts.dropped
