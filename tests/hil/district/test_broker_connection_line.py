import asyncio
import time

import pytest

from quartier_district.broker_connection import BrokerConnection, ConnectionSettings
from quartier_district.signed_documents import SigningKey
from quartier_hil.processes.broker_process import BrokerProcess

WITHIN_REAL_S = 60.0


@pytest.mark.peer
async def test_what_is_said_is_signed_and_heard_and_each_change_of_the_link_is_told(tmp_path):
    broker = BrokerProcess(tmp_path, "iotcore")
    await broker.start()
    changes = asyncio.Queue()
    topics = [("quartier/v1/issy/+/ack", 1)]
    dial = ConnectionSettings(
        host="127.0.0.1",
        port=broker.port,
        client_id="issy.district",
        state="spBv1.0/STATE/district",
        topics=topics,
        key=SigningKey.fresh("k"),
        now_ms=lambda: time.time_ns() // 1_000_000,
    )
    line = BrokerConnection(dial, changes.put_nowait)
    line.open()
    try:
        async with asyncio.timeout(WITHIN_REAL_S):
            assert await changes.get() is True
            line.say("quartier/v1/issy/b001/ack", b"{}", qos=1, retain=False, expiry_s=60)
            assert ("quartier/v1/issy/b001/ack", b"{}") == await line.inbox.get()
            await broker.stop()
            assert await changes.get() is False
            assert not line.connected
    finally:
        line.close()
        await broker.stop()
