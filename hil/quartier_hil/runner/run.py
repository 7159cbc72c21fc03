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

from quartier_district.gateway_session import TopicNames
from quartier_hil.checks.check_builder import build_checks
from quartier_hil.checks.figures import RunFigures, Saving
from quartier_hil.checks.invariant_checks import OrderCheck
from quartier_hil.checks.limit_reaction import ReactionCheck, list_gateway_absences
from quartier_hil.checks.promised_values import (
    PromisedLimit,
    find_promised_limit,
    list_promised_limits,
    make_limit_values,
    make_shown_values,
    read_gateway_limits,
    tighten_by_gateway,
)
from quartier_hil.checks.run_record import (
    LossLog,
    OrderLedger,
    RunRecord,
    StoredHistory,
    read_losses,
    read_silent_devices,
)
from quartier_hil.checks.status_checks import AlarmLog, ReasonCheck
from quartier_hil.checks.verdicts import Check, GroupCounts, ReleaseResult
from quartier_hil.processes.broker_process import BrokerProcess
from quartier_hil.processes.child_process import make_work_folder
from quartier_hil.processes.daemon_process import (
    DaemonProcess,
    find_value,
    read_link_state,
    read_meter_state,
)
from quartier_hil.processes.district_process import DistrictProcess
from quartier_hil.runner import daemon_history, meter_counts, planner
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.event_director import EventDirector
from quartier_hil.runner.narration import Narration
from quartier_hil.runner.smart_meters import SmartMeters
from quartier_hil.runner.speed_monitor import SpeedMonitor
from quartier_hil.runner.supervisor import DaemonSupervisor, TooSlowError, find_rig_error
from quartier_hil.scenario import plant_assets
from quartier_hil.scenario import scenario_file as asked
from quartier_hil.scenario.events import StoryLine
from quartier_hil.scenario.expectations import DeliveryExpectation
from quartier_hil.scenario.outputs import list_outputs
from quartier_hil.scenario.plant_assets import ZONE_NAME, build_plant_spec
from quartier_hil.scenario.preparation import prepare_scenario
from quartier_hil.scenario.site_file import TIMEOUT_MIN_S, format_site_file
from quartier_hil.scenario.supply_contract import ContractState, build_calendar
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.plant import building_model
from quartier_sim.site_clock import RigClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from quartier_hil.real_devices.bench_run import RealDevices

SITE_NAMES = TopicNames(group="issy", edge="b012")
_HARMLESS_EVENTS = frozenset(
    {"say", "plug", "caps", "broker", "heartbeat", "document", "schedule", "failsafe", "shed"}
)
LOOK_REAL_S, LOOKS_COUNT = 0.25, 4
"""Interval of the daemon's status in real seconds; a busy machine may be so many polls late."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Scenario to run, its series, and the folder of its results.

    ``watch`` is called about four times a real second; ``real_devices`` are the real ones, if any.
    ``may_slow``: end with TooSlowError where a machine that is too slow should run it at a lower rate.
    """

    scenario: asked.Scenario
    series: LoadSeries
    folder: Path
    broker: str | None = None
    watch: "Callable[[Run], None] | None" = None
    real_devices: "RealDevices | None" = None
    may_slow: bool = False


