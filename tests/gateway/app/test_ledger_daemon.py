"""The ledger of a daemon on real wires: an ordinary day, a device that refuses or ignores, a kill."""

import asyncio
import json
import signal
import time

import pytest

from quartier_hil.devices.unit import ILLEGAL_ADDRESS, Refusal

pytestmark = pytest.mark.scenario

DEADLINE_S = 60.0


class Book:
    """``quartier why`` of one gateway, as a person calls it."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.places = (
            *("--config", str(gateway.config)),
            *("--runtime-dir", str(gateway.runtime_dir), "--state-dir", str(gateway.state_dir)),
        )

    async def why(self, asset, *words):
        code, output, errors = await self.gateway.call("why", asset, *words, *self.places)
        assert code == 0, errors
        return output

    async def rows(self, asset):
        return json.loads(await self.why(asset, "--json", "--all"))["rows"]

    async def until(self, asset, condition):
        end_s = time.monotonic() + DEADLINE_S  # only ends a test that has failed
        while not any(map(condition, rows := await self.rows(asset))):
            assert time.monotonic() < end_s, rows
            await asyncio.sleep(0.01)
        return rows


def steered(status):
    return status["written"].get("bat1.setpoint_w", {}).get("verdict") == "done"


async def test_a_daemon_tells_who_ordered_what_and_a_killed_one_tells_it_still(house):
    gateway, _ = house
    book = Book(gateway)
    await gateway.start()
    await gateway.until(steered)
    boiler = await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))
    restored = next(row for row in boiler if row["who"]["name"] == "restore" and row["value"] == 1.0)
    assert ("rule", 0.0, 1) == (restored["who"]["kind"], restored["before"], restored["writes"])
    battery = [row for row in await book.rows("bat1") if row["who"]["name"] == "self-consumption"]
    assert any(row["count"] >= row["writes"] > 0 for row in battery)
    told = await book.why("boiler")
    assert "restored: below the cap by 10 % for 120 s" in " ".join(told.split())

    await gateway.stop(signal.SIGKILL)
    left = {(row["boot"], row["number"]): row for row in await book.rows("boiler")}
    assert all(left[row["boot"], row["number"]]["value"] == row["value"] for row in boiler)
    assert all(left[row["boot"], row["number"]]["why"] == row["why"] for row in boiler)
    assert "pending" not in {row["outcome"] for row in left.values()}
    assert "no daemon says how it stands now" in " ".join((await book.why("bat1")).split())


async def test_a_device_that_takes_an_order_and_does_not_follow_is_told_as_refused(house):
    gateway, devices = house
    book = Book(gateway)
    devices["relays"].units[3].accept = lambda *_: None
    await gateway.start()
    rows = await book.until("boiler", lambda row: row["outcome"] == "refused")

    deaf = next(row for row in rows if row["outcome"] == "refused")
    assert (1.0, 0.0, "the device holds 0") == (deaf["value"], deaf["shown"], deaf["note"])
    assert "refused" in await book.why("boiler")


async def test_a_write_that_the_device_refuses_is_told_with_its_words(house):
    gateway, devices = house
    book = Book(gateway)

    def refuse(*_):
        raise Refusal(ILLEGAL_ADDRESS)

    devices["relays"].units[3].accept = refuse
    await gateway.start()
    rows = await book.until("boiler", lambda row: row["outcome"] == "refused")

    refused = next(row for row in rows if row["outcome"] == "refused")
    assert ("illegal data address" in refused["note"], 0) == (True, refused["writes"])


async def test_sigterm_is_the_last_row_of_each_output(house):
    gateway, devices = house
    book = Book(gateway)
    await gateway.start()
    await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))
    assert await gateway.stop() == 0

    last = (await book.rows("boiler"))[0]
    assert ("release", 0.0, "done") == (last["who"]["kind"], last["value"], last["outcome"])
    assert 0.0 == devices["relays"].orders()["relay1.relay_on"]
    assert "release" == (await book.rows("bat1"))[0]["who"]["kind"]
