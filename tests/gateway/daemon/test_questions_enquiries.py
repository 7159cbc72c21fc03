"""The desk's answers about the whole gateway, as a running daemon gives them."""

import pytest


@pytest.mark.daemon
async def test_every_question_is_answered_and_the_status_counts_alarms(house):
    gateway, _ = house
    gateway.rate = 10.0
    await gateway.start()
    status = await gateway.until(lambda status: status["control"]["grid"]["state"] == "good")
    points, ladder, fallbacks, alarms = [
        await gateway.ask(what) for what in ("points", "ladder", "fallbacks", "alarms")
    ]

    assert {"active_count", "unacknowledged_count", "newest"} == set(status["alarms"])
    assert {"utc_ms", "zone", "active_count", "unacknowledged_count", "alarms"} == set(alarms)
    codes = {row["code"] for row in alarms["alarms"]}
    assert "loss.bus_down" not in codes, "a bus that is opened for the first time is not down"
    assert "grid.power_w" in {point["point"] for point in points}
    assert "grid-meter-lost" in {row["name"] for row in ladder["rows"]}
    assert ["bat1", "boiler"] == sorted(row["asset"] for row in fallbacks)
    assert gateway.process.pid == status["gateway"]["pid"]
