import asyncio

import pytest

from quartier_hil.stage.broker import Broker, mosquitto


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
async def test_a_broker_goes_and_comes_on_the_same_port(tmp_path, kind):
    if kind == "mosquitto" and mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = Broker(tmp_path, kind)
    for _ in range(2):
        await broker.start()
        _, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.close()
        await broker.stop()
        assert not broker.child.alive
