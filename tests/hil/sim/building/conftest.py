"""A building that is served in the test's own process, on real sockets and ptys."""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from quartier_sim.building import device_assignment, site_file
from quartier_sim.building.building_server import TABLE_FILE, BuildingServer, ServerOptions
from quartier_sim.building.command_handler import CommandHandler
from quartier_sim.building.control_protocol import SOCKET_NAME
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.site_clock import RigClock

START = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC)
SHOP = """
[site]
id = "shop"
district = "issy"

[buses.rs485]
kind = "modbus-rtu"
port = "usb:A50285BI"

[buses.lan]
kind = "modbus-tcp"
host = "192.168.1.20"

[buses.charger_net]
kind = "modbus-tcp"
host = "192.168.1.30"

[buses.tic]
kind = "tic"
port = "usb:DA3X"

[devices.meter]
bus = "rs485"
profile = "eastron/sdm630"
unit = 1

[devices.relays]
bus = "rs485"
profile = "waveshare/relay8"
unit = 3

[devices.inputs]
bus = "rs485"
profile = "waveshare/io8"
unit = 4

[devices.pac]
bus = "rs485"
profile = "solaredge/meter"
unit = 9

[devices.storage]
bus = "lan"
profile = "sunspec/battery"

[devices.solar]
bus = "lan"
profile = "sunspec/pv"
unit = 2

[devices.charger]
bus = "charger_net"
profile = "keba/p30"
unit = 255

[devices.linky]
bus = "tic"
profile = "enedis/linky_standard"

[assets.grid]
role = "grid"
device = "meter"

[assets.bat1]
role = "battery"
device = "storage"
rated_w = 5000
capacity_wh = 10000

[assets.pv1]
role = "pv"
device = "solar"
rated_w = 6000

[assets.ev1]
role = "ev"
device = "charger"

[assets.boiler]
role = "load"
device = "pac"
rated_w = 2000
switch_device = "relays"
switch_part = "relay1"
tier = "C"
accept_no_fallback = "the board has no watchdog; the tank bears it"

[contacts.dso]
device = "inputs"
part = "in1"
import_max_w = 5000

[supplies.edf]
device = "linky"

[limits]
contract_import_w = 12000
contract_export_w = 6000
failsafe_import_w = 6000
autonomous_import_w = 12000
"""


class Building:
    """One that is served: ``lines`` is what it said, ``desk`` obeys."""

    def __init__(self, served: BuildingServer, lines: list[str], folder: Path) -> None:
        self.served, self.lines, self.folder = served, lines, folder
        self.desk = CommandHandler(served)

    def port(self, bus: str) -> int:
        """Of an endpoint on TCP or UDP."""
        return int(next(row.address for row in self.served.wires.rows if row.bus == bus).rpartition(":")[2])

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for it, step by step of the house."""
        async with asyncio.timeout(60):
            while not true():
                await self.served.wait_for_step()


@asynccontextmanager
async def serving(
    folder: Path, text: str = SHOP, *, rate: float = 1.0, **more: object
) -> AsyncIterator[Building]:
    """A site's building, steady: 800 W of load, 300 W of sun on each kW."""
    (folder / "site.toml").write_text(text)
    site = site_file.load_site(folder / "site.toml")
    lines: list[str] = []
    made: dict[str, object] = {
        "site": site,
        "assignment": device_assignment.assign_devices(site),
        "series": LoadSeries(base_w=(800.0,), solar_w_per_kw=(300.0,), origin="steady"),
        "clock": RigClock(time.time(), 0.0, rate),
        "start": START,
        "folder": folder / "devices",
        "port_base": 0,
        "say": lines.append,
    }
    served = BuildingServer(ServerOptions(**(made | more)))  # type: ignore[arg-type]  # each is of its kind
    task = asyncio.get_running_loop().create_task(served.perform())
    try:
        async with asyncio.timeout(60):
            while not (folder / "devices" / TABLE_FILE).exists():
                if task.done():
                    await task
                await asyncio.sleep(0.01)
        yield Building(served, lines, folder / "devices")
    finally:
        served.end()
        await task
        assert not (folder / "devices" / SOCKET_NAME).exists()


@pytest.fixture
async def serve(tmp_path):
    """``await serve(text)``: the building, until the test is over."""
    async with AsyncExitStack() as stack:

        async def made(text: str = SHOP, **more: object) -> Building:
            return await stack.enter_async_context(serving(tmp_path, text, **more))

        yield made
