"""TCP endpoints that are particular about connections."""

import pytest
from tests.drivers.modbus.quirks.conftest import Ours, Serve, asked, recovered, right

from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.frames import Answer, make_read, make_write
from quartier_sim.modbus.quirk_servers import QuirkyTcpServer

READ = make_read(1, "holding", 10, 2)


async def test_a_gateway_that_is_deaf_after_connecting_is_given_its_pause(
    served: Serve, line_to: Ours
) -> None:
    server = await served("tcp", "connect-pause")
    line = line_to(server, timeout_s=5.0, connect_pause_s=0.4)

    assert Answer(right(READ)) == await asked(line, READ)
    assert 0 == server.deaf_count


async def test_who_is_refused_as_the_second_client_is_told_so(served: Serve, line_to: Ours) -> None:
    server = await served("tcp", "single-refuses")
    first, second = line_to(server, timeout_s=5.0), line_to(server, timeout_s=5.0)
    assert Answer(right(READ)) == await asked(first, READ)

    assert "closed the connection" in str(await asked(second, READ))
    assert Answer(right(READ)) == await asked(first, READ)
    await first.close()
    assert await recovered(second, READ)


async def test_who_is_kicked_out_by_a_second_client_comes_back(served: Serve, line_to: Ours) -> None:
    server = await served("tcp", "single-kicks")
    first, second = line_to(server, timeout_s=5.0), line_to(server, timeout_s=5.0)
    assert Answer(right(READ)) == await asked(first, READ)
    assert Answer(right(READ)) == await asked(second, READ)

    assert await recovered(first, READ)


async def test_a_half_open_connection_is_given_up_for_a_new_one(served: Serve, line_to: Ours) -> None:
    server = await served("tcp", "half-open")
    line = line_to(server)
    assert Answer(right(READ)) == await asked(line, READ)

    assert await recovered(line, READ)
    assert isinstance(server, QuirkyTcpServer)
    assert 2 == server.connections_count


@pytest.mark.parametrize("retries_count", [0, 1])
async def test_an_endpoint_that_closes_after_each_answer_gets_a_connection_for_each_request(
    retries_count: int, served: Serve, line_to: Ours
) -> None:
    server = await served("tcp", "closes-after-answer")
    line = line_to(server, timeout_s=5.0, retries_count=retries_count)
    for _ in range(3):
        assert await recovered(line, READ)

    for value in (5, 6, 7):
        assert (value,) == (await line.exchange(make_write(1, "holding", 3, (value,)))).values
        assert (value,) == (await line.exchange(make_read(1, "holding", 3, 1))).values
    assert isinstance(server, QuirkyTcpServer)
    assert len(server.asked) <= server.connections_count


async def test_an_endpoint_that_hangs_up_before_a_word_is_a_lost_link_not_a_storm(
    served: Serve, line_to: Ours
) -> None:
    server = await served("tcp", "accepts-and-closes")
    line = line_to(server, timeout_s=5.0, retries_count=1)

    with pytest.raises(LinkLost, match="closed the connection"):
        await line.exchange(READ)
    assert isinstance(server, QuirkyTcpServer)
    assert server.connections_count <= 2
    server.left = 0
    assert await recovered(line, READ)
