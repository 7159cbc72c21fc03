"""The rig's house on real wires with its plant alive, so that what is commanded is seen at the meters."""

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from tests.gateway import forked

from quartier_district.gateway_session import TopicNames
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.site_file import format_site_file
from quartier_sim.plant import building_model
from quartier_sim.plant.battery import BatterySpec
from quartier_sim.plant.building_model import BuildingSpec, PlantInputs
from quartier_sim.site_clock import RigClock

STEP_S = 0.1
LATE_S = 0.8
DEADLINE_S = 240.0
ATTEMPTS = 3


class Street:
    """A house whose devices answer over TCP and a pty, ``rate`` times as fast as real time."""

    def __init__(
        self,
        folder,
        rate=10.0,
        noise_w=20.0,
        battery_phase=2,
        delay_s=1.0,
        base_w=700.0,
        house=None,
        tank_c=53.0,
        **more,
    ):
        self.folder = folder
        self.rate = rate
        self.noise_w = noise_w
        self.base_w = base_w
        self.solar_w_per_kw = 0.0
        self.random = random.Random(1)
        self.spec = BuildingSpec(battery=BatterySpec(delay_s=delay_s), battery_phase=battery_phase, **more)
        self.plant = building_model.build_initial_state(self.spec, 60.0, tank_c)
        self.house = house or SiteSpec()
        self.wiring = DeviceWiring(1, self.house)
        self.config = folder / "site.toml"
        self.bent = {}
        self.late_s = 0.0

    async def __aenter__(self):
        self._stack = AsyncExitStack()
        pty = self.folder / "rs485"
        await self.wiring.serve(pty)
        self._stack.push_async_callback(self.wiring.close)
        self.clock = RigClock(time.time(), 0.0, self.rate)
        text = format_site_file(
            self.house,
            self.wiring,
            TopicNames("issy", "b012"),
            pty=pty,
            broker_port=1,
            issuers_file=Path("/x"),
            rate=4,  # time-outs are real: short enough to cost little, long enough for a busy machine
        )
        head, _, rest = text.partition("[district_link]\n")
        self.config.write_text(head + rest.partition("\n\n")[2])
        self._step()
        self._task = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stack.aclose()

    async def _live(self):
        while True:
            behind_s = self.clock.elapsed_s() - self.plant.now_s - STEP_S
            if behind_s < 0.0:
                await asyncio.sleep(STEP_S / self.rate / 2)
                continue
            self.late_s = max(self.late_s, behind_s)
            self._step()
            await asyncio.sleep(0)

    def _step(self):
        base_w = self.base_w + self.random.gauss(0, self.noise_w)
        drive = PlantInputs(base_w, self.solar_w_per_kw)
        self.plant = building_model.step_building(self.spec, self.plant, self.wiring.orders(), drive, STEP_S)
        values = building_model.measure_quantities(self.spec, self.plant)
        values = {point: value * self.bent.get(point, 1.0) for point, value in values.items()}
        self.wiring.publish(values, self.plant.now_s)

    def change(self, *changes):
        text = self.config.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.config.write_text(text)

    def plug(self, need_wh=20_000.0):
        self.plant = building_model.plug_car(self.plant, on=True, need_wh=need_wh)

    def soc(self, pct):
        battery = replace(self.plant.battery, energy_wh=self.spec.battery.capacity_wh * pct / 100)
        self.plant = replace(self.plant, battery=battery)

    def start(self, *words):
        clock = {"QUARTIER_CLOCK": self.clock.setting} if self.rate != 1 else {}
        places = ("--runtime-dir", str(self.folder / "run"), "--state-dir", str(self.folder / "state"))
        return forked.start_with_output((*words, *places), {**os.environ, **clock})

    async def probe(self, asset, *words):
        """Run ``quartier probe``; return exit code, output, errors.

        A plant that came more than ``LATE_S`` too late shows the machine and not the gateway: its meter and its
        battery were read at different times of one step.  Then the probe is made again.
        """
        for _ in range(ATTEMPTS):
            self.late_s = 0.0
            process = self.start("probe", asset, "--config", str(self.config), *words)
            out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
            if self.late_s <= LATE_S:
                break
        return process.returncode, out.decode(), err.decode()
