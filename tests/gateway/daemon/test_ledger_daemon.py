"""The ledger of a daemon on real wires: an ordinary day, a device that refuses or ignores, a kill."""

import asyncio
import contextlib
import json
import signal

import pytest
from tests.gateway.daemon.conftest import lit

from quartier.cli.rendering import ledger_text
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.ledger import load_entry
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, Refusal

DEADLINE_S = 150.0

pytestmark = pytest.mark.daemon


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

    async def live(self, asset):
        """The daemon's own rows, which cost it little."""
        with contextlib.suppress(NoDaemon):
            told = await asyncio.to_thread(ask, self.gateway.runtime_dir, "asset", asset)
            return [
                ledger_text.render_entry(load_entry(row))
                for row in (told or {"asset": {"ledger": ()}})["asset"]["ledger"]
            ]
        return []

    async def until(self, asset, condition, meanwhile=lambda: None):
        """Wait until a row holds, doing something at each look; then the answer that a person gets."""
        async with asyncio.timeout(DEADLINE_S):  # only ends a test that has failed
            while not any(map(condition, await self.live(asset))):
                meanwhile()
                await asyncio.sleep(0.1)
        return await self.rows(asset)


def steered(status):
    return status["written"].get("bat1.setpoint_w", {}).get("verdict") == "done"


CONTACT = """\
devices.inputs = { bus = "board", profile = "waveshare/io8", unit = 4 }
contacts.dso1 = { device = "inputs", part = "in1", acts = "closed", import_max_w = 1000 }
"""


def ignore(*_):
    """Accept a write and do nothing."""


async def shed_by_contact(gateway, devices, book, before=lambda: None):
    """Start with a boiler that runs; then the grid operator's contact caps what the house may import."""
    gateway.config.write_text(gateway.config.read_text() + CONTACT)
    lit(devices)
    devices["gx"].publish({"battery.soc_pct": 20.0})  # nothing to give: the boiler has to go
    await gateway.start()
    devices["gx"].publish({"grid.power_w": 300.0})
    await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))
    before()
    devices["gx"].publish({"grid.power_w": 1800.0})
    devices["inputs"].publish({"in1.input_on": 1.0})


async def test_a_daemon_tells_who_ordered_what_and_a_killed_one_tells_it_still(house):
    gateway, _ = house
    gateway.rate = 12.0  # a load is restored minutes after a start
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
    assert "its present state is not known" in " ".join((await book.why("bat1")).split())


async def test_a_device_that_takes_an_order_and_does_not_follow_is_told_as_refused(house):
    gateway, devices = house
    book = Book(gateway)
    await shed_by_contact(
        gateway, devices, book, lambda: setattr(devices["relays"].units[3], "accept", ignore)
    )
    told = await book.until("boiler", lambda row: row["outcome"] == "refused")

    deaf = next(row for row in told if row["fault"] == "the device holds 1")
    assert (0.0, 1.0) == (deaf["value"], deaf["shown"])
    assert "refused" in {deaf["outcome"], *deaf["fates"]}


async def test_a_write_that_the_device_refuses_is_told_with_its_words(house):
    gateway, devices = house
    book = Book(gateway)

    def refuse(*_):
        raise Refusal(ILLEGAL_ADDRESS)

    devices["relays"].units[3].accept = refuse
    await gateway.start()
    told = await book.until("boiler", lambda row: row["outcome"] == "refused")

    refused = next(row for row in told if "illegal data address" in row["fault"])
    assert "refused" in {refused["outcome"], *refused["fates"]}
    assert refused["writes"] == 0


async def test_sigterm_is_the_last_row_of_each_output(house):
    gateway, devices = house
    lit(devices)
    book = Book(gateway)
    await gateway.start()
    await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))
    assert await gateway.stop() == 0

    last = (await book.rows("boiler"))[0]
    assert ("release", 0.0, "done") == (last["who"]["kind"], last["value"], last["outcome"])
    assert 0.0 == devices["relays"].orders()["relay1.relay_on"]
    assert "release" == (await book.rows("bat1"))[0]["who"]["kind"]


async def test_what_release_wrote_after_a_kill_is_told_before_and_after_the_next_start(house):
    gateway, devices = house
    lit(devices)
    book = Book(gateway)
    await gateway.start()
    await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))
    await gateway.stop(signal.SIGKILL)
    code, _, errors = await gateway.call("release", "--runtime-dir", str(gateway.runtime_dir))
    assert code == 0, errors

    last = (await book.rows("boiler"))[0]
    assert ("quartier release", 0.0, "done") == (last["who"]["name"], last["value"], last["outcome"])
    assert 0.0 == devices["relays"].orders()["relay1.relay_on"]

    await gateway.start()
    await gateway.until(steered)
    told = await book.rows("boiler")
    mine = [row for row in told if row["who"]["name"] == "quartier release"]
    assert [(last["utc_ms"], 0.0)] == [(row["utc_ms"], row["value"]) for row in mine]
    assert mine[0]["boot"] > 0
    assert not (gateway.runtime_dir / "released.jsonl").exists()


async def test_a_relay_that_somebody_switches_by_hand_is_told_as_somebody_else(house):
    gateway, devices = house
    lit(devices)
    book = Book(gateway)
    await gateway.start()
    await book.until("boiler", lambda row: (row["value"], row["outcome"]) == (1.0, "done"))

    def switch():  # again and again: a renewal may set it right before anybody reads it
        devices["relays"].units[3].put("coil", 0, [0])

    told = await book.until("boiler", lambda row: row["who"]["kind"] == "stranger", switch)

    found = next(row for row in told if row["who"]["kind"] == "stranger")
    assert (0.0, 1.0) == (found["value"], found["before"])
    await book.until("boiler", lambda row: row["before"] == 0.0 and row["number"] > found["number"])


async def test_a_cap_of_the_grid_operators_contact_is_behind_what_it_caused(house):
    gateway, devices = house
    book = Book(gateway)
    await shed_by_contact(gateway, devices, book)
    told = await book.until("boiler", lambda row: row["who"]["kind"] == "grid" and row["outcome"] == "done")

    shed = next(row for row in told if row["who"]["kind"] == "grid")
    assert ("contact dso1", 0.0, 1.0) == (shed["who"]["name"], shed["value"], shed["before"])
    assert "import cap 1000 W (contact dso1)" in shed["why"]
    screen = " ".join((await book.why("boiler")).split())
    assert "by the grid (contact dso1)" in screen
    # Which of them, the daemon's clock says: it goes on while the command starts.
    assert any(words in screen for words in ("not before its minimum pause", "comes back in its turn"))
