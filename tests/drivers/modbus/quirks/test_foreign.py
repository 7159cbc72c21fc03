"""An RS-485 line that is not ours alone: what others say is never taken for ours."""

from tests.drivers.modbus.quirks.conftest import Ours, Serve, asked, right

from quartier_drivers.modbus.frame import Answer, read_request, write_request

QUESTIONS = [read_request(1, "holding", 10 * step, 4) for step in range(20)]


async def test_our_own_echo_is_not_an_answer(served: Serve, line_to: Ours) -> None:
    line = line_to(await served("rtu", "echo"), retries_count=0)

    for question in QUESTIONS:
        assert Answer(right(question)) == await asked(line, question)
    assert (7,) == (await line.exchange(write_request(1, "holding", 3, (7,)))).values
