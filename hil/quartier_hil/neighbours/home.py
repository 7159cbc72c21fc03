"""One of several buildings: its plant, its devices on their wires, and its daemon as a black box."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from quartier_hil import fitted
from quartier_hil.clock import RigClock
from quartier_hil.district.session import Names
from quartier_hil.keeper import READY_REAL_S, RigError
from quartier_hil.lateness import Lateness
from quartier_hil.plant import building
from quartier_hil.records.series import Series
from quartier_hil.run import specified
from quartier_hil.scenario import Scenario
from quartier_hil.stage.daemon import Daemon, deep, link_mode, meter_state
from quartier_hil.wiring import Wiring, site_file


@dataclass
class Home:
    """A building of a street; ``series`` drives it, ``folder`` keeps what its processes leave."""

    names: Names
    scenario: Scenario
    series: Series
    folder: Path
    clock: RigClock
    mode: str = ""
    lateness: Lateness = field(init=False)
    plant: building.BuildingState = field(init=False)

    def __post_init__(self) -> None:
        """A building at rest."""
        house = self.scenario.house
        self.lateness = Lateness(self.scenario.rate, self.scenario.duration_s)
        self.spec = specified(self.scenario)
        self.plant = building.fresh(self.spec, house.soc_pct, house.tank_c, fitted.pieces(self.scenario))
        self.wiring = Wiring(self.scenario.seed, house)

    def values(self) -> dict[str, float]:
        """Return the present measurements of its devices."""
        return building.values(self.spec, self.plant)

    async def serve(self, stack: AsyncExitStack, broker_port: int, issuers_file: Path) -> None:
        """Put its devices on their wires and write its site file; the stack takes all of it away again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pty = self.folder / "rs485"
        await self.wiring.serve(pty)
        stack.push_async_callback(self.wiring.close)
        self.wiring.publish(self.values(), 0.0)
        site = self.folder / "site.toml"
        site.write_text(
            site_file(
                self.scenario.house,
                self.wiring,
                self.names,
                pty=pty,
                broker_port=broker_port,
                issuers_file=issuers_file,
                rate=self.scenario.rate,
                cycle_s=self.scenario.cycle_s,
            )
        )
        self.daemon = Daemon(site, self.folder, self.clock)

    async def start(self, stack: AsyncExitStack) -> None:
        """Start its daemon and wait until it answers.  Raises RigError when it does not."""
        await self.daemon.start()
        stack.push_async_callback(self.daemon.stop)
        deadline = time.monotonic() + READY_REAL_S
        while time.monotonic() < deadline and self.daemon.is_there:
            if await self.daemon.ask("status") is not None:
                return
            await asyncio.sleep(0.1)
        raise RigError(f"the daemon of {self.names.edge} does not answer; see {self.daemon.child.log}")

    async def look(self) -> None:
        """Ask its daemon how it stands."""
        status = await self.daemon.ask("status")
        if status is not None:
            self.mode = link_mode(status)
            self.lateness.look(self.plant.now_s, deep(status, "cycles"))
            self.lateness.look_at_meter(meter_state(status))

    def step(self, day_s: float, dt_s: float) -> None:
        """Go on by ``dt_s``; ``day_s`` is the second of the local day."""
        drive = replace(self.series.at(day_s), day_s=day_s)
        self.plant = building.step(self.spec, self.plant, self.wiring.orders(), drive, dt_s)
        self.wiring.publish(self.values(), self.plant.now_s)

    def plug(self, need_wh: float) -> None:
        """A car comes and wants so much."""
        self.plant = building.plug(self.plant, on=True, need_wh=need_wh)

    @property
    def grid_w(self) -> float:
        """Power at its connection, W."""
        return self.plant.grid_w

    def place(self) -> dict[str, Any]:
        """Its lines in the district's file."""
        house = self.scenario.house
        return {
            "edge": self.names.edge,
            "title": self.scenario.title,
            "kind": "public" if house.assets else "home",
            "contract_import_w": house.contract_import_w,
            "contract_export_w": house.contract_export_w,
            "failsafe_import_w": house.failsafe_import_w,
            "failsafe_export_w": house.failsafe_export_w,
        }
