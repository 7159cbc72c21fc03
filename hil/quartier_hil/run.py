"""One run: start everything, perform the scenario, end everything, evaluate the checks.

The rig reaches the daemon under test only over wires, its command line and its read-only socket; nothing of
it is imported here.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from quartier_hil import fitted, planned, reckoning, retold
from quartier_hil import scenario as asked
from quartier_hil.clock import RigClock
from quartier_hil.director import Director
from quartier_hil.district.session import Names
from quartier_hil.keeper import Keeper, TooSlowError, first
from quartier_hil.lateness import Lateness
from quartier_hil.metering import Metering
from quartier_hil.narration import Narration
from quartier_hil.outputs import outputs
from quartier_hil.plant import building
from quartier_hil.plant.battery import BatterySpec
from quartier_hil.plant.heatpump import HeatPumpSpec
from quartier_hil.plant.solar import SolarSpec
from quartier_hil.prepared import prepared
from quartier_hil.records.series import Series
from quartier_hil.stage import written
from quartier_hil.stage.broker import Broker
from quartier_hil.stage.daemon import Daemon, deep, link_mode, meter_state
from quartier_hil.stage.peer import Peer
from quartier_hil.tariff import Standing, calendar
from quartier_hil.verdict.agreed import ReasonsAgree
from quartier_hil.verdict.alarmed import Raised
from quartier_hil.verdict.checks import Heard, Judge, Release
from quartier_hil.verdict.course import Course
from quartier_hil.verdict.invariants import OrderJudge
from quartier_hil.verdict.judging import judges
from quartier_hil.verdict.kpis import Kpis, Saving
from quartier_hil.verdict.losses import Losses, by_bus, told
from quartier_hil.verdict.ordered import Ledger
from quartier_hil.verdict.promise import Cap, caps, in_force, kept_by_gateway, limit_values, owed
from quartier_hil.verdict.stored import Stored
from quartier_hil.verdict.tightening import away_spans
from quartier_hil.wanted import Delivered
from quartier_hil.wiring import TIMEOUT_MIN_S, Wiring, site_file
from quartier_hil.workplace import work_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from quartier_hil.rig.metal import Metal

ZONE = "Europe/Paris"
NAMES = Names(group="issy", edge="b012")
_HARMLESS = frozenset(
    {"say", "plug", "caps", "broker", "heartbeat", "document", "schedule", "failsafe", "shed"}
)
LOOK_REAL_S, LOOKS_COUNT = 0.25, 4
"""Interval of the daemon's status in real seconds; a busy machine may be so many polls late."""


