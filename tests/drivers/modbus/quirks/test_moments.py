"""When an answer comes, and when a device can hear at all."""

import pytest
from tests.drivers.modbus.quirks.conftest import Ours, Serve, asked, recovered, right

from quartier_drivers.modbus.frames import Answer, make_read, make_write

READ = make_read(1, "holding", 10, 2)
OTHER = make_read(1, "holding", 20, 2)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
@pytest.mark.parametrize("seconds", [0.3, 0.6])
async def test_a_late_answer_is_never_taken_for_the_next_requests(
    wire: str, seconds: float, served: Serve, line_to: Ours
) -> None:
    server = await served(wire, "late", seconds=seconds, left=1)
    line = line_to(server)

    assert "silent" in str(await asked(line, READ))
    assert await recovered(line, OTHER)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_byte_at_a_time_is_too_slow_to_be_right_and_never_wrong(
    wire: str, served: Serve, line_to: Ours
) -> None:
    # An answer takes longer than three time-outs: its end comes while another question is asked.
    server = await served(wire, "byte-by-byte", seconds=0.15, left=1)
    line = line_to(server, timeout_s=0.2)

    assert "silent" in str(await asked(line, READ))
    for step in range(8):
        question = make_read(1, "holding", 30 + 7 * step, 2)
        answer = await asked(line, question)
        assert isinstance(answer, str) or right(question) == answer.values
    assert await recovered(line, OTHER)


async def test_a_byte_at_a_time_is_heard_to_its_end_where_the_site_gives_it_time(
    served: Serve, line_to: Ours
) -> None:
    server = await served("tcp", "byte-by-byte", seconds=0.01)
    line = line_to(server, timeout_s=30.0)

    assert Answer(right(READ)) == await asked(line, READ)


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_device_that_is_deaf_after_a_write_is_given_its_pause(
    wire: str, served: Serve, line_to: Ours
) -> None:
    server = await served(wire, "write-pause")
    line = line_to(server, timeout_s=5.0)
    for step in range(3):
        await line.exchange(make_write(1, "holding", step, (7,)), pause_s=0.3)
        assert (7,) == (await line.exchange(make_read(1, "holding", step, 1))).values

    assert 0 == server.deaf_count


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_a_device_that_is_deaf_after_each_answer_is_given_its_pause(
    wire: str, served: Serve, line_to: Ours
) -> None:
    server = await served(wire, "frame-pause")
    line = line_to(server, timeout_s=5.0, pause_s=0.3)
    for question in (READ, OTHER, READ):
        assert Answer(right(question)) == await asked(line, question)

    assert 0 == server.deaf_count


@pytest.mark.parametrize(("name", "wire"), [("write-pause", "tcp"), ("frame-pause", "rtu")])
async def test_without_its_pause_it_would_be_deaf(name: str, wire: str, served: Serve, line_to: Ours) -> None:
    server = await served(wire, name, seconds=3600)
    line = line_to(server)
    await line.exchange(make_write(1, "holding", 0, (7,)))

    assert "silent" in str(await asked(line, READ))
    assert 1 == server.deaf_count
