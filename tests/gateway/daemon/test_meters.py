"""A daemon with a Linky at its connection point: its real words on a pty, unplugged, plugged in, swapped."""

import asyncio
import contextlib
import os
import time
import tty

import pytest
from tests.gateway.daemon.conftest import DEADLINE_S, Gateway

from quartier.runtime import state_file
from quartier.runtime.local_socket.questions import NoDaemon

pytestmark = pytest.mark.daemon

SITE = """\
site = {{ id = "b012", district = "issy" }}
limits = {{ contract_import_w = 5400 }}
buses.tic0 = {{ kind = "tic", port = "{port}" }}
devices.linky = {{ bus = "tic0", profile = "enedis/linky_standard" }}
assets.grid = {{ role = "grid", device = "linky" }}
"""


class Linky:
    """Says what it is given, every now and then, while it is plugged in."""

    def __init__(self, path, words):
        self.path, self.words = path, words
        self._ends = None
        self._task = None

    def plug(self):
        self._ends = os.openpty()
        tty.setraw(self._ends[1])
        os.set_blocking(self._ends[0], False)
        self.path.symlink_to(os.ttyname(self._ends[1]))
        self._task = asyncio.create_task(self._talk())

    async def unplug(self):
        self._task.cancel()
        await asyncio.wait([self._task])
        self.path.unlink()
        for end in self._ends:
            os.close(end)

    async def _talk(self):
        while True:
            with contextlib.suppress(BlockingIOError):  # nobody listens
                os.write(self._ends[0], self.words)
            await asyncio.sleep(0.2)


def group(label, value):
    text = f"{label}\t{value}\t".encode()
    return b"\n" + text + bytes([(sum(text) & 0x3F) + 0x20]) + b"\r"


@pytest.fixture
async def house(tmp_path, shared):
    words = (shared / "tic" / "standard_base_1ph.bin").read_bytes()
    words = words.replace(b"\x03", group("URMS2", "000") + b"\x03")  # a phase that is not connected
    linky = Linky(tmp_path / "ttyLINKY", words)
    gateway = Gateway(tmp_path, SITE.format(port=linky.path), rate=1)
    linky.plug()
    yield gateway, linky
    if gateway.process is not None and gateway.process.returncode is None:
        gateway.process.kill()
        await gateway.process.wait()
    await linky.unplug()


async def points(gateway, condition):
    """The points once they fit; the deadline only ends a test that has failed."""
    end_s = time.monotonic() + DEADLINE_S
    found = {}
    while True:
        with contextlib.suppress(NoDaemon):  # it is starting
            found = {one["point"]: (one["value"], one["quality"]) for one in await gateway.ask("points")}
        if condition(found):
            return found
        assert time.monotonic() < end_s, (found, gateway.log()[-2000:])
        await asyncio.sleep(0.05)


def reads_well(found):
    return found.get("grid.energy_import_wh", (None, ""))[1] == "good"


async def test_a_linky_is_read_through_unplugging_and_its_swap_costs_no_energy(house):
    gateway, linky = house
    await gateway.start()
    status = await gateway.until(lambda s: s["buses"][0]["devices"][0]["state"] == "good")
    device = status["buses"][0]["devices"][0]
    assert ("Enedis", "012345678910") == (device["identity"]["maker"], device["identity"]["serial"])
    found = await points(gateway, reads_well)
    assert 3_519_702.0 == found["grid.energy_import_wh"][0]
    assert 263.0 == found["grid.apparent_power_va"][0]
    assert ((242.0, "good"), (None, "bad")) == (found["grid.voltage_l1_v"], found["grid.voltage_l2_v"])

    await linky.unplug()
    lost = await gateway.until(lambda s: not s["buses"][0]["online"])
    assert str(linky.path) in lost["buses"][0]["why"]
    linky.plug()
    await gateway.until(lambda s: s["buses"][0]["online"])
    await points(gateway, reads_well)
    assert 1 == gateway.log().count('"event": "bus.lost"')
    assert 1 == gateway.log().count('"event": "bus.back"')

    assert 0 == await gateway.stop()
    kept = state_file.load_facts(gateway.state_dir / "memory")["linky"]["kept"]
    assert ("012345678910", 3_519_702.0) == (
        kept["grid.energy_import_wh"]["meter"],
        kept["grid.energy_import_wh"]["raw"],
    )
    # While the gateway is off, the meter is swapped for a new one.
    linky.words = b"\x02" + group("ADSC", "999999999999") + group("EAST", "000000012") + b"\x03"
    await gateway.start()
    await points(gateway, lambda _: '"event": "counter.continued"' in gateway.log())
    assert 3_519_702.0 == (await points(gateway, reads_well))["grid.energy_import_wh"][0]
    assert 1 == gateway.log().count('"event": "counter.held"')


async def test_what_a_linky_capped_holds_after_a_restart_though_it_is_silent(house):
    gateway, linky = house
    await gateway.start()
    heard = await gateway.until(lambda s: s["control"]["supplies"]["grid"]["apparent_va"] is not None)
    subscribed_va = heard["control"]["supplies"]["grid"]["subscribed_va"]
    assert subscribed_va > 0
    assert 0 == await gateway.stop()

    linky.words = b""
    await gateway.start()
    again = await gateway.until(lambda s: s["control"]["supplies"])
    told = again["control"]["supplies"]["grid"]
    assert (subscribed_va, None) == (told["subscribed_va"], told["apparent_va"])