def specified(scenario: asked.Scenario) -> building.BuildingSpec:
    """Return the physics of a scenario's site."""
    house = scenario.house
    return building.BuildingSpec(
        battery=BatterySpec(
            capacity_wh=house.battery_wh, charge_max_w=house.battery_w, discharge_max_w=house.battery_w
        ),
        solar=SolarSpec(rated_w=house.pv_w),
        heat_pump=HeatPumpSpec(power_w=house.heat_pump_w),
        boards=fitted.boards(scenario),
        homes=fitted.homes(scenario),
        mean_c=house.outdoor_c,
        start_utc_s=scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp(),
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """Scenario to run, its series, and the folder of its results.

    ``watch`` is called about four times a real second; ``metal`` are the devices that are real, if any.
    ``may_slow``: end with TooSlowError where a machine that is too slow should run it at a lower rate.
    """

    scenario: asked.Scenario
    series: Series
    folder: Path
    broker: str | None = None
    watch: "Callable[[Run], None] | None" = None
    metal: "Metal | None" = None
    may_slow: bool = False


@dataclass
class Run:
    """The state of a run; what the views and the verdict read."""

    options: Options
    scenario: asked.Scenario = field(init=False)
    caps: tuple[Cap, ...] = field(init=False)
    course: Course = field(default_factory=Course)
    kpis: Kpis = field(default_factory=Kpis)
    ledger: Ledger = field(default_factory=Ledger)
    modes: list[tuple[float, str]] = field(default_factory=list)
    alarms: Raised = field(default_factory=Raised)
    losses: Losses = field(default_factory=Losses)
    releases: list[Release] = field(default_factory=list)
    downs: list[tuple[float, float]] = field(default_factory=list)
    crashes: list[tuple[float, int]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    last_status: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] | None = None
    stored: Stored | None = None
    own_ledger: Sequence[written.Row] = ()
    memory_max_mb: float = 0.0
    memory: list[tuple[float, float]] = field(default_factory=list)
    heard: Mapping[str, Heard] = field(default_factory=dict)
    said: str = ""
    exit_code: int | None = None
    plant: building.BuildingState = field(init=False)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        """Prepare plant, promises and judges."""
        self.scenario = prepared(self.options.scenario, self.options.series)
        self.caps = caps(self.scenario)
        self.metal = self.options.metal
        real = frozenset() if self.metal is None else self.metal.points
        further = (*fitted.points(self.scenario), *planned.points(self.scenario))
        self.course = Course(further=further, real=real)
        house = self.scenario.house
        self.spec = specified(self.scenario)
        self.plant = building.fresh(self.spec, house.soc_pct, house.tank_c, fitted.pieces(self.scenario))
        self.judges: list[Judge] = self._judges()
        # Where frequency is read faster than that, it moves as fast.
        self.step_s = min(max(self.scenario.rate / 40.0, 0.25), 1.0, house.frequency_period_s)
        self.extra: list[tuple[float, float]] = []
        self._onward: asyncio.Task[None] | None = None
        self.keeper = Keeper(self)
        self.director = Director(self)
        self.real_s = 0.0
        self.narration = Narration(one for one in self.scenario.events if isinstance(one, asked.Say))
        self.lateness = Lateness(self.scenario.rate, self.scenario.duration_s, away_spans(self.scenario))
        # Whatever harms a device or the daemon may make the grid meter stale by itself.
        self._is_unharmed = all(one.do in _HARMLESS for one in self.scenario.events)
        self.zero_s = self.lead_s = planned.lead_s(self.scenario)
        self.calendar = calendar(house.tariff, self.scenario.start)
        self._planner = planned.Planner()
        self.saving: Saving | None = None
        self.end_wh = 0.0, 0.0

    def _judges(self) -> list[Judge]:
        slack_s = LOOKS_COUNT * LOOK_REAL_S * self.scenario.rate
        self._agreed = ReasonsAgree({one.asset: one for one in outputs(self.scenario.house)}, slack_s)
        if self.metal is None:
            alike, *others = judges(self.scenario, self.caps)
            return [alike, self._agreed, *others]
        seen = self.metal.judging(self.scenario)
        return self.metal.judges(judges(seen.scenario, self.caps), is_tightening=seen.is_tightening)

    # -- the way through -----------------------------------------------------------------

    async def perform(self) -> "Run":
        """The whole run.  Raises RigError when it cannot be made; all processes are ended in any case."""
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            await self._set_up(stack)
            await self._begin()
            try:
                await self._happen()
            except ExceptionGroup as group:
                failed = first(group)
                if failed is None:
                    raise
                raise type(failed)(str(failed)) from group
            await self._settle()
            self.real_s = time.monotonic() - began
        self.saving = await planned.saving(self)
        return self

    async def _set_up(self, stack: AsyncExitStack) -> None:
        scenario = self.scenario
        work = work_folder(self.options.folder)
        await planned.bequeath(scenario, work)
        start = scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp()
        origin = time.time()
        self.clock = RigClock(origin, start - self.lead_s - origin, scenario.rate)
        self.broker = Broker(work, self.options.broker)
        await self.broker.start()
        stack.push_async_callback(self.broker.stop)
        self.peer = Peer(work, self.broker.port, NAMES, self.clock)
        await self.peer.start()
        stack.push_async_callback(self.peer.stop)
        if self.metal is not None:
            stack.push_async_callback(self.metal.end)
            await self.metal.begin(work, self.elapsed_s)
        self.wiring = Wiring(scenario.seed, scenario.house, () if self.metal is None else self.metal.real)
        pty = work / "rs485"
        await self.wiring.serve(pty)
        stack.push_async_callback(self.wiring.close)
        self.metering = Metering(
            scenario.house.meters,
            work,
            contract_w=scenario.house.contract_import_w,
            rate=scenario.rate,
            seed=scenario.seed + 10,
            calendar=self.calendar,
        )
        self._publish(building.values(self.spec, self.plant), 0.0)
        await self.metering.serve()
        stack.push_async_callback(self.metering.close)
        site = work / "site.toml"
        text = site_file(
            scenario.house,
            self.wiring,
            NAMES,
            pty=pty,
            broker_port=self.broker.port,
            issuers_file=self.peer.issuers_file,
            rate=scenario.rate,
            cycle_s=scenario.cycle_s,
        ) + self.metering.site(TIMEOUT_MIN_S, is_grid=self.scenario.house.grid_meter == "linky")
        site.write_text(text if self.metal is None else self.metal.site(text))
        self.daemon = Daemon(site, work, self.clock)
        await self.prepare(work, stack)
        stack.push_async_callback(self._stand_still)
        await self.daemon.start()
        stack.push_async_callback(self._end_daemon)
        await self.keeper.ready()

    async def prepare(self, work: Path, stack: AsyncExitStack) -> None:
        """Prepare the last things before the daemon starts; the rehearsal of a loss does more here."""

    async def _end_daemon(self) -> None:
        self.exit_code = await self.daemon.stop()
        if self.now_s >= self.scenario.duration_s:
            await self.keeper.release()

    async def _begin(self) -> None:
        """Let the district confirm the contract; run a site with a planner up to the scenario's second 0."""
        house = self.scenario.house
        contract = {"import_max_w": house.contract_import_w, "export_max_w": house.contract_export_w}
        for_s = self.scenario.duration_s + 86_400
        whole = {"duration_s": for_s, **contract}
        self.peer.order("caps", intervals=[whole], default=contract, for_s=for_s)
        if not self.lead_s:
            self.zero_s = self.clock.elapsed_s()
            return
        fresh, self.plant = self.plant, replace(self.plant, now_s=self.elapsed_s())
        await self._plant(0.0, self._live)
        # The time before does not count: the battery is as the scenario states.
        self.plant = replace(self.plant, battery=fresh.battery)

    async def _happen(self) -> None:
        async with asyncio.TaskGroup() as group:
            look = group.create_task(self._look())
            events = group.create_task(self._events())
            accounts = group.create_task(reckoning.reckoned(self))
            await self._plant(self.scenario.duration_s, self._step)
            self.end_wh = self.plant.battery.energy_wh, building.heat_wh(self.plant)
            self._onward = asyncio.create_task(self._plant(inf, self._live))
            await events
            self.heard = await accounts
            look.cancel()

    # -- the plant -----------------------------------------------------------------------

    def elapsed_s(self) -> float:
        """Return the plant seconds since the scenario's start."""
        return self.clock.elapsed_s() - self.zero_s

    @property
    def limit(self) -> Cap:
        """The limit in force: what is promised, or what the gateway shows that it keeps where tighter."""
        return in_force(owed(self.caps, self.now_s), kept_by_gateway(self.status.get("control")))

    @property
    def day_s(self) -> float:
        """Return the seconds since the midnight before the start, by the site's clock."""
        start = self.scenario.start
        midnight_s = start.hour * 3600.0 + start.minute * 60.0 + start.second
        return midnight_s + self.zero_s - self.lead_s + self.plant.now_s

    @property
    def standing(self) -> Standing | None:
        """State of the supply contract now; None where the site has none."""
        now_s = self.clock.origin_s + self.clock.offset_s + self.zero_s + self.now_s
        local = dt.datetime.fromtimestamp(now_s, ZoneInfo(ZONE)).replace(tzinfo=None)
        return None if self.calendar is None else self.calendar.at(local)

    async def _plant(self, until_s: float, step: "Callable[[], object]") -> None:
        """Step with the site's clock until that second of the scenario."""
        while self.plant.now_s < until_s:
            behind = self.elapsed_s() - self.plant.now_s
            if behind < self.step_s:
                await asyncio.sleep(self.clock.real_s(self.step_s - behind))
                continue
            step()
            # The devices answer on this loop: between two steps they must get their turn.
            await asyncio.sleep(0)

    def _step(self) -> None:
        """Make one step with record and checks."""
        self.lateness.step(self.elapsed_s() - self.plant.now_s, self.step_s)
        values = self._live()
        self.now_s = self.plant.now_s
        cap = owed(self.caps, self.now_s)
        values |= {"cap.import_w": cap.import_w, "cap.export_w": cap.export_w, **limit_values(self.limit)}
        standing = self.standing
        values |= planned.values(self.scenario, self.status, standing)
        self.course.add(self.now_s, values)
        for said in self.narration.step(self.now_s, values):
            self.said = said
            self.mark(said, "say")
        price, period = planned.price(standing, self.options.series.price(self.day_s))
        self.kpis.step(values, cap.import_w, price, self.step_s, period)
        for judge in self.judges:
            judge.step(self.now_s, self.step_s, values)

    def _live(self) -> dict[str, float]:
        """Step the plant and the timers of its devices; return the plant's values and the orders."""
        now_s = self.plant.now_s
        drive = self.options.series.at(self.day_s)
        extra_w = sum(power_w for power_w, until_s in self.extra if now_s < until_s)
        drive = replace(drive, base_w=drive.base_w + extra_w, day_s=self.day_s)
        orders = self.wiring.orders()
        if self.metal is not None:
            relay_on = self.metal.relay_on()
            orders = orders if relay_on is None else replace(orders, relay_on=relay_on)
            self.plant = building.set_measured(self.plant, self.metal.powers_w())
        self.plant = building.step(self.spec, self.plant, orders, drive, self.step_s)
        values = building.values(self.spec, self.plant)
        if self.metal is not None:
            values |= {name: value for name, value in self.metal.seen({}).items() if name in values}
        self._publish(values, self.plant.now_s)
        self.director.tell_clock()
        values |= orders.values
        return values if self.metal is None else self.metal.seen(values)

    async def _stand_still(self) -> None:
        """Handle the end of the daemon: the plant is not observed any more."""
        if self._onward is not None:
            self._onward.cancel()
            with suppress(asyncio.CancelledError):
                await self._onward

    def _publish(self, values: dict[str, float], now_s: float) -> None:
        """Show the plant's values to every device and meter at second ``now_s`` of the scenario."""
        self.wiring.publish(values, now_s)
        self.metering.publish(values, dt.datetime.fromtimestamp(self.clock.utc_ms() / 1_000, dt.UTC))

    # -- events --------------------------------------------------------------------------

    async def until(self, at_s: float) -> None:
        """Wait for second ``at_s`` of the scenario."""
        await asyncio.sleep(self.clock.real_s(at_s - self.elapsed_s()))

    async def _events(self) -> None:
        await self.director.perform()

    def mark(self, text: str, kind: str = "event") -> None:
        """Something happens now."""
        self.course.mark(self.elapsed_s(), text, kind)

    # -- looking on ----------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            self.status = await self.daemon.ask("status") or {}
            if self.status:
                self.last_status = self.status
                self.lateness.look(self.now_s, deep(self.status, "cycles"))
                if self._is_unharmed:
                    self.lateness.look_at_meter(meter_state(self.status))
                if self.options.may_slow and self.lateness.is_stalled:
                    raise TooSlowError(self.lateness.words)
                self._look_at_orders()
                self._planner.look(self)
                control = self.status.get("control") or {}
                alarms, names = control.get("alarms", ()), control.get("alarm_names", ())
                self.alarms.look(self.elapsed_s(), alarms, names)
                if control:
                    self._agreed.look(self.elapsed_s(), control)
                utc_ms = int(deep(self.status, "utc_ms") or 0)
                self.losses.look(self.elapsed_s(), told(control, utc_ms) | by_bus(self.status))
                mode = link_mode(self.status)
                if not self.modes or self.modes[-1][1] != mode:
                    self.modes.append((self.elapsed_s(), mode))
            else:
                self._agreed.begin()
            if not self.daemon.child.alive:
                await self.keeper.revive()
            memory_mb = self.daemon.memory_mb
            self.memory_max_mb = max(self.memory_max_mb, memory_mb)
            self.memory.append((self.elapsed_s(), memory_mb))
            if self.options.watch is not None:
                self.options.watch(self)
            await asyncio.sleep(LOOK_REAL_S)

    def _look_at_orders(self) -> None:
        """Take the orders that the daemon shows; two of one output within a look are seen as the last."""
        for row in self.ledger.look(self.elapsed_s(), deep(self.status, "assets")):
            for judge in self.judges:
                if isinstance(judge, OrderJudge):
                    judge.ordered(row.last_s, row.point, row.value, row.reason)

    async def _settle(self) -> None:
        """Let the last samples arrive.

        The plant runs on without checks: a device with a stopped timer would look faulty.
        """
        wanted = [check.settle_s for check in self.scenario.checks if isinstance(check, Delivered)]
        if wanted:
            await asyncio.sleep(self.clock.real_s(max(wanted)))
        # Before the whole history is read: the load by the checks is not lateness of the plant.
        self.last_status = await self.daemon.ask("status") or self.last_status
        if wanted:
            begin_s = self.clock.origin_s + self.clock.offset_s
            self.history = await retold.everything(
                self.daemon, begin_s - 60.0, begin_s + self.zero_s + self.now_s
            )
        self.stored = await retold.stored(self.daemon, self.scenario)
        assets = dict.fromkeys(out.asset for out in outputs(self.scenario.house))
        start_unix_s = self.clock.origin_s + self.clock.offset_s + self.zero_s
        self.own_ledger = await written.rows(self.daemon, str(self.daemon.site_file), assets, start_unix_s)
