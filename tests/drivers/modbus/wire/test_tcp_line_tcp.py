"""A TCP endpoint holds what the driver relies on: right answers only, over one connection."""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import pytest
from tests.drivers.modbus.conftest import Asked, HandClock, Step, TcpServer, hang_up, registers, silence, tcp

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_drivers.modbus.wire.exchanges import ReadSequence, never
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.transport.tcp import TcpStream

TIMEOUT_S = 0.5
READ = make_read(1, "holding", 10, 2)


def tcp_says(*words: int, number: int = 0, unit: int = 0, function: int = 0) -> Step:
    """The right answer with these words, unless another number offset, unit or function is asked for."""

    def step(asked: Asked) -> bytes:
        pdu = registers(function or asked.pdu[0], *words)
        return tcp(asked.number + number, unit or asked.unit, pdu)

    return step


def tcp_link(
    port: int, clock: HandClock, retries_count: int = 0, timeout_s: float = TIMEOUT_S, **keys: Any
) -> TcpLine:
    bus = TcpBus(
        kind="modbus-tcp",
        host="127.0.0.1",
        port=port,
        timeout_s=timeout_s,
        retries_count=retries_count,
        **keys,
    )
    return TcpLine("net", bus, clock)


async def test_a_late_answer_is_dropped_and_the_next_one_is_right(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    def late_then_right(asked: Asked) -> bytes:
        return tcp(asked.number - 1, 1, registers(3, 9, 9)) + tcp(asked.number, 1, registers(3, 3, 4))

    tcp_server.script = [silence, late_then_right, tcp_says(5, 6)]
    line = tcp_link(tcp_server.port, clock)

    with pytest.raises(NoReply, match="unit 1 is silent"):
        await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(READ)
    assert Answer((5, 6)) == await line.exchange(READ)
    assert 1 == line.stats["late_count"]
    assert 1 == tcp_server.connections_count
    await line.close()


async def test_a_late_answer_between_two_requests_is_dropped(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [silence, tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock)

    with pytest.raises(NoReply):
        await line.exchange(READ)
    tcp_server.send(tcp(tcp_server.asked[0].number, 1, registers(3, 9, 9)))
    while not line.stats["late_count"]:  # noqa: ASYNC110 - the kernel delivers it, no event of ours
        await asyncio.sleep(0)
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (tcp_says(1, 2, unit=7), "unit 7"),
        (tcp_says(1, 2, function=4), "function 4"),
        (tcp_says(1), "expected 6"),
        (tcp_says(1, 2, 3), "expected 6"),
        (lambda _: b"\xff" * 20, "protocol 65535"),
    ],
    ids=["unit", "function", "short", "long", "garbage"],
)
async def test_a_wrong_tcp_answer_is_no_reply_and_the_next_one_is_right(
    tcp_server: TcpServer, clock: HandClock, step: Step, what: str
) -> None:
    tcp_server.script = [step, tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock)

    with pytest.raises(NoReply, match=what):
        await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_half_a_frame_does_not_shift_the_answers_that_follow(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [lambda asked: tcp_says(1, 2)(asked)[:9], tcp_says(3, 4)]  # type: ignore[index]  # it answers
    line = tcp_link(tcp_server.port, clock)

    with pytest.raises(NoReply):
        await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_a_read_is_repeated_and_a_write_is_not(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [silence, tcp_says(3, 4), silence]
    line = tcp_link(tcp_server.port, clock, retries_count=1)

    assert Answer((3, 4)) == await line.exchange(READ)
    with pytest.raises(NoReply):
        await line.exchange(make_write(1, "holding", 0, (5,)))
    assert 3 == len(tcp_server.asked)
    assert 1 == line.stats["retries_count"]
    await line.close()


async def test_a_connection_closed_between_requests_is_opened_again_without_a_word(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [hang_up, tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock, retries_count=1)

    assert Answer((3, 4)) == await line.exchange(READ)
    assert 2 == tcp_server.connections_count
    await line.close()


async def test_a_connection_closed_in_the_middle_of_a_write_leaves_its_outcome_unknown(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [hang_up, tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock, retries_count=1)

    with pytest.raises(LinkLost, match="closed the connection"):
        await line.exchange(make_write(1, "holding", 0, (5,)))
    assert 1 == len(tcp_server.asked)
    await line.close()


async def test_time_outs_of_one_unit_leave_the_shared_connection_alone_while_others_answer(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [lambda asked: tcp_says(1, 2)(asked) if asked.unit == 1 else b""]
    line = tcp_link(tcp_server.port, clock)

    for _ in range(6):
        with pytest.raises(NoReply, match="unit 2"):
            await line.exchange(make_read(2, "holding", 0, 2))
        assert Answer((1, 2)) == await line.exchange(READ)
    assert 1 == tcp_server.connections_count
    await line.close()


async def test_an_endpoint_that_says_nothing_at_all_gets_a_new_connection(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [silence]
    line = tcp_link(tcp_server.port, clock)

    for _ in range(6):
        with pytest.raises(NoReply):
            await line.exchange(READ)
    assert 2 == tcp_server.connections_count
    await line.close()


async def test_units_share_one_connection_and_never_overlap(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [lambda asked: tcp_says(asked.unit, asked.start)(asked)]
    line = tcp_link(tcp_server.port, clock)

    requests = [make_read(unit, "holding", 10 * unit, 2) for unit in range(1, 9)]
    answers = await asyncio.gather(*(line.exchange(request) for request in requests))

    assert [(unit, 10 * unit) for unit in range(1, 9)] == [answer.values for answer in answers]
    assert 1 == tcp_server.connections_count
    await line.close()


async def test_a_busy_device_is_no_reply(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [lambda asked: tcp(asked.number, 1, bytes([0x83, 6]))]
    line = tcp_link(tcp_server.port, clock)

    with pytest.raises(NoReply, match="busy"):
        await line.exchange(READ)
    await line.close()


@pytest.mark.parametrize(("code", "what"), [(10, "gateway path"), (11, "failed to respond")])
async def test_a_write_that_a_gateway_could_not_deliver_is_unknown(
    tcp_server: TcpServer, clock: HandClock, code: int, what: str
) -> None:
    tcp_server.script = [lambda asked: tcp(asked.number, 1, bytes([asked.pdu[0] | 0x80, code]))]
    line = tcp_link(tcp_server.port, clock)

    assert Answer(exception=code) == await line.exchange(READ)
    with pytest.raises(NoReply, match=what):
        await line.exchange(make_write(1, "holding", 0, (5,)))
    await line.close()


async def test_an_illegal_address_is_an_answer(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [lambda asked: tcp(asked.number, 1, bytes([0x83, 2]))]
    line = tcp_link(tcp_server.port, clock)

    assert Answer(exception=2) == await line.exchange(READ)
    await line.close()


async def test_pauses_of_the_house_are_kept(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock, pause_s=0.25, connect_pause_s=2.0)

    await line.exchange(READ, pause_s=1.0)
    assert [2.0] == clock.slept_s
    assert clock.ns + 1_000_000_000 == line.ready_ns(1)
    assert clock.ns + 250_000_000 == line.ready_ns(2)
    await line.exchange(READ)
    assert [2.0, 1.0] == clock.slept_s
    await line.close()


async def test_an_endpoint_that_is_not_there_is_named(free_port: int, clock: HandClock) -> None:
    with pytest.raises(LinkLost, match=f"127.0.0.1:{free_port}"):
        await tcp_link(free_port, clock).open()


async def test_a_link_may_be_opened_again_after_close(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock)

    for _ in range(2):
        await line.open()
        assert line.is_connected
        assert Answer((3, 4)) == await line.exchange(READ)
        await line.close()
        assert not line.is_connected


async def test_a_request_that_was_given_up_leaves_no_answer_behind(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [silence, tcp_says(3, 4)]
    line = tcp_link(tcp_server.port, clock)
    task = asyncio.create_task(line.exchange(READ))
    while not tcp_server.asked:  # noqa: ASYNC110 - the server has no event
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    tcp_server.send(tcp(tcp_server.asked[0].number, 1, registers(3, 9, 9)))
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_closing_a_line_ends_the_request_that_waits(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [silence]
    line = tcp_link(tcp_server.port, clock)
    task = asyncio.create_task(line.exchange(READ))
    while not tcp_server.asked:  # noqa: ASYNC110 - the server has no event
        await asyncio.sleep(0)
    await line.close()

    with pytest.raises(LinkLost, match="was closed"):
        await task


def go_of(clock: HandClock, *starts: int, is_enough: Callable[[], bool] = never) -> ReadSequence:
    return ReadSequence([make_read(1, "holding", start, 2) for start in starts], clock.now_ns, is_enough)


def told(go: ReadSequence) -> list[tuple[int, ...]]:
    """The words of each answer; the negative code of what was refused."""
    words = [struct.unpack(">2H", data) for data in go.answers]
    return words if go.refusal is None else [*words, (-go.refusal.exception,)]


def echoing(asked: Asked) -> bytes:
    return tcp_says(asked.start, 7)(asked) or b""


async def test_a_go_asks_one_thing_after_the_other_and_keeps_when_each_answer_came(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    def later(asked: Asked) -> bytes:
        clock.move(0.25)
        return echoing(asked)

    tcp_server.script = [later]
    line, go, begun_ns = tcp_link(tcp_server.port, clock), go_of(clock, 1, 2, 3), clock.now_ns()
    await line.make(go)

    assert [(1, 7), (2, 7), (3, 7)] == told(go)
    assert [begun_ns + step * 250_000_000 for step in (1, 2, 3)] == go.taken_ns
    await line.make(go_of(clock))
    assert 3 == line.stats["requests_count"]
    await line.close()


async def test_a_refusal_ends_a_go(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [echoing, lambda asked: tcp(asked.number, 1, bytes([0x83, 2])), echoing]
    line, go = tcp_link(tcp_server.port, clock), go_of(clock, 1, 2, 3)
    await line.make(go)

    assert ([(1, 7), (-2,)], True) == (told(go), go.is_over)
    assert (2, 1) == (line.stats["requests_count"], line.stats["exceptions_count"])
    await line.close()


@pytest.mark.parametrize("odd", [silence, hang_up, tcp_says(1), lambda a: tcp(a.number, 1, bytes([0x83, 6]))])
async def test_in_a_go_only_the_request_that_failed_is_repeated(
    tcp_server: TcpServer, clock: HandClock, odd: Step
) -> None:
    tcp_server.script = [echoing, odd, echoing]
    line, go = tcp_link(tcp_server.port, clock, retries_count=1), go_of(clock, 1, 2, 3)
    await line.make(go)

    assert [(1, 7), (2, 7), (3, 7)] == told(go)
    assert [1, 2, 2, 3] == [asked.start for asked in tcp_server.asked]
    assert 1 == line.stats["retries_count"]
    await line.close()


@pytest.mark.parametrize("wrong", [tcp_says(5, 7, number=-1), tcp_says(5, 7, number=3)])
async def test_an_answer_with_another_number_is_dropped_in_a_go(
    tcp_server: TcpServer, clock: HandClock, wrong: Step
) -> None:
    tcp_server.script = [echoing, lambda asked: (wrong(asked) or b"") + echoing(asked), echoing]
    line, go = tcp_link(tcp_server.port, clock), go_of(clock, 1, 2, 3)
    await line.make(go)

    assert [(1, 7), (2, 7), (3, 7)] == told(go)
    assert 1 == line.stats["late_count"]
    await line.close()


async def test_an_answer_in_pieces_is_one_of_the_go(tcp_server: TcpServer, clock: HandClock) -> None:
    def pieces(asked: Asked) -> bytes:
        tcp_server.send(echoing(asked)[:8])
        asyncio.get_running_loop().call_later(0.01, tcp_server.send, echoing(asked)[8:])
        return b""

    tcp_server.script = [echoing, pieces, echoing]
    line, go = tcp_link(tcp_server.port, clock), go_of(clock, 1, 2, 3)
    await line.make(go)

    assert [(1, 7), (2, 7), (3, 7)] == told(go)
    assert [1, 2, 3] == [asked.start for asked in tcp_server.asked]
    await line.close()


@pytest.mark.parametrize("retries_count", [0, 2])
async def test_a_go_ends_where_a_request_fails_for_good(
    tcp_server: TcpServer, clock: HandClock, retries_count: int
) -> None:
    tcp_server.script = [echoing, silence]
    line, go = tcp_link(tcp_server.port, clock, retries_count), go_of(clock, 1, 2, 3)

    with pytest.raises(NoReply, match="silent"):
        await line.make(go)
    assert [1, 2] + [2] * retries_count == [asked.start for asked in tcp_server.asked]
    assert ([(1, 7)], False) == (told(go), go.is_over)
    tcp_server.script, go = [echoing], go_of(clock, 5)
    await line.make(go)
    assert [(5, 7)] == told(go)
    await line.close()


async def test_a_go_of_a_line_with_a_pause_keeps_it(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [echoing]
    line, go = tcp_link(tcp_server.port, clock, pause_s=0.25), go_of(clock, 1, 2)
    await line.make(go)

    assert [(1, 7), (2, 7)] == told(go)
    assert [0.25] == clock.slept_s
    await line.close()


async def test_what_another_task_wants_comes_between_two_requests_of_a_go(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [echoing]
    line, go = tcp_link(tcp_server.port, clock, timeout_s=10.0), go_of(clock, 1, 2, 3)
    await line.open()

    task = asyncio.create_task(line.make(go))
    await asyncio.sleep(0)
    assert Answer((9, 7)) == await line.exchange(make_read(1, "holding", 9, 2))
    await task

    assert [(1, 7), (2, 7), (3, 7)] == told(go)
    assert [1, 9, 2, 3] == [asked.start for asked in tcp_server.asked]
    await line.close()


async def test_a_go_that_is_given_up_asks_nothing_more(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [silence, echoing]
    line = tcp_link(tcp_server.port, clock)
    task = asyncio.create_task(line.make(go_of(clock, 1, 2)))
    while not tcp_server.asked:  # noqa: ASYNC110 - the server has no event
        await asyncio.sleep(0)
    task.cancel()
    tcp_server.send(tcp(tcp_server.asked[0].number, 1, registers(3, 1, 7)))
    with pytest.raises(asyncio.CancelledError):
        await task

    assert Answer((5, 7)) == await line.exchange(make_read(1, "holding", 5, 2))
    assert [1, 5] == [asked.start for asked in tcp_server.asked]
    await line.close()


async def test_a_bug_in_what_ends_a_go_is_its_callers(tcp_server: TcpServer, clock: HandClock) -> None:
    def buggy() -> bool:
        raise ZeroDivisionError

    tcp_server.script = [echoing]
    line = tcp_link(tcp_server.port, clock)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)

    with pytest.raises(ZeroDivisionError):
        await line.make(go_of(clock, 1, 2, is_enough=buggy))
    assert Answer((5, 7)) == await line.exchange(make_read(1, "holding", 5, 2))
    await line.close()


async def test_numbers_go_on_from_one_go_to_the_next_and_begin_anew_after_the_highest(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [echoing]
    line = tcp_link(tcp_server.port, clock)
    line._number = 0xFFFD
    await line.make(go_of(clock, 1, 2))
    await line.exchange(READ)
    await line.make(go_of(clock, 3))

    assert [0xFFFE, 0xFFFF, 1, 2] == [asked.number for asked in tcp_server.asked]
    await line.close()


async def test_an_endpoint_that_hangs_up_after_each_answer_is_asked_all_the_same(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    def answers_and_leaves(asked: Asked) -> None:
        tcp_server.send(echoing(asked))

    tcp_server.script = [answers_and_leaves]
    line = tcp_link(tcp_server.port, clock, retries_count=2)

    for _ in range(3):
        go = go_of(clock, 1, 2, 3)
        await line.make(go)
        assert [(1, 7), (2, 7), (3, 7)] == told(go)
    await line.close()


@pytest.mark.asyncio(loop_factories=["house"])
async def test_on_the_houses_loop_a_sound_go_takes_no_turn_for_its_answers(
    tcp_server: TcpServer, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tcp_server.script = [tcp_says(1, 1), tcp_says(2, 2), tcp_says(3, 3)]
    line = tcp_link(tcp_server.port, clock)
    await line.open()

    def turned(_: TcpStream) -> None:
        raise AssertionError("the loop turned for it")

    monkeypatch.setattr(line._connection._stream, "_hear", turned)
    go = ReadSequence([make_read(1, "holding", start, 2) for start in (10, 20, 30)], clock.now_ns)
    await line.make(go)

    assert [bytes([0, value, 0, value]) for value in (1, 2, 3)] == go.answers
    assert 3 == line.stats["requests_count"]
    await line.close()
