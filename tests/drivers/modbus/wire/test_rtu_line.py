"""What a line without numbers owes and doubts, whatever its wire; both wires have tests of their own."""

import asyncio

import pytest
from tests.drivers.modbus.conftest import HandClock, registers, rtu

from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.frames import Answer, Request, RtuAnswerSearch, make_read
from quartier_drivers.modbus.wire.rtu_line import RtuLine

FIRST, SECOND = make_read(1, "holding", 0, 1), make_read(1, "holding", 9, 1)


class Wire(RtuLine):
    """What it hears for each request is in ``answers``, by turns."""

    def __init__(self, clock: HandClock, *answers: bytes) -> None:
        super().__init__("wire", 0.05, 0, 0.0, clock)
        self.answers = list(answers)

    @property
    def is_connected(self) -> bool:
        return True

    async def _connect(self) -> None:
        """Nothing to connect."""

    def _disconnect(self) -> None:
        """Nor to disconnect."""

    def _size_s(self, request: Request) -> float:
        del request
        return 0.0

    async def _ask(self, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        owing_before_s = self._owing_s.get(request.unit, 0.0)
        self._expect(loop.time() + self._wait_s)
        self._answer_search = RtuAnswerSearch(request)
        self._expect_late_answer(request.unit, loop.time())
        loop.call_soon(self._hear, self.answers.pop(0))
        answer = await self._found(request)
        self._note_answer(request, answer, owing_before_s, 0.0)
        return answer


async def test_a_silent_unit_owes_an_answer_for_three_time_outs_and_no_other_unit_waits(
    clock: HandClock,
) -> None:
    line, begun_s = Wire(clock, b"", rtu(2, registers(3, 5))), asyncio.get_running_loop().time()
    with pytest.raises(NoReply):
        await line.exchange(FIRST)
    left_s = max(0.0, (line.ready_ns(1) - clock.now_ns()) / 1e9)

    assert 0.15 <= left_s + asyncio.get_running_loop().time() - begun_s, "since it was asked"
    assert left_s <= 0.1
    assert clock.now_ns() >= line.ready_ns(2)
    assert Answer((5,)) == await line.exchange(make_read(2, "holding", 0, 1))
    await line.close()


async def test_of_two_answers_in_one_breath_the_second_is_right_where_the_first_was_the_last_one_again(
    clock: HandClock,
) -> None:
    before = rtu(1, registers(3, 5))
    line = Wire(clock, before, before + rtu(1, registers(3, 6)))

    assert Answer((5,)) == await line.exchange(FIRST)
    assert Answer((6,)) == await line.exchange(SECOND)
    assert 1 == line.stats["late_count"]
    await line.close()


async def test_an_answer_in_doubt_is_right_where_nothing_comes_behind_it(clock: HandClock) -> None:
    line = Wire(clock, *[rtu(1, registers(3, 5))] * 2)

    assert Answer((5,)) == await line.exchange(FIRST)
    assert Answer((5,)) == await line.exchange(SECOND)
    assert 0 == line.stats["late_count"] == line.stats["timeouts_count"]
    await line.close()
