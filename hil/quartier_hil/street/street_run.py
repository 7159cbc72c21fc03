"""Run a street: broker, district and buildings with their daemons; the same street without a district in
one process.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w

from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import DOCUMENT_TYPES, SigningKey
from quartier_hil.checks.verdicts import Verdict
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_hil.processes.child_process import ChildProcess
from quartier_hil.processes.daemon_process import (
    DaemonProcess,
    find_value,
    read_link_state,
    read_meter_state,
)
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.speed_monitor import SpeedMonitor
from quartier_hil.runner.supervisor import READY_REAL_S, RigError, TooSlowError, find_rig_error
from quartier_hil.scenario import plant_assets
from quartier_hil.scenario.events import CarPlug
from quartier_hil.scenario.plant_assets import build_plant_spec
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site_file import format_site_file
from quartier_hil.street import street_scenario
from quartier_hil.street.street_scenario import StreetSample
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.modbus.endpoints import find_free_port
from quartier_sim.plant import building_model
from quartier_sim.site_clock import RigClock


@dataclass
class StreetBuilding:
    """A building of a street; ``series`` drives it, ``folder`` keeps what its processes leave."""

    names: TopicNames
    scenario: Scenario
    series: LoadSeries
    folder: Path
    clock: RigClock
    mode: str = ""
    lateness: SpeedMonitor = field(init=False)
    plant: building_model.BuildingState = field(init=False)

    def __post_init__(self) -> None:
        """A building at rest."""
        site_spec = self.scenario.house
        self.lateness = SpeedMonitor(self.scenario.rate, self.scenario.duration_s)
        self.spec = build_plant_spec(self.scenario)
        self.plant = building_model.build_initial_state(
            self.spec, site_spec.soc_pct, site_spec.tank_c, plant_assets.build_pieces(self.scenario)
        )
        self.wiring = DeviceWiring(self.scenario.seed, site_spec)

    def values(self) -> dict[str, float]:
        """Return the present measurements of its devices."""
        return building_model.measure_quantities(self.spec, self.plant)

    async def serve(self, stack: AsyncExitStack, broker_port: int, issuers_file: Path) -> None:
        """Put its devices on their wires and write its site file; the stack takes all of it away again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        pty = self.folder / "rs485"
        await self.wiring.serve(pty)
        stack.push_async_callback(self.wiring.close)
        self.wiring.publish(self.values(), 0.0)
        site = self.folder / "site.toml"
        site.write_text(
            format_site_file(
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
        self.daemon = DaemonProcess(site, self.folder, self.clock)

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
            self.mode = read_link_state(status)
            self.lateness.look(self.plant.now_s, find_value(status, "cycles"))
            self.lateness.observe_meter(read_meter_state(status))

    def step(self, day_s: float, dt_s: float) -> None:
        """Go on by ``dt_s``; ``day_s`` is the second of the local day."""
        drive = replace(self.series.at(day_s), day_s=day_s)
        self.plant = building_model.step_building(self.spec, self.plant, self.wiring.orders(), drive, dt_s)
        self.wiring.publish(self.values(), self.plant.now_s)

    def plug(self, need_wh: float) -> None:
        """A car comes and wants so much."""
        self.plant = building_model.plug_car(self.plant, on=True, need_wh=need_wh)

    @property
    def grid_w(self) -> float:
        """Power at its connection, W."""
        return self.plant.grid_w

    def place(self) -> dict[str, Any]:
        """Its lines in the district's file."""
        site_spec = self.scenario.house
        return {
            "edge": self.names.edge,
            "title": self.scenario.title,
            "kind": "public" if site_spec.assets else "home",
            "contract_import_w": site_spec.contract_import_w,
            "contract_export_w": site_spec.contract_export_w,
            "failsafe_import_w": site_spec.failsafe_import_w,
            "failsafe_export_w": site_spec.failsafe_export_w,
        }


SYNTHETIC_STEP_S = 2
"""A cycle each two seconds is near enough for a curve, and half the work."""


def simulate_load_w(scenarios: Sequence[Scenario], series: Callable[[int], LoadSeries]) -> list[float]:
    """Return the sum of all buildings without a gateway, by second of the evening, in W."""
    total_w = [0.0] * int(street_scenario.ENDS_AT_S)
    for scenario in scenarios:
        for at, watts in enumerate(_simulate_building_w(scenario, series(scenario.seed))):
            total_w[at] += watts
    return total_w


def _simulate_building_w(scenario: Scenario, series: LoadSeries) -> list[float]:
    plug = CarPlug(at_s=street_scenario.PLUGGED_AT_S, do="plug", need_wh=street_scenario.NEED_WH)
    asked = scenario.model_copy(update={"events": (plug,), "cycle_s": float(SYNTHETIC_STEP_S), "checks": ()})
    with TemporaryDirectory(prefix="quartier-alone-") as folder:
        day = SyntheticRun(RunOptions(scenario=asked, series=series, folder=Path(folder)))
        day.peer = replace(day.peer, up=False)
        day.perform()
    grid_w = dict(
        zip((int(at) for at in day.record.times_s), day.record.columns["grid.power_w"], strict=True)
    )
    last_w, found = 0.0, []
    for second in range(int(street_scenario.ENDS_AT_S)):
        last_w = grid_w.get(second, last_w)
        found.append(last_w)
    return found


STEP_S = 1.0
LOOK_REAL_S = 0.5
STREET_GROUP = "issy"

LineWriter = Callable[[str], None]


@dataclass
class StreetRun:
    """``folder`` keeps what the processes leave; ``series`` of a seed drive the homes; ``tell`` shows a
    line.  ``may_slow``: end with TooSlowError where a machine that is too slow should run it at a lower rate.
    """

    folder: Path
    series: Callable[[int], LoadSeries]
    tell: LineWriter
    rate: float = street_scenario.RATE
    may_slow: bool = False
    page_port: int = 0
    with_public: bool = False
    broker_kind: str | None = None
    moments: list[StreetSample] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    page_url: str = ""
    at_s: float = 0.0

    def __post_init__(self) -> None:
        """The homes, not yet at work."""
        origin = time.time()
        houses = street_scenario.build_scenarios(with_public=self.with_public, rate=self.rate)
        self.clock = RigClock(origin, street_scenario.compute_start_utc_s() - origin, self.rate)
        self.homes = [
            StreetBuilding(
                TopicNames(STREET_GROUP, edge), made, self.series(made.seed), self.folder / edge, self.clock
            )
            for edge, made in houses
        ]
        # One port, so that a browser finds the page again when the district has come back.
        self.page_port = self.page_port or find_free_port()
        self.limit_w = street_scenario.compute_limit_w(with_public=self.with_public)

    async def perform(self) -> list[Verdict]:
        """The whole story, and what came of it.  Raises RigError when it cannot be made."""
        async with AsyncExitStack() as stack:
            await self._set_up(stack)
            self._zero_s = self.clock.elapsed_s()
            try:
                await self._run_all_events(stack)
            except ExceptionGroup as group:
                raise (find_rig_error(group) or group) from group
        shares_w = {home.names.edge: home.scenario.house.failsafe_import_w for home in self.homes}
        verdicts = street_scenario.evaluate_street(self.moments, shares_w, self.limit_w)
        return self._latest.adjust_verdicts(verdicts)

    async def _run_all_events(self, stack: AsyncExitStack) -> None:
        async with asyncio.TaskGroup() as group:
            looks = group.create_task(self._look())
            events = group.create_task(self._run_events(stack))
            await self._live()
            for task in (looks, events):
                task.cancel()

    @property
    def _latest(self) -> SpeedMonitor:
        """That of the home with the most skipped cycles and looks at a stale or lost meter."""
        return max(
            (home.lateness for home in self.homes), key=lambda one: one.skipped_count + one.blind_count
        )

    async def _set_up(self, stack: AsyncExitStack) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.broker = BrokerProcess(self.folder, self.broker_kind)
        await self.broker.start()
        stack.push_async_callback(self.broker.stop)
        key = SigningKey.fresh("optimiser1")
        self._key_file = key.save(self.folder)
        issuers = self.folder / "issuers.json"
        issuers.write_text(json.dumps([key.listing(DOCUMENT_TYPES)]))
        self._write_roster()
        for home in self.homes:
            await home.serve(stack, self.broker.port, issuers)
        self._background_task = asyncio.create_task(self._idle())
        stack.push_async_callback(self._stop_plant)
        await asyncio.gather(*(home.start(stack) for home in self.homes))

    def _write_roster(self) -> None:
        roster = {
            "group": STREET_GROUP,
            "transformer": {"import_max_w": self.limit_w, "export_max_w": 6_000.0 * len(self.homes)},
            "tariff": {"import_eur_per_kwh": street_scenario.PRICES},
            "buildings": [
                {**home.place(), "stay_h": street_scenario.STAY_H, "need_wh": street_scenario.WANTED_WH}
                for home in self.homes
            ],
        }
        self._roster = self.folder / "district.toml"
        self._roster.write_text(tomli_w.dumps(roster))

    async def _idle(self) -> None:
        """The devices answer while the daemons start."""
        while True:
            for home in self.homes:
                home.wiring.publish(home.values(), 0.0)
            await asyncio.sleep(0.2)

    async def _stop_plant(self) -> None:
        self._background_task.cancel()
        await asyncio.gather(self._background_task, return_exceptions=True)

    # -- the plant -----------------------------------------------------------------------

    async def _live(self) -> None:
        """Keep up with the house's clock until the story ends."""
        await self._stop_plant()
        start = street_scenario.START
        midnight_s = start.hour * 3_600.0 + start.minute * 60.0
        titles = {home.names.edge: home.scenario.title for home in self.homes}
        narration = street_scenario.build_narration(titles, self.limit_w)
        while self.at_s < street_scenario.ENDS_AT_S:
            behind_s = self.clock.elapsed_s() - self._zero_s - self.at_s
            if behind_s < STEP_S:
                await asyncio.sleep(self.clock.real_s(STEP_S - behind_s))
                continue
            for home in self.homes:
                home.lateness.step(behind_s, STEP_S)
            for home in self.homes:
                home.step(midnight_s + self._zero_s + self.at_s, STEP_S)
            self.at_s += STEP_S
            moment = StreetSample(
                self.at_s,
                {home.names.edge: home.grid_w for home in self.homes},
                {home.names.edge: home.mode for home in self.homes},
            )
            self.moments.append(moment)
            for text in narration.step(self.at_s, moment.values):
                self.tell(f"{street_scenario.format_minute(self.at_s):>8}  {text}")
            # The devices answer on this loop: between two steps they must get their turn.
            await asyncio.sleep(0)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(self.clock.real_s(at_s - (self.clock.elapsed_s() - self._zero_s)))

    # -- events --------------------------------------------------------------------------

    async def _run_events(self, stack: AsyncExitStack) -> None:
        await self._until(street_scenario.PLUGGED_AT_S)
        for home in self.homes:
            home.plug(street_scenario.NEED_WH)
        await self._until(street_scenario.DISTRICT_AT_S)
        district = await self._start_district(stack)
        await self._until(street_scenario.DIES_AT_S)
        await district.stop(signal.SIGKILL)
        await self._until(street_scenario.BACK_AT_S)
        await self._start_district(stack)
        await self._until(street_scenario.ENDS_AT_S + 60.0)

    async def _start_district(self, stack: AsyncExitStack) -> ChildProcess:
        """A process of the district for all homes; it serves the page."""
        words = ["district", "--fleet", str(self._roster), "--port", str(self.broker.port)]
        words += ["--key", str(self._key_file), "--log", str(self.folder / "district.jsonl")]
        words += ["--page", str(self.page_port), "--origin", repr(self.clock.origin_s)]
        words += ["--offset", repr(self.clock.offset_s), "--rate", repr(self.clock.rate)]
        child = ChildProcess([sys.executable, "-m", "quartier_hil.cli", *words], self.folder / "district.log")
        await child.start(with_pipes=True)
        stack.push_async_callback(child.stop)
        listening = asyncio.create_task(self._listen(child))
        stack.push_async_callback(_cancel_task, listening)
        return child

    async def _listen(self, child: ChildProcess) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        async for line in child.process.stdout:
            message = json.loads(line)
            if "page" in message:
                self.page_url = message["page"]
                self.tell(f"           The live page: {self.page_url}")
            else:
                self.figures = message

    async def _look(self) -> None:
        while True:
            await asyncio.gather(*(home.look() for home in self.homes))
            if self.may_slow and (late := self._latest).is_stalled:
                raise TooSlowError(late.words)
            await asyncio.sleep(LOOK_REAL_S)


async def _cancel_task(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
