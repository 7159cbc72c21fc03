"""The wires hold what the driver relies on: right answers only, silence between frames, one connection."""

import asyncio
import errno
import socket
import termios
from pathlib import Path
from typing import Any

import pytest
import serial
from serial.tools import list_ports
from tests.drivers.modbus.conftest import (
    Asked,
    Cable,
    HandClock,
    RtuServer,
    Start,
    Step,
    TcpServer,
    hang_up,
    registers,
    rtu,
    silence,
    tcp,
)

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.frame import Answer, read_request, write_request
from quartier_drivers.modbus.link import RtuLink, TcpLink, link, quiet_s, resolve

TIMEOUT_S = 0.05
READ = read_request(1, "holding", 10, 2)
OTHER = read_request(1, "holding", 20, 2)


def tcp_says(*words: int, number: int = 0, unit: int = 0, function: int = 0) -> Step:
    """The right answer with these words, unless another number offset, unit or function is asked for."""

    def step(asked: Asked) -> bytes:
        pdu = registers(function or asked.pdu[0], *words)
        return tcp(asked.number + number, unit or asked.unit, pdu)

    return step


def rtu_says(*words: int, unit: int = 0, function: int = 0) -> Step:
    return lambda asked: rtu(unit or asked.unit, registers(function or asked.pdu[0], *words))


def tcp_link(port: int, clock: HandClock, retries_count: int = 0, **keys: Any) -> TcpLink:
    bus = TcpBus(
        kind="modbus-tcp",
        host="127.0.0.1",
        port=port,
        timeout_s=TIMEOUT_S,
        retries_count=retries_count,
        **keys,
    )
    return TcpLink("net", bus, clock)


def rtu_link(path: str, clock: HandClock, retries_count: int = 0, timeout_s: float = TIMEOUT_S) -> RtuLink:
    bus = RtuBus(kind="modbus-rtu", port=path, timeout_s=timeout_s, retries_count=retries_count)
    return RtuLink("line", bus, clock)


# TCP


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
        await line.exchange(write_request(1, "holding", 0, (5,)))
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
        await line.exchange(write_request(1, "holding", 0, (5,)))
    assert 1 == len(tcp_server.asked)
    await line.close()


async def test_time_outs_of_one_unit_leave_the_shared_connection_alone_while_others_answer(
    tcp_server: TcpServer, clock: HandClock
) -> None:
    tcp_server.script = [lambda asked: tcp_says(1, 2)(asked) if asked.unit == 1 else b""]
    line = tcp_link(tcp_server.port, clock)

    for _ in range(6):
        with pytest.raises(NoReply, match="unit 2"):
            await line.exchange(read_request(2, "holding", 0, 2))
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

    requests = [read_request(unit, "holding", 10 * unit, 2) for unit in range(1, 9)]
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
        await line.exchange(write_request(1, "holding", 0, (5,)))
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
        assert line.connected
        assert Answer((3, 4)) == await line.exchange(READ)
        await line.close()
        assert not line.connected


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


# RTU


