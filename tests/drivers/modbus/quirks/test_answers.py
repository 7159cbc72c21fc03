"""What is wrong in an answer is said, and is no answer."""

import pytest
from tests.drivers.modbus.quirks.conftest import Ours, Serve, asked, recovered, right

from quartier_drivers.modbus.frames import Answer, make_read, make_write

READ = make_read(1, "holding", 10, 2)
OTHER = make_read(1, "holding", 20, 2)


@pytest.mark.parametrize(
    ("name", "wire", "said"),
    [
        ("wrong-function", "tcp", "function 4, expected 3"),
        ("wrong-function", "rtu", "function 4, expected 3"),
        ("wrong-unit", "tcp", "unit 2, expected 1"),
        ("wrong-unit", "rtu", "unit 1 is silent"),
        ("short-answer", "tcp", "4 bytes, expected 6"),
        ("short-answer", "rtu", "4 bytes, expected 6"),
        ("long-answer", "tcp", "8 bytes, expected 6"),
        ("long-answer", "rtu", "8 bytes, expected 6"),
        ("lying-count", "tcp", "6 bytes of data, expected 4"),
        ("lying-count", "rtu", "unit 1"),
        ("cut-answer", "tcp", "unit 1 is silent"),
        ("cut-answer", "rtu", "unit 1 is silent"),
        ("wrong-checksum", "rtu", "a wrong checksum"),
        ("old-number", "tcp", "unit 1 is silent"),
        ("silence", "tcp", "unit 1 is silent"),
        ("silence", "rtu", "unit 1 is silent"),
        ("busy", "tcp", "device busy"),
        ("busy", "rtu", "device busy"),
        ("acknowledges", "tcp", "acknowledge"),
        ("acknowledges", "rtu", "acknowledge"),
    ],
)
async def test_a_wrong_answer_is_no_answer_and_says_why(
    name: str, wire: str, said: str, served: Serve, line_to: Ours
) -> None:
    server = await served(wire, name, left=1)
    line = line_to(server)

    answer = await asked(line, READ)

    assert isinstance(answer, str)
    assert said in answer
    assert await recovered(line, OTHER)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_device_that_fails_says_so_and_is_not_silent(wire: str, served: Serve, line_to: Ours) -> None:
    line = line_to(await served(wire, "fails"), timeout_s=5.0)

    assert Answer(exception=4) == await asked(line, READ)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
@pytest.mark.parametrize("name", ["busy", "acknowledges"])
async def test_a_busy_device_is_asked_again_a_little_later(
    name: str, wire: str, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, name, left=1), timeout_s=5.0, retries_count=1)

    assert Answer(right(READ)) == await asked(line, READ)
    assert 1 == line.stats["retries_count"]


@pytest.mark.parametrize("wire", ["tcp", "rtu", "tunnel"])
async def test_an_answer_said_twice_answers_one_question(wire: str, served: Serve, line_to: Ours) -> None:
    line = line_to(await served(wire, "twice"), timeout_s=5.0)

    for step in range(10):
        question = make_read(1, "holding", 3 * step, 2)
        assert Answer(right(question)) == await asked(line, question)


@pytest.mark.parametrize("wire", ["tcp", "rtu", "tunnel"])
async def test_an_answer_said_again_while_the_next_is_awaited_is_none_to_it(
    wire: str, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, "twice-late"), timeout_s=5.0)

    for step in range(10):
        question = make_read(1, "holding", 3 * step, 2)
        assert Answer(right(question)) == await asked(line, question)
    assert 8 <= line.stats["late_count"]


async def test_two_blocks_that_hold_the_same_are_both_read(served: Serve, line_to: Ours) -> None:
    server = await served("rtu")
    server.units[1].put("holding", 0, [0] * 20)
    line = line_to(server, timeout_s=5.0)

    for step in range(8):
        assert Answer((0, 0)) == await asked(line, make_read(1, "holding", 5 * (step % 2), 2))
    assert 0 == line.stats["late_count"]


async def test_noise_in_front_of_an_answer_does_not_hide_it(served: Serve, line_to: Ours) -> None:
    line = line_to(await served("rtu", "noise"))

    assert await recovered(line, READ)
    assert await recovered(line, OTHER)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 15, 16, 17])
async def test_coils_are_unpacked_whatever_stands_behind_the_last(
    wire: str, count: int, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, "dirty-padding"), timeout_s=5.0)
    question = make_read(1, "coil", 5, count)

    assert Answer(right(question)) == await asked(line, question)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
@pytest.mark.parametrize("coils", [(1,), (1, 0, 1, 1, 0, 0, 0, 1, 1), (0,) * 8, (1,) * 17])
async def test_coils_are_packed_as_they_are_read(
    wire: str, coils: tuple[int, ...], served: Serve, line_to: Ours
) -> None:
    server = await served(wire)
    line = line_to(server, timeout_s=5.0)
    await line.exchange(make_write(1, "coil", 30, coils))

    assert Answer(coils) == await asked(line, make_read(1, "coil", 30, len(coils)))
    assert list(coils) == server.units[1].get("coil", 30, len(coils))


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_gateway_that_answers_for_absent_units_speaks_for_them_alone(
    wire: str, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, "absent-answered"), timeout_s=5.0)

    assert Answer(exception=11) == await asked(line, make_read(9, "holding", 0, 2))
    assert Answer(right(READ)) == await asked(line, READ)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_write_that_a_gateway_could_not_deliver_is_unknown_not_refused(
    wire: str, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, "target-silent"), timeout_s=5.0)

    assert Answer(exception=11) == await asked(line, READ)
    answer = await asked(line, make_write(1, "holding", 3, (5,)))
    assert "gateway target failed to respond" in str(answer)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_device_that_answers_to_every_unit_answers_as_the_one_that_was_asked(
    wire: str, served: Serve, line_to: Ours
) -> None:
    line = line_to(await served(wire, "every-unit"), timeout_s=5.0)

    for unit in (1, 77, 247):
        question = make_read(unit, "holding", unit, 2)
        assert Answer(right(question)) == await asked(line, question)
