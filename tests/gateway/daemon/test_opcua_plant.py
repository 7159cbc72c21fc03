"""The rig's heat substation behind an OPC UA server of its own, and a daemon that reads and orders it."""

import asyncio
import contextlib
import os
import time

import pytest
from tests.gateway import forked
from tests.gateway.daemon.street import Street

from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier_hil.scenario.site import SiteSpec

pytestmark = pytest.mark.daemon
RATE = 5.0
PATIENCE_S = 120.0  # only ends a test that has failed
# As the plant has it; its server shows kW.
SHOWN = {"power_w": 1_620.0, "heat_w": 60_500.0, "supply_c": 11.5, "flow_m3_per_h": 18.5, "valve_pct": 75.0}
HOUSE = SiteSpec.model_validate(
    {"assets": [{"kind": "substation", "name": "loop1", "rated_w": 3_000, "protocol": "opcua"}]}
)


@pytest.fixture
async def street(tmp_path):
    async with Street(tmp_path, RATE, house=HOUSE) as made:
        yield made


@contextlib.asynccontextmanager
async def running(street):
    """The daemon; ``await point(name)`` is what it tells of a point, once it has read it."""
    process = street.start("run", "--config", str(street.config), "--log", "json")
    said = asyncio.create_task(process.communicate())
    until_s = time.monotonic() + PATIENCE_S

    async def point(name, condition=lambda told: told["quality"] == "good"):
        while True:
            assert process.returncode is None, (await said)[1].decode()[-2000:]
            with contextlib.suppress(NoDaemon):
                points = await asyncio.to_thread(ask, street.folder / "run", "points")
                told = next((one for one in points if one["point"] == name), None)
                if told is not None and condition(told):
                    return told
            assert time.monotonic() < until_s, f"{name} never came"
            await asyncio.sleep(0.05)

    try:
        yield point
    finally:
        if process.returncode is None:
            process.kill()
        await said


async def by_hand(street, *words):
    """``quartier override``: its exit code."""
    places = ("--runtime-dir", str(street.folder / "run"))
    code, _, _ = await forked.run(("override", *words, *places), os.environ, PATIENCE_S)
    return code


async def test_a_plant_is_read_in_house_units_and_an_order_reaches_it_with_a_lease(street):
    station = street.wiring.devices["loop1_box"]
    station.publish(SHOWN)
    async with running(street) as point:
        told = {name: (await point(f"loop1.{name}"))["value"] for name in SHOWN}
        assert told == pytest.approx(SHOWN)

        code = await by_hand(street, "loop1", "60", "--for", "10min")
        assert 0 == code
        await point("loop1.pump_pct", lambda told: told["value"] == 60.0)
        assert ({"pump_pct": 60.0, "setpoint_shift_k": 0.0}, 600.0) == (
            station.orders(),
            station.held["Lease"],
        )

    # The daemon was killed: nobody repeats the order, and the plant takes it back.
    station.tick(station.now_s + 600.0)
    assert 100.0 == station.orders()["pump_pct"]
