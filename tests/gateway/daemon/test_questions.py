"""The desk's answers about the whole gateway, as a running daemon gives them."""

from types import SimpleNamespace

import pytest

from quartier.daemon.questions import NamedQuestions
from quartier.daemon.reports.write_ledger import WriteLedger
from quartier_drivers.contract import Command, Origin


@pytest.mark.daemon
async def test_every_question_is_answered_and_the_status_counts_alarms(house):
    gateway, _ = house
    gateway.rate = 10.0
    await gateway.start()
    status = await gateway.until(lambda status: status["control"]["grid"]["state"] == "good")
    points, loss_rows, fallbacks, alarms = [
        await gateway.ask(what) for what in ("points", "ladder", "fallbacks", "alarms")
    ]

    assert {"active_count", "unacknowledged_count", "newest"} == set(status["alarms"])
    assert {"utc_ms", "zone", "active_count", "unacknowledged_count", "alarms"} == set(alarms)
    codes = {row["code"] for row in alarms["alarms"]}
    assert "loss.bus_down" not in codes, "a bus that is opened for the first time is not down"
    assert "grid.power_w" in {point["point"] for point in points}
    assert "grid-meter-lost" in {row["name"] for row in loss_rows["rows"]}
    assert ["bat1", "boiler"] == sorted(row["asset"] for row in fallbacks)
    assert gateway.process.pid == status["gateway"]["pid"]


VIEW = {
    "mode": "AUTONOMOUS",
    "why": "alone",
    "mode_age_s": 1.0,
    "assets": {"bat1": {"power_w": 5.0}},
    "caps": {},
}


def replies(yard):
    pages = SimpleNamespace(boot=7, write_down=lambda _entry, _now: None)
    turn = SimpleNamespace(view=VIEW, ledger=WriteLedger(pages), needs=lambda _: [], until_ms=lambda _: None)
    return NamedQuestions(lambda now: {"utc_ms": now.utc_ms}, turn, yard.fleet, yard.image, yard.clock)


async def test_what_is_there_is_told_with_the_run_and_its_mode(yard):
    async with yard() as (found, _):
        await found.follow()
        asked = replies(found)

        for kind, name in (("bus", "lan"), ("device", "gx"), ("asset", "bat1")):
            told = asked.about[kind](name)
            assert name == told[kind]["name"]
            assert {"mode": "AUTONOMOUS", "why": "alone", "mode_age_s": 1.0} == told["control"]
            assert {"utc_ms"} == set(told["gateway"])
        assert ([], None, []) == tuple(told["asset"][key] for key in ("needs", "until_ms", "ledger"))
        assert {point["point"].split(".")[0] for point in asked.about["points"]("bat1")} == {"bat1"}


@pytest.mark.parametrize(("code", "until_ms"), [("hand.orders", 9_000_000), ("cap.import", 5_000_000)])
async def test_an_order_by_hand_that_was_prolonged_tells_its_new_end_before_the_next_write(
    yard, code, until_ms
):
    cause = {"code": "hand.orders", "values": {"person": "anna"}}
    async with yard() as (found, _):
        await found.follow()
        asked = replies(found)
        asked._control_loop.view = VIEW | {
            "assets": {"bat1": {"override": cause | {"until_utc_ms": 9_000_000}}}
        }
        now = found.clock.now()
        who = Origin("person", "anna", "1000")
        command = Command(
            "bat1.setpoint_w", 1e3, now.ns + 10**10, "", who, 5_000_000, cause=cause | {"code": code}
        )
        asked._control_loop.ledger.record_orders([command], found.image.freeze(now.ns), now)

        assert until_ms == asked.about["asset"]("bat1")["asset"]["until_ms"]


async def test_what_is_not_there_is_none(yard):
    async with yard() as (found, _):
        await found.follow()

        assert [None] * 5 == [answer("nobody") for answer in replies(found).about.values()]
