import asyncio

import pytest

from quartier_hil.processes.broker_process import BrokerProcess, find_mosquitto


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
async def test_a_broker_goes_and_comes_on_the_same_port(tmp_path, kind):
    if kind == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = BrokerProcess(tmp_path, kind)
    for _ in range(2):
        await broker.start()
        _, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.close()
        await broker.stop()
        assert not broker.child.alive


@pytest.mark.peer
async def test_a_broker_that_is_up_stays_when_it_is_started_and_one_that_is_gone_stays_away(tmp_path):
    broker = BrokerProcess(tmp_path, "iotcore")
    await broker.stop()
    await broker.start()
    first = broker.child.pid
    await broker.start()
    assert first == broker.child.pid
    for _ in range(2):
        await broker.stop()
        assert not broker.child.alive
