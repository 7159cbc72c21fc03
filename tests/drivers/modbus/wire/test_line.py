"""What every line does whatever its wire."""

import pytest
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.frames import Answer, Request, make_read, make_write
from quartier_drivers.modbus.wire.line import ModbusLine

READ = make_read(1, "holding", 0, 1)
WRITE = make_write(1, "holding", 0, (1,))


class Told(ModbusLine):
    """A line whose wire is a list of what happens."""

    def __init__(self, clock: HandClock, *happens: Answer | Exception, retries_count: int = 1) -> None:
        super().__init__("line", 1.0, retries_count, 0.5, clock)
        self.happens = list(happens)
        self.open_fails = False
        self.is_open = False
        self.asked: list[Request] = []

    @property
    def is_connected(self) -> bool:
        return self.is_open

    async def _connect(self) -> None:
        if self.open_fails:
            raise LinkLost("not there")
        self.is_open = True

    def _disconnect(self) -> None:
        self.is_open = False

    async def _ask(self, request: Request) -> Answer:
        self.asked.append(request)
        happens = self.happens.pop(0)
        if isinstance(happens, Exception):
            raise happens
        return happens

    async def _recover(self, request: Request, error: Exception) -> None:
        assert request in self.asked
        assert error


async def test_a_time_out_is_retried_for_a_read_and_never_for_a_write(clock: HandClock) -> None:
    line = Told(clock, TimeoutError(), Answer((7,)), TimeoutError())

    assert Answer((7,)) == await line.exchange(READ)
    with pytest.raises(NoReply):
        await line.exchange(WRITE)
    assert [READ, READ, WRITE] == line.asked
    assert (3, 1, 2) == tuple(line.stats[f"{name}_count"] for name in ("requests", "retries", "timeouts"))


async def test_the_last_failure_is_the_one_told(clock: HandClock) -> None:
    with pytest.raises(LinkLost, match="closed"):
        await Told(clock, TimeoutError(), LinkLost("closed")).exchange(READ)


async def test_a_bus_that_cannot_be_opened_is_not_tried_twice(clock: HandClock) -> None:
    line = Told(clock)
    line.open_fails = True

    with pytest.raises(LinkLost, match="not there"):
        await line.exchange(READ)
    assert [] == line.asked


async def test_a_busy_device_gets_a_moment_before_it_is_asked_again(clock: HandClock) -> None:
    line = Told(clock, Answer(exception=6), Answer((7,)))

    assert Answer((7,)) == await line.exchange(READ)
    assert 0.1 in clock.slept_s


async def test_an_exception_is_an_answer_and_counted(clock: HandClock) -> None:
    line = Told(clock, Answer(exception=2))

    assert Answer(exception=2) == await line.exchange(READ)
    assert 1 == line.stats["exceptions_count"]


async def test_the_line_pauses_for_all_and_the_unit_for_itself(clock: HandClock) -> None:
    line = Told(clock, Answer((7,)), Answer((7,)))
    await line.exchange(READ, pause_s=2.0)
    now_ns = clock.now_ns()

    assert now_ns + 500_000_000 == line.ready_ns(2)
    assert now_ns + 2_000_000_000 == line.ready_ns(1)
    await line.exchange(READ)
    assert clock.now_ns() == now_ns + 2_000_000_000


async def test_counters_grow_by_name(clock: HandClock) -> None:
    line = Told(clock)
    line.count("skipped_count", 3)
    line.count("skipped_count")

    assert 4 == line.stats["skipped_count"]


async def test_open_and_close_are_repeatable(clock: HandClock) -> None:
    line = Told(clock)
    for _ in range(2):
        await line.open()
        await line.open()
        assert line.is_connected
        await line.close()
    assert 2 == line.stats["connects_count"]
