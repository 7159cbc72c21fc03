"""A serial line holds what the driver relies on: right answers only, and silence between frames."""

import asyncio
import errno
import os
import socket
import termios
from pathlib import Path
from typing import Any

import pytest
import serial
from tests.drivers.modbus.conftest import Asked, HandClock, RtuServer, Step, registers, rtu, silence

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import RtuBus
from quartier_drivers.modbus.frames import Answer, make_read
from quartier_drivers.modbus.wire.serial_line import SerialRtuLine

TIMEOUT_S = 0.5
READ = make_read(1, "holding", 10, 2)
OTHER = make_read(1, "holding", 20, 2)


def rtu_says(*words: int, unit: int = 0, function: int = 0) -> Step:
    return lambda asked: rtu(unit or asked.unit, registers(function or asked.pdu[0], *words))


def rtu_link(
    path: str, clock: HandClock, retries_count: int = 0, timeout_s: float = TIMEOUT_S
) -> SerialRtuLine:
    bus = RtuBus(kind="modbus-rtu", port=path, timeout_s=timeout_s, retries_count=retries_count)
    return SerialRtuLine("line", bus, clock)


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


async def test_a_device_has_its_pause_before_it_is_asked_again(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [silence, rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock, retries_count=1)

    assert Answer((3, 4)) == await line.exchange(READ, pause_s=0.5)
    assert [0.5] == clock.slept_s
    await line.close()


async def test_a_long_answer_is_not_read_character_by_character(
    rtu_server: RtuServer, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = rtu_link(rtu_server.path, clock, timeout_s=1.0)
    words = tuple(range(20))
    reads: list[int] = []
    read = os.read

    def counted(port: int, size: int) -> bytes:
        reads.append(port)
        return read(port, size)

    async def spell(answer: bytes) -> None:
        for at in range(len(answer)):
            rtu_server.write(answer[at : at + 1])
            await asyncio.sleep(line.char_s)

    def spelt(_asked: Asked) -> bytes:
        spelling.append(asyncio.create_task(spell(rtu(1, registers(3, *words)))))
        return b""

    spelling: list[asyncio.Task[None]] = []
    rtu_server.script = [spelt]
    assert Answer(words) == await line.exchange(make_read(1, "holding", 0, 20))
    monkeypatch.setattr("quartier_drivers.modbus.wire.serial_line.os.read", counted)
    assert Answer(words) == await line.exchange(make_read(1, "holding", 0, 20))

    port = line._port
    assert port is not None
    assert reads.count(port.fileno()) < 45 / 2
    await asyncio.gather(*spelling)
    await line.close()


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


async def test_a_garbled_frame_ahead_of_a_slow_answer_does_not_hand_it_to_the_next_question(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    """What seemed to be the answer was noise: the answer to READ is still to come, and fits OTHER."""
    loop = asyncio.get_running_loop()

    def garbled_then_late(asked: Asked) -> bytes:
        loop.call_later(0.7 * TIMEOUT_S, rtu_server.write, rtu(asked.unit, registers(3, 9, 9)))
        return bytes([asked.unit, 3]) + b"\x15" * 7

    rtu_server.script = [garbled_then_late, silence]
    line = rtu_link(rtu_server.path, clock)

    with pytest.raises(NoReply, match="checksum"):
        await line.exchange(READ)
    with pytest.raises(NoReply, match="silent"):
        await line.exchange(OTHER)
    await line.close()


async def test_an_answer_with_a_wrong_checksum_owes_nothing(rtu_server: RtuServer, clock: HandClock) -> None:
    rtu_server.script = [lambda asked: rtu(asked.unit, registers(3, 1, 2))[:-1] + b"\0"]
    line = rtu_link(rtu_server.path, clock)
    with pytest.raises(NoReply, match="checksum"):
        await line.exchange(READ)

    assert line.ready_ns(1) <= clock.now_ns()
    await line.close()


async def test_one_late_answer_is_counted_once_whatever_else_is_said(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    await line.exchange(READ)
    for byte in range(3):
        line._hear(bytes([byte]))
    assert 0 == line.stats["late_count"], "the answer was not late, and bytes of others are none"

    line._hear(rtu(1, registers(3, 3, 4)))
    for byte in range(3):
        line._hear(bytes([byte]))
    assert 1 == line.stats["late_count"]
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


async def test_what_came_before_a_request_is_not_its_answer_and_breaks_the_silence(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    await line.open()
    await asyncio.sleep(line.quiet_s)
    rtu_server.send(rtu(1, registers(3, 9, 9)))

    assert Answer((3, 4)) == await line.exchange(READ)
    assert rtu_server.silences_s[0] >= line.quiet_s
    await line.close()


async def test_half_an_answer_to_an_older_question_does_not_keep_the_next_one_from_being_asked(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    await line.exchange(READ)
    waiting = asyncio.create_task(line.exchange(OTHER))
    await asyncio.sleep(0)
    rtu_server.send(rtu(1, registers(3, 3, 4))[:4])

    assert Answer((3, 4)) == await waiting
    assert 0 == line.stats["timeouts_count"]
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
    for _ in range(2):  # the loop calls as long as it is readable
        line._readable()
    assert gone is not None
    asyncio.get_running_loop().remove_reader(gone.fileno())
    gone.close()

    assert not line.is_connected
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_bytes_that_were_taken_between_the_loops_wake_up_and_its_call_lose_no_port(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    await line.exchange(READ)
    for _ in range(3):
        rtu_server.write(b"\xff")
        line._look()  # an alarm of the same turn of the loop
        line._readable()

    assert line.is_connected
    assert Answer((3, 4)) == await line.exchange(READ)
    assert 1 == line.stats["connects_count"]
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


async def test_a_port_that_cannot_be_opened_leaves_nothing_open(tmp_path: Path, clock: HandClock) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    line = rtu_link(str(tmp_path / "ttyS9"), clock)
    before = open_files()
    for _ in range(3):
        with pytest.raises(LinkLost):
            await line.exchange(READ)
    assert before == open_files()


async def test_a_line_without_a_timer_is_lost_and_gives_its_port_back(
    rtu_server: RtuServer, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock)
    with monkeypatch.context() as patch:
        patch.setattr("quartier_drivers.modbus.wire.serial_line.PreciseTimer", fail)
        with pytest.raises(LinkLost, match="Too many open files"):
            await line.open()
    assert Answer((3, 4)) == await line.exchange(READ)
    await line.close()


async def test_a_unit_that_stays_silent_costs_the_others_little_and_one_that_came_back_slow_is_found(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    dead = make_read(2, "holding", 10, 2)
    rtu_server.script = [rtu_says(3, 4)]
    line = rtu_link(rtu_server.path, clock, retries_count=3, timeout_s=0.4)
    await line.exchange(READ)
    rtu_server.script = [silence]
    waits_s = []
    for _ in range(4):
        line._owing_s.clear()  # the bus waits for what is owed by asking others
        with pytest.raises(NoReply):
            await line.exchange(dead, probes=True)
        waits_s.append(line._wait_s)

    assert [0.4, 0.4, 0.1, 0.4] == waits_s, (
        "twice the whole time before it is set aside, then each fourth time"
    )
    assert 0 == line.stats["retries_count"]
    assert 5 == line.stats["requests_count"]
    await line.close()


async def test_where_nobody_answers_a_silent_unit_is_given_all_its_time(
    rtu_server: RtuServer, clock: HandClock
) -> None:
    rtu_server.script = [silence]
    line = rtu_link(rtu_server.path, clock, timeout_s=0.02)
    for _ in range(5):
        line._owing_s.clear()
        with pytest.raises(NoReply):
            await line.exchange(READ, probes=True)
        assert 0.02 == line._wait_s
    await line.close()