@dataclass
class Run:
    """The state of a run; what the views and the verdict read."""

    options: RunOptions
    scenario: asked.Scenario = field(init=False)
    caps: tuple[PromisedLimit, ...] = field(init=False)
    record: RunRecord = field(default_factory=RunRecord)
    kpis: RunFigures = field(default_factory=RunFigures)
    ledger: OrderLedger = field(default_factory=OrderLedger)
    modes: list[tuple[float, str]] = field(default_factory=list)
    alarms: AlarmLog = field(default_factory=AlarmLog)
    losses: LossLog = field(default_factory=LossLog)
    releases: list[ReleaseResult] = field(default_factory=list)
    downs: list[tuple[float, float]] = field(default_factory=list)
    crashes: list[tuple[float, int]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    last_status: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] | None = None
    stored: StoredHistory | None = None
    own_ledger: Sequence[daemon_history.WriteLedgerRow] = ()
    memory_max_mb: float = 0.0
    memory: list[tuple[float, float]] = field(default_factory=list)
    heard: Mapping[str, GroupCounts] = field(default_factory=dict)
    said: str = ""
    exit_code: int | None = None
    plant: building_model.BuildingState = field(init=False)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        """Prepare plant, promises and judges."""
        self.scenario = prepare_scenario(self.options.scenario, self.options.series)
        self.caps = list_promised_limits(self.scenario)
        self.real_devices = self.options.real_devices
        real = frozenset() if self.real_devices is None else self.real_devices.points
        further = (*plant_assets.list_asset_points(self.scenario), *planner.list_plan_points(self.scenario))
        self.record = RunRecord(further=further, real=real)
        site_spec = self.scenario.house
        self.spec = build_plant_spec(self.scenario)
        self.plant = building_model.build_initial_state(
            self.spec, site_spec.soc_pct, site_spec.tank_c, plant_assets.build_pieces(self.scenario)
        )
        self.checks: list[Check] = self._make_checks()
        # Where frequency is read faster than that, it moves as fast.
        self.step_s = min(max(self.scenario.rate / 40.0, 0.25), 1.0, site_spec.frequency_period_s)
        self.extra: list[tuple[float, float]] = []
        self._background_task: asyncio.Task[None] | None = None
        self.supervisor = DaemonSupervisor(self)
        self.director = EventDirector(self)
        self.real_s = 0.0
        self.narration = Narration(one for one in self.scenario.events if isinstance(one, StoryLine))
        self.lateness = SpeedMonitor(
            self.scenario.rate, self.scenario.duration_s, list_gateway_absences(self.scenario)
        )
        # Whatever harms a device or the daemon may make the grid meter stale by itself.
        self._has_only_harmless_events = all(one.do in _HARMLESS_EVENTS for one in self.scenario.events)
        self.zero_s = self.advance_s = planner.compute_advance_s(self.scenario)
        self.calendar = build_calendar(site_spec.tariff, self.scenario.start)
        self._planner = planner.PlannerMonitor()
        self.saving: Saving | None = None
        self.end_wh = 0.0, 0.0

    def _make_checks(self) -> list[Check]:
        slack_s = LOOKS_COUNT * LOOK_REAL_S * self.scenario.rate
        self._reason_check = ReasonCheck(
            {one.asset: one for one in list_outputs(self.scenario.house)}, slack_s
        )
        if self.real_devices is None:
            alike, *others = build_checks(self.scenario, self.caps)
            return [alike, self._reason_check, *others]
        checks = self.real_devices.select_checks(self.scenario)
        return self.real_devices.add_checks(
            build_checks(checks.scenario, self.caps), is_tightening=checks.is_tightening
        )

    # -- the way through -----------------------------------------------------------------

    async def perform(self) -> "Run":
        """The whole run.  Raises RigError when it cannot be made; all processes are ended in any case."""
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            await self._set_up(stack)
            await self._begin()
            try:
                await self._run_events()
            except ExceptionGroup as group:
                failed = find_rig_error(group)
                if failed is None:
                    raise
                raise type(failed)(str(failed)) from group
            await self._settle()
            self.real_s = time.monotonic() - began
        self.saving = await planner.compute_saving(self)
        return self

    async def _set_up(self, stack: AsyncExitStack) -> None:
        scenario = self.scenario
        work = make_work_folder(self.options.folder)
        await planner.write_prior_history(scenario, work)
        start = scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp()
        origin = time.time()
        self.clock = RigClock(origin, start - self.advance_s - origin, scenario.rate)
        self.broker = BrokerProcess(work, self.options.broker)
        await self.broker.start()
        stack.push_async_callback(self.broker.stop)
        self.peer = DistrictProcess(work, self.broker.port, SITE_NAMES, self.clock)
        await self.peer.start()
        stack.push_async_callback(self.peer.stop)
        if self.real_devices is not None:
            stack.push_async_callback(self.real_devices.end)
            await self.real_devices.begin(work, self.elapsed_s)
        self.wiring = DeviceWiring(
            scenario.seed, scenario.house, () if self.real_devices is None else self.real_devices.real
        )
        pty = work / "rs485"
        await self.wiring.serve(pty)
        stack.push_async_callback(self.wiring.close)
        self.smart_meters = SmartMeters(
            scenario.house.meters,
            work,
            contract_w=scenario.house.contract_import_w,
            rate=scenario.rate,
            seed=scenario.seed + 10,
            calendar=self.calendar,
        )
        self._publish(building_model.measure_quantities(self.spec, self.plant), 0.0)
        await self.smart_meters.serve()
        stack.push_async_callback(self.smart_meters.close)
        site = work / "site.toml"
        text = format_site_file(
            scenario.house,
            self.wiring,
            SITE_NAMES,
            pty=pty,
            broker_port=self.broker.port,
            issuers_file=self.peer.issuers_file,
            rate=scenario.rate,
            cycle_s=scenario.cycle_s,
        ) + self.smart_meters.site(TIMEOUT_MIN_S, is_grid=self.scenario.house.grid_meter == "linky")
        site.write_text(text if self.real_devices is None else self.real_devices.site(text))
        self.daemon = DaemonProcess(site, work, self.clock)
        await self.prepare(work, stack)
        stack.push_async_callback(self._stop_plant)
        await self.daemon.start()
        stack.push_async_callback(self._end_daemon)
        await self.supervisor.ready()

    async def prepare(self, work: Path, stack: AsyncExitStack) -> None:
        """Prepare the last things before the daemon starts; the rehearsal of a loss does more here."""

    async def _end_daemon(self) -> None:
        self.exit_code = await self.daemon.stop()
        if self.now_s >= self.scenario.duration_s:
            await self.supervisor.release()

    async def _begin(self) -> None:
        """Let the district confirm the contract; run a site with a planner up to the scenario's second 0."""
        site_spec = self.scenario.house
        contract = {"import_max_w": site_spec.contract_import_w, "export_max_w": site_spec.contract_export_w}
        for_s = self.scenario.duration_s + 86_400
        whole = {"duration_s": for_s, **contract}
        self.peer.order("caps", intervals=[whole], default=contract, for_s=for_s)
        if not self.advance_s:
            self.zero_s = self.clock.elapsed_s()
            return
        fresh, self.plant = self.plant, replace(self.plant, now_s=self.elapsed_s())
        await self._plant(0.0, self._live)
        # The time before does not count: the battery is as the scenario states.
        self.plant = replace(self.plant, battery=fresh.battery)

    async def _run_events(self) -> None:
        async with asyncio.TaskGroup() as group:
            look = group.create_task(self._look())
            events = group.create_task(self._events())
            accounts = group.create_task(meter_counts.count_run_groups(self))
            await self._plant(self.scenario.duration_s, self._step)
            self.end_wh = self.plant.battery.energy_wh, building_model.get_hot_water_wh(self.plant)
            self._background_task = asyncio.create_task(self._plant(inf, self._live))
            await events
            self.heard = await accounts
            look.cancel()

    # -- the plant -----------------------------------------------------------------------

    def elapsed_s(self) -> float:
        """Return the plant seconds since the scenario's start."""
        return self.clock.elapsed_s() - self.zero_s

    @property
    def limit(self) -> PromisedLimit:
        """The limit in force: what is promised, or what the gateway shows that it keeps where tighter."""
        return tighten_by_gateway(
            find_promised_limit(self.caps, self.now_s), read_gateway_limits(self.status.get("control"))
        )

    @property
    def day_s(self) -> float:
        """Return the seconds since the midnight before the start, by the site's clock."""
        start = self.scenario.start
        midnight_s = start.hour * 3600.0 + start.minute * 60.0 + start.second
        return midnight_s + self.zero_s - self.advance_s + self.plant.now_s

    @property
    def standing(self) -> ContractState | None:
        """State of the supply contract now; None where the site has none."""
        now_s = self.clock.origin_s + self.clock.offset_s + self.zero_s + self.now_s
        local = dt.datetime.fromtimestamp(now_s, ZoneInfo(ZONE_NAME)).replace(tzinfo=None)
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
        cap = find_promised_limit(self.caps, self.now_s)
        values |= {
            "cap.import_w": cap.import_w,
            "cap.export_w": cap.export_w,
            **make_limit_values(self.limit),
        }
        standing = self.standing
        values |= planner.make_plan_values(self.scenario, self.status, standing)
        self.record.add(self.now_s, values)
        for text in self.narration.step(self.now_s, values):
            self.said = text
            self.mark(text, "say")
        price, period = planner.find_price(standing, self.options.series.price(self.day_s))
        self.kpis.step(values, cap.import_w, price, self.step_s, period)
        for check in self.checks:
            check.step(self.now_s, self.step_s, values)

    def _live(self) -> dict[str, float]:
        """Step the plant and the timers of its devices; return the plant's values and the orders."""
        now_s = self.plant.now_s
        drive = self.options.series.at(self.day_s)
        extra_w = sum(power_w for power_w, until_s in self.extra if now_s < until_s)
        drive = replace(drive, base_w=drive.base_w + extra_w, day_s=self.day_s)
        orders = self.wiring.orders()
        if self.real_devices is not None:
            relay_on = self.real_devices.relay_on()
            orders = orders if relay_on is None else replace(orders, relay_on=relay_on)
            self.plant = building_model.set_measured_powers(self.plant, self.real_devices.powers_w())
        self.plant = building_model.step_building(self.spec, self.plant, orders, drive, self.step_s)
        values = building_model.measure_quantities(self.spec, self.plant)
        if self.real_devices is not None:
            values |= {
                name: value
                for name, value in self.real_devices.find_known_values({}).items()
                if name in values
            }
        self._publish(values, self.plant.now_s)
        self.director.write_clock_setting()
        values |= orders.values
        return values if self.real_devices is None else self.real_devices.find_known_values(values)

    async def _stop_plant(self) -> None:
        """Handle the end of the daemon: the plant is not observed any more."""
        if self._background_task is not None:
            self._background_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._background_task

    def _publish(self, values: dict[str, float], now_s: float) -> None:
        """Show the plant's values to every device and meter at second ``now_s`` of the scenario."""
        self.wiring.publish(values, now_s)
        self.smart_meters.publish(values, dt.datetime.fromtimestamp(self.clock.utc_ms() / 1_000, dt.UTC))

    # -- events --------------------------------------------------------------------------

    async def until(self, at_s: float) -> None:
        """Wait for second ``at_s`` of the scenario."""
        await asyncio.sleep(self.clock.real_s(at_s - self.elapsed_s()))

    async def _events(self) -> None:
        await self.director.perform()

    def mark(self, text: str, kind: str = "event") -> None:
        """Something happens now."""
        self.record.mark(self.elapsed_s(), text, kind)

    # -- looking on ----------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            self.status = await self.daemon.ask("status") or {}
            if self.status:
                self.last_status = self.status
                self.lateness.look(self.now_s, find_value(self.status, "cycles"))
                if self._has_only_harmless_events:
                    self.lateness.observe_meter(read_meter_state(self.status))
                if self.options.may_slow and self.lateness.is_stalled:
                    raise TooSlowError(self.lateness.words)
                self._record_orders()
                self._planner.look(self)
                control = self.status.get("control") or {}
                alarms, names = control.get("alarms", ()), control.get("alarm_names", ())
                self.alarms.look(self.elapsed_s(), alarms, names)
                if control:
                    self._reason_check.look(self.elapsed_s(), control)
                utc_ms = int(find_value(self.status, "utc_ms") or 0)
                self.losses.look(
                    self.elapsed_s(), read_losses(control, utc_ms) | read_silent_devices(self.status)
                )
                mode = read_link_state(self.status)
                if not self.modes or self.modes[-1][1] != mode:
                    self.modes.append((self.elapsed_s(), mode))
                    self._revise_limits(control)
            else:
                self._reason_check.begin()
            if not self.daemon.child.alive:
                await self.supervisor.restart_after_exit()
            memory_mb = self.daemon.memory_mb
            self.memory_max_mb = max(self.memory_max_mb, memory_mb)
            self.memory.append((self.elapsed_s(), memory_mb))
            if self.options.watch is not None:
                self.options.watch(self)
            await asyncio.sleep(LOOK_REAL_S)

    def _revise_limits(self, control: Mapping[str, Any]) -> None:
        """Enter the limits of a new mode from its beginning: a look sees it up to ``LOOK_REAL_S`` later."""
        age_s = control.get("mode_age_s")
        if isinstance(age_s, int | float):
            from_s = self.elapsed_s() - min(age_s, LOOKS_COUNT * LOOK_REAL_S * self.scenario.rate)
            shown = make_shown_values(read_gateway_limits(control))
            self.record.revise_limits(from_s, shown)
            for check in self.checks:
                if isinstance(check, ReactionCheck):
                    check.revise_limits(from_s, shown)

    def _record_orders(self) -> None:
        """Take the orders that the daemon shows; two of one output within a look are seen as the last."""
        for row in self.ledger.look(self.elapsed_s(), find_value(self.status, "assets")):
            for check in self.checks:
                if isinstance(check, OrderCheck):
                    check.take_order(row.last_s, row.point, row.value, row.reason)

    async def _settle(self) -> None:
        """Let the last samples arrive.

        The plant runs on without checks: a device with a stopped timer would look faulty.
        """
        wanted = [check.settle_s for check in self.scenario.checks if isinstance(check, DeliveryExpectation)]
        if wanted:
            await asyncio.sleep(self.clock.real_s(max(wanted)))
        # Before the whole history is read: the load by the checks is not lateness of the plant.
        self.last_status = await self.daemon.ask("status") or self.last_status
        if wanted:
            begin_s = self.clock.origin_s + self.clock.offset_s
            self.history = await daemon_history.read_all_samples(
                self.daemon, begin_s - 60.0, begin_s + self.zero_s + self.now_s
            )
        self.stored = await daemon_history.read_stored_history(self.daemon, self.scenario)
        assets = dict.fromkeys(out.asset for out in list_outputs(self.scenario.house))
        start_unix_s = self.clock.origin_s + self.clock.offset_s + self.zero_s
        self.own_ledger = await daemon_history.read_write_ledger(
            self.daemon, str(self.daemon.site_file), assets, start_unix_s
        )
