"""A whole site is armed bus by bus; what does not answer is named, the others go on."""

import pytest

from quartier.commissioning.service import arming
from quartier.config import loading
from quartier.runtime.bus.fallback_monitor import KnownFallbacks
from quartier.runtime.clock import SiteClock
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

VIRTUAL_TIME = True

SITE = """\
site = {{ id = "b012", district = "issy" }}
limits = {{ contract_import_w = 12000 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {gx}, timeout_s = 2.0, retries_count = 0 }}
buses.board = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {board}, timeout_s = 2.0, retries_count = 0 }}
devices.gx = {{ bus = "lan", profile = "victron/gx", unit = 227 }}
devices.relays = {{ bus = "board", profile = "waveshare/relay8", unit = 3 }}
assets.grid = {{ role = "grid", device = "gx", part = "grid" }}
assets.bat1 = {{ role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }}
assets.boiler = {{ role = "load", device = "relays", part = "relay1", tier = "C", rated_w = 2000 }}
assets.lamp = {{ role = "load", device = "relays", part = "relay2", tier = "A", rated_w = 100 }}
"""


@pytest.fixture
async def armed(tmp_path):
    """``await armed()``: (rows by point, what was said); ``armed(fault=…)`` on the inverter."""
    gx, relays = catalog.make_device("victron/gx"), catalog.make_device("waveshare/relay8", unit=3)
    async with await serve_tcp(gx) as lan, await serve_tcp(relays) as board:
        path = tmp_path / "site.toml"
        path.write_text(SITE.format(gx=lan.port, board=board.port), encoding="utf-8")

        async def arms(fault=None):
            if fault is not None:
                gx.fault(fault)
            said, known, clock = [], KnownFallbacks(), SiteClock()
            site = arming.make_armable_site(loading.load_site_leniently(path), clock)
            rows = await arming.arm_site(site, known, clock, said.append, writes=True)
            return {row["point"]: row for row in rows}, said, known

        yield arms


async def test_every_output_of_the_site_has_a_row_and_only_those_with_a_fallback_are_asked(armed):
    rows, said, known = await armed()

    assert ["bat1.setpoint_w", "boiler.relay_on", "lamp.relay_on"] == list(rows)
    assert [True, True, False] == [row["used"] for row in rows.values()]
    assert ["1/1 gx on lan: answers; its manual states the fallback, and the device does not show it"] == said
    assert known.of("bat1.setpoint_w").is_as_declared


async def test_a_silent_device_is_named_in_its_rows(armed):
    rows, said, known = await armed("silent")

    assert ["no answer", "none", "none"] == [row["state"] for row in rows.values()]
    assert said[0].startswith("1/1 gx on lan: no answer: ")
    assert known.of("bat1.setpoint_w") is None


@pytest.mark.parametrize(
    ("row", "well"),
    [
        ({"state": "verified"}, True),
        ({"state": "armed"}, True),
        ({"state": "declared"}, True),
        ({"state": "different"}, False),
        ({"state": "no answer"}, False),
        ({"state": "unseen"}, False),
        ({"state": "none", "used": True, "accepted": None}, False),
        ({"state": "none", "used": True, "accepted": "it harms nobody"}, True),
        ({"state": "none", "used": False, "accepted": None}, True),
    ],
)
def test_nothing_is_left_to_do_where_all_is_as_declared_or_accepted(row, well):
    assert well is arming.is_settled(row)
