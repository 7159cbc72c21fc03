"""An RS-485 line that is not ours alone: what others say is never taken for ours."""

import asyncio

import pytest
from tests.drivers.modbus.conftest import registers, rtu
from tests.drivers.modbus.quirks.conftest import BABBLE_S, SLOW, Ours, Serve, asked, right

from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_sim.modbus.quirk_servers import FOREIGN_WORD, QuirkyRtuSlave

QUESTIONS = [make_read(1, "holding", 10 * step, 4) for step in range(20)]


@pytest.mark.parametrize("name", ["foreign-master", "foreign-twin", "foreign-babble"])
async def test_what_others_say_is_never_taken_for_ours(name: str, served: Serve, line_to: Ours) -> None:
    line = line_to(
        await served("rtu", name, seconds=BABBLE_S.get(name)), retries_count=1, **SLOW.get(name, {})
    )

    for question in QUESTIONS:
        answer = await asked(line, question)
        assert isinstance(answer, str) or right(question) == answer.values
        assert isinstance(answer, str) or FOREIGN_WORD not in answer.values


@pytest.mark.parametrize("name", ["foreign-master", "foreign-twin"])
async def test_beside_another_master_we_wait_for_our_turn_and_lose_little(
    name: str, served: Serve, line_to: Ours
) -> None:
    server = await served("rtu", name)
    line = line_to(server, timeout_s=0.5, retries_count=3)
    answers = [await asked(line, question) for question in QUESTIONS]

    assert [Answer(right(question)) for question in QUESTIONS] == answers
    assert isinstance(server, QuirkyRtuSlave)
    # Two masters may begin at the same moment; who waits for the other does not do so often.
    assert server.collisions_count <= len(QUESTIONS) / 4
    assert line.stats["foreign_count"] >= len(QUESTIONS) - 1 - server.collisions_count


async def test_our_own_echo_is_not_an_answer(served: Serve, line_to: Ours) -> None:
    line = line_to(await served("rtu", "echo"), retries_count=0)

    for question in QUESTIONS:
        assert Answer(right(question)) == await asked(line, question)
    assert (7,) == (await line.exchange(make_write(1, "holding", 3, (7,)))).values


async def test_our_own_echo_does_not_acknowledge_a_write_that_nobody_heard(
    served: Serve, line_to: Ours
) -> None:
    line = line_to(await served("rtu", "echo"), retries_count=0)
    assert Answer(right(QUESTIONS[0])) == await asked(line, QUESTIONS[0])

    assert "unit 9 is silent" in str(await asked(line, make_write(9, "holding", 3, (7,))))


async def test_the_answer_to_another_that_comes_after_our_time_out_is_not_ours(
    served: Serve, line_to: Ours
) -> None:
    # Its slave is slower than our time-out: what we ask next is not asked into its answer.
    server = await served("rtu", "silence")
    assert isinstance(server, QuirkyRtuSlave)
    line = line_to(server, timeout_s=0.2, retries_count=2)
    loop = asyncio.get_running_loop()
    theirs = rtu(1, bytes.fromhex("03 3300 0004"))
    loop.call_later(0.1, server._say, theirs)
    loop.call_later(0.25, server._say, rtu(1, registers(3, *[FOREIGN_WORD] * 4)))

    assert "silent" in str(await asked(line, QUESTIONS[1]))