async def test_no_frame_comes_sooner_than_three_and_a_half_characters(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    for _ in range(20):
        await line.exchange(READ)
        await line.exchange(OTHER)

    assert 39 == len(rtu_server.silences_s)
    assert min(rtu_server.silences_s) >= line.quiet_s
    assert line.quiet_s == 3.5 * 10 / 9600
    await line.close()


@pytest.mark.parametrize(
    ("baud", "parity", "expected_s"),
    [(9600, "N", 0.0036458), (19200, "E", 0.0020052), (38400, "N", 0.00175), (115200, "E", 0.00175)],
)
def test_the_quiet_time_is_fixed_above_19200_baud(baud: int, parity: str, expected_s: float) -> None:
    char_s = (10 + (parity != "N")) / baud

    assert expected_s == pytest.approx(quiet_s(baud, char_s), abs=1e-7)


async def test_a_late_rtu_answer_is_not_taken_for_the_answer_to_another_question(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    loop = asyncio.get_running_loop()

    def late(asked: Asked) -> bytes:
        loop.call_later(1.5 * TIMEOUT_S, rtu_server.write, rtu(asked.unit, registers(3, 9, 9)))
        return b""

    rtu_server.script = [late, rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)

    with pytest.raises(NoReply, match="silent"):
        await line.exchange(READ)
    assert line.ready_ns(1) > clock.now_ns()
    assert line.ready_ns(2) <= clock.now_ns()
    assert Answer((3, 4)) == await line.exchange(OTHER)
    await line.close()


async def test_a_repeated_question_may_take_the_late_answer_but_the_next_question_does_not(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    loop = asyncio.get_running_loop()

    def late(asked: Asked) -> bytes:
        loop.call_later(0.9 * TIMEOUT_S, rtu_server.write, rtu(asked.unit, registers(3, 1, 1)))
        return b""

    def slow_twice(asked: Asked) -> bytes:
        late(asked)
        return rtu(asked.unit, registers(3, 1, 1))  # the answer to the first question, at last

    rtu_server.script = [silence, slow_twice, rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock, retries_count=1)

    assert Answer((1, 1)) == await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(OTHER)
    await line.close()


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (rtu_says(1, 2, unit=7), "silent"),
        (rtu_says(1, 2, function=4), "function 4"),
        (rtu_says(1), "expected 6"),
        (lambda asked: rtu_says(1, 2)(asked)[:-1] + b"\0", "checksum"),  # type: ignore[index]  # it answers
        (lambda asked: rtu_says(1, 2)(asked)[:5], "silent"),  # type: ignore[index]  # it answers
        (lambda _: bytes(range(200)), "silent"),
    ],
    ids=["unit", "function", "short", "checksum", "half", "garbage"],
)
async def test_a_wrong_rtu_answer_is_no_reply_and_the_next_one_is_right(
    rtu_server: RtuServer, clock: HandClock, step: Step, what: str
) -> None:
    rtu_server.script = [step, rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)

    with pytest.raises(NoReply, match=what):
        await line.exchange(READ)
    assert Answer((3, 4)) == await line.exchange(OTHER)
    await line.close()


async def test_an_answer_behind_noise_and_anothers_frame_is_found(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [
        lambda asked: b"\xfe\x00\xff" + rtu(9, registers(3, 8, 8)) + (rtu_says(3, 4)(asked) or b"")
    ]
    line = rtu_link(rtu_server.path, clock)

    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_at_another_rate_a_line_is_not_paced(rtu_server: RtuServer) -> None:
    clock = HandClock(rate=60.0)
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    line.quiet_s = 3600.0

    for _ in range(3):
        assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_a_port_that_goes_away_is_a_lost_link(rtu_server: RtuServer, clock: HandClock) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    await line.open()
    # What a tty reports when its other end is gone: readable, and nothing to read.
    line._port, gone = _gone(), line._port
    line._readable()
    assert gone is not None
    asyncio.get_running_loop().remove_reader(gone.fileno())
    gone.close()

    assert not line.connected
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


def _gone() -> Any:
    left, right = socket.socketpair()
    right.close()
    return left


async def test_the_second_owner_of_a_port_is_told_so(rtu_server: RtuServer, clock: HandClock) -> None:
    first, second = rtu_link(rtu_server.path, clock), rtu_link(rtu_server.path, clock)
    await first.open()

    with pytest.raises(LinkLost, match="is in use by another program"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_termios_error_22_is_a_failed_open_to_retry(
    rtu_server: RtuServer, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: serial.Serial) -> None:
        raise termios.error(errno.EINVAL, "Invalid argument")

    line = rtu_link(rtu_server.path, clock)
    with monkeypatch.context() as patch:
        patch.setattr(serial.Serial, "open", fail)
        with pytest.raises(LinkLost, match="Invalid argument"):
            await line.open()
    await line.open()
    await line.close()


def test_an_absent_port_is_named_with_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        device, vid, serial_number, location = "/dev/ttyUSB3", 0x0403, "A50285BI", "1-1.2"
        description = "FT232R USB UART"

    monkeypatch.setattr(list_ports, "comports", lambda: [Found])

    assert "/dev/ttyUSB3" == resolve("usb:A50285BI")
    assert "/dev/ttyUSB3" == resolve("usb:1-1.2")
    assert str(tmp_path) == resolve(str(tmp_path))
    for absent in ("usb:A1", str(tmp_path / "ttyS9")):
        with pytest.raises(LinkLost) as raised:
            resolve(absent)
        assert absent in str(raised.value)
        assert "/dev/ttyUSB3 (usb:A50285BI, FT232R USB UART)" in str(raised.value)


# Other stacks


@pytest.mark.peer
async def test_other_stacks_answer_over_tcp(
    stack: list[str], start: Start, free_port: int, clock: HandClock
) -> None:
    start([*stack, "tcp", str(free_port)])
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=free_port, timeout_s=5)

    await _conversation(link("net", bus, clock))


@pytest.mark.peer
async def test_other_stacks_answer_over_rtu(
    stack: list[str], start: Start, cable: Cable, clock: HandClock
) -> None:
    start([*stack, "rtu", cable.theirs])
    bus = RtuBus(kind="modbus-rtu", port=cable.ours, timeout_s=5)

    await _conversation(link("line", bus, clock))


async def _conversation(line: TcpLink | RtuLink) -> None:
    async def read(table: str, start: int, count: int) -> tuple[int, ...]:
        return (await line.exchange(read_request(1, table, start, count))).values

    assert tuple(range(100, 225)) == await read("input", 100, 125)
    assert tuple(int(at % 3 == 0) for at in range(900)) == await read("coil", 0, 900)
    assert tuple(int(at % 2 == 0) for at in range(7, 20)) == await read("discrete", 7, 13)
    assert Answer(exception=2) == await line.exchange(read_request(1, "holding", 990, 20))
    for request in (
        write_request(1, "holding", 5, (0xBEEF,)),
        write_request(1, "holding", 6, (1, 2, 3)),
        write_request(1, "coil", 1, (1,)),
        write_request(1, "coil", 2, (1, 0, 1)),
    ):
        assert request.values == (await line.exchange(request)).values
    assert (0xBEEF, 1, 2, 3) == await read("holding", 5, 4)
    assert (1, 1, 1, 0, 1) == await read("coil", 0, 5)
    await line.close()
