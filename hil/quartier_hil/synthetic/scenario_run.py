"""Run one scenario in one process: plant, devices as points, and the gateway's control, with synthetic
time.

The same scenario files, checks and report as over wires.  Checks that need wires, disks or processes are
named and left to a run over wires.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quartier.control.orders.local_plan import PLAN
from quartier.control.state import Decision
from quartier.site.records import Now, replace
from quartier_hil.checks.check_builder import (
    build_balance_check,
    build_requested_checks,
    collect_verdicts,
    name_proved_rows,
)
from quartier_hil.checks.figures import HourlyPeaks, RunFigures, Saving
from quartier_hil.checks.invariant_checks import OrderCheck
from quartier_hil.checks.limit_reaction import collect_reaction_figures
from quartier_hil.checks.promised_values import (
    PromisedLimit,
    find_promised_limit,
    list_promised_limits,
    make_limit_values,
    read_gateway_limits,
    tighten_by_gateway,
)
from quartier_hil.checks.run_record import (
    LossLog,
    OrderLedger,
    RunRecord,
    StoredHistory,
    list_stored_points,
    read_losses,
)
from quartier_hil.checks.status_checks import AlarmLog, ReasonCheck
from quartier_hil.checks.verdicts import Check, RunData, Verdict
from quartier_hil.report.svg_picture import draw_picture
from quartier_hil.runner import planner
from quartier_hil.runner.narration import Narration
from quartier_hil.runner.wall_clock import WallClock
from quartier_hil.scenario import expectations, plant_assets, preparation
from quartier_hil.scenario import scenario_file as asked
from quartier_hil.scenario.events import Blackout, DaemonStop, SecondMaster, StoryLine
from quartier_hil.scenario.outputs import list_outputs
from quartier_hil.scenario.plant_assets import ZONE_NAME, build_plant_spec
from quartier_hil.scenario.preparation import prepare_scenario, remove_planner
from quartier_hil.scenario.supply_contract import ContractState
from quartier_hil.synthetic import site_assembly
from quartier_hil.synthetic.controller import Controller
from quartier_hil.synthetic.event_actions import perform_event, require_no_wires
from quartier_hil.synthetic.history_recorder import HistoryRecorder
from quartier_hil.synthetic.planner import Planner
from quartier_hil.synthetic.prior_history import simulate_prior_history
from quartier_hil.synthetic.simulated_devices import SimulatedDevices
from quartier_hil.synthetic.simulated_district import SimulatedDistrict
from quartier_hil.synthetic.supply import ManualClock, Supply
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.plant import building_model, grid
from quartier_sim.plant.building_model import Orders

# Before the first second of a scenario the house has been running: readings are there, the link is up.
WARM_UP_S = 60.0
_DELIVERY_CHECKS = (
    expectations.DeliveryExpectation,
    expectations.ContinuityExpectation,
    expectations.ReportExpectation,
    expectations.ReleaseExpectation,
)
_COMPARISON_CHECKS = (expectations.SavingExpectation, expectations.PeakExpectation)
_WIRED_CHECKS = (
    *_DELIVERY_CHECKS,
    expectations.CyclePeriodExpectation,
    expectations.MeterCountExpectation,
    expectations.MemoryExpectation,
)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Scenario to run, its records, and the folder of its site file."""

    scenario: asked.Scenario
    series: LoadSeries
    folder: Path

    @property
    def step_s(self) -> float:
        """Step of plant and control, s: the cycle of the scenario."""
        return self.scenario.cycle_s


@dataclass
class SyntheticRun:
    """The state of a run in one process; what the verdict and the report read."""

    options: RunOptions
    scenario: asked.Scenario = field(init=False)
    record: RunRecord = field(default_factory=RunRecord)
    kpis: RunFigures = field(default_factory=RunFigures)
    hours: HourlyPeaks = field(default_factory=HourlyPeaks)
    ledger: OrderLedger = field(default_factory=OrderLedger)
    modes: list[tuple[float, str]] = field(default_factory=list)
    alarms: AlarmLog = field(default_factory=AlarmLog)
    losses: LossLog = field(default_factory=LossLog)
    downs: list[tuple[float, float]] = field(default_factory=list)
    view: Mapping[str, Any] = field(default_factory=dict)
    caps: tuple[PromisedLimit, ...] = field(init=False)
    now_s: float = -WARM_UP_S
    real_s: float = 0.0
    cpu_s: float = 0.0

    def __post_init__(self) -> None:
        """Prepare everything.  Raises ConfigError for a scenario that needs wires."""
        options = self.options
        self.scenario = prepare_scenario(options.scenario, options.series)
        require_no_wires(self.scenario)
        self.caps = list_promised_limits(self.scenario)
        drawn = tuple(point for picture in self.scenario.pictures for point in picture.points)
        self.record = RunRecord(
            further=(
                *plant_assets.list_asset_points(self.scenario),
                *planner.list_plan_points(self.scenario),
            ),
            drawn=drawn,
        )
        here = tuple(check for check in self.scenario.checks if not isinstance(check, _WIRED_CHECKS))
        self.evaluated_scenario = self.scenario.model_copy(update={"checks": here})
        clock = ManualClock()
        self.site = site_assembly.assemble_scenario_site(self.scenario, options.folder, clock)
        outputs = {one.asset: one for one in list_outputs(self.scenario.house)}
        self._reason_check = ReasonCheck(outputs, site=self.site.house)
        self.checks: list[Check] = [
            build_balance_check(self.evaluated_scenario),
            self._reason_check,
            *build_requested_checks(self.evaluated_scenario, self.caps),
        ]
        self._order_checks = [check for check in self.checks if isinstance(check, OrderCheck)]
        site_spec = self.scenario.house
        self.supply = Supply(self.scenario, self.site, clock)
        self.spec = build_plant_spec(self.scenario)
        rest = building_model.build_initial_state(
            self.spec, site_spec.soc_pct, site_spec.tank_c, plant_assets.build_pieces(self.scenario)
        )
        self.plant = replace(rest, now_s=-WARM_UP_S)
        self.devices = SimulatedDevices(
            self.site.devices, site_assembly.list_initial_outputs(self.site, site_spec), self.site.buses
        )
        planning = site_spec.planning
        self.planner: Planner | None = None
        if planning is not None:
            factors = {"load_factor": planning.load_factor, "sun_factor": planning.sun_factor}
            apart = self.site.premises.apart
            past = simulate_prior_history(
                self.scenario, self.spec, planning.history_days, apart=apart, **factors
            )
            self.planner = Planner(self.site, past)
        self.start_utc_ms = int(self.scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp() * 1e3)
        self.peer = SimulatedDistrict(site_spec, self.utc_ms(self.scenario.duration_s + 86_400))
        self.wall = WallClock()
        self.second_masters: list[SecondMaster] = []
        self.stored: StoredHistory | None = None
        self.history_recorder = (
            HistoryRecorder(self.site.store, options.folder) if list_stored_points(self.scenario) else None
        )
        self.controller: Controller | None = Controller(
            self.site, history_recorder=self.history_recorder
        ).start(self.now)
        self.kept: dict[str, Any] | None = None
        self.frozen_until_s, self._restart_at_s = float("-inf"), float("inf")
        self.contact = 0.0
        self._has_begun, self._has_rebooted = False, False
        self._supply_returns: list[tuple[float, tuple[str, ...]]] = []
        self.extra: list[tuple[float, float]] = []
        self.narration = Narration(one for one in self.scenario.events if isinstance(one, StoryLine))
        self._events = sorted(self.scenario.events, key=lambda event: event.at_s)

    @property
    def rig_only_checks(self) -> tuple[str, ...]:
        """The checks of the scenario that need wires, disks or processes."""
        return tuple(check.check for check in self.scenario.checks if isinstance(check, _WIRED_CHECKS))

    @property
    def words(self) -> str:
        """Conditions of the run, as text."""
        speed = self.scenario.duration_s / self.cpu_s if self.cpu_s else 0.0
        step = f"steps of {self.options.step_s:g} s"
        text = f"in one process without wires, {speed:,.0f} times real time on a core of its own, {step}"
        text = f"{text}, seed {self.scenario.seed}"
        left = ", ".join(self.rig_only_checks)
        return f"{text}; needs wires and is not judged: {left}" if left else text

    @property
    def facts(self) -> dict[str, str]:
        """Facts of the run to show with the verdicts."""
        tariff = self.scenario.house.tariff
        contract = {} if tariff is None else {"supply contract": tariff.words}
        return {"records": self.options.series.origin, "how": self.words, **contract}

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name: those of the plant and the outputs."""
        found = {
            **self.kpis.table(),
            **collect_reaction_figures(self.checks),
            "writes_count": float(self.devices.writes_count),
        }
        if self.saving is not None and self.planner is not None:
            found["unplanned_eur"] = self.saving.unplanned_eur
            found["saved_eur"] = self.saving.saving_eur
            found["hour_max_w"], found["unplanned_hour_max_w"] = self.saving.top_w or (0.0, 0.0)
            found["plans_count"] = float(self.planner.plans_count)
        return found

    # -- time --------------------------------------------------------------------------------

    def utc_ms(self, now_s: float) -> int:
        """The true time at a second of the scenario."""
        return self.start_utc_ms + int(now_s * 1e3)

    @property
    def now(self) -> Now:
        """The instant as control is told it."""
        utc_ms, synced = self.wall.shows(self.utc_ms(self.now_s))
        return Now(round((self.now_s + WARM_UP_S + 1.0) * 1e9), utc_ms, synced=synced)

    @property
    def true_now(self) -> Now:
        """The same instant by the district's clock, which is right."""
        return self.now._replace(utc_ms=self.utc_ms(self.now_s), synced=True)

    @property
    def day_s(self) -> float:
        """Seconds since the midnight before the start."""
        start = self.scenario.start
        return start.hour * 3600.0 + start.minute * 60.0 + start.second + self.now_s

    # -- the way through -----------------------------------------------------------------------

    def perform(self) -> "SyntheticRun":
        """The whole scenario."""
        began, worked = time.perf_counter(), time.process_time()
        self.run_until(self.scenario.duration_s)
        if self.history_recorder is not None:
            self.history_recorder.end(self.now)
            self.stored = self.history_recorder.tells(
                list_stored_points(self.scenario),
                *preparation.make_quarter_span(self.scenario).local_times,
                preparation.SITE_ZONE,
            )
        self.real_s = time.perf_counter() - began
        self.cpu_s = time.process_time() - worked
        return self

    def run_until(self, end_s: float) -> None:
        """Run the scenario up to ``end_s``; a later call goes on from there."""
        if not self._has_begun:
            self._has_begun = True
            self.peer.ask(None, self.true_now)
        while self.now_s < end_s:
            while self._events and self._events[0].at_s <= self.now_s:
                perform_event(self, self._events.pop(0))
            self._restore_supply()
            self._step()
            self._turn()

    def _follows_plan(self) -> bool:
        """Return whether the battery follows a plan, as the gateway itself shows it."""
        return self.controller is not None and self.view["assets"]["bat1"].get("led_by") == PLAN

    @cached_property
    def saving(self) -> Saving | None:
        """The saving by the plan; the first call also runs the same scenario without one."""
        planning = self.scenario.house.planning
        if self.planner is None or planning is None:
            return None
        alone = remove_planner(self.options.scenario)
        other = SyntheticRun(
            replace(self.options, scenario=alone, folder=self.options.folder / "unplanned")
        ).perform()
        standing = self.supply.at(self.utc_ms(self.now_s))
        return Saving(
            planned_eur=self.kpis.cost_eur,
            unplanned_eur=other.kpis.cost_eur,
            stored_wh=self.plant.battery.energy_wh - other.plant.battery.energy_wh,
            price_eur_per_wh=0.0 if standing is None else standing.price_eur_per_wh,
            heat_wh=building_model.get_hot_water_wh(self.plant)
            - building_model.get_hot_water_wh(other.plant),
            top_w=(self.hours.top_w, other.hours.top_w),
            tops_eur=(
                planning.peaks_eur(self.hours.days_w.values(), self.planner.reached_w),
                planning.peaks_eur(other.hours.days_w.values(), self.planner.reached_w),
            ),
        )

    def pictures(self) -> dict[str, str]:
        """The pictures of the scenario, by the name of their file."""
        return {
            f"{shown.name}.svg": draw_picture(shown, self.scenario, self.record, self.ledger)
            for shown in self.scenario.pictures
        }

    @property
    def ending(self) -> RunData:
        """Data of the run that is over, without those of the plant."""
        return RunData(
            modes=self.modes,
            downs=self.downs,
            answers=self.peer.answers,
            alarms=self.alarms.found,
            alarm_spans=self.alarms.spans,
            losses=self.losses.spans,
            saving=self.saving
            if any(isinstance(one, _COMPARISON_CHECKS) for one in self.scenario.checks)
            else None,
            is_wired=False,
            stored=self.stored,
            end_s=self.now_s,
        )

    def verdicts(self) -> list[Verdict]:
        """One for each check that can be judged here, and those that hold for every run."""
        return name_proved_rows(collect_verdicts(self.checks, self.ending), self.scenario, self.caps)

    def _write_as_masters(self) -> None:
        """Let other masters write what they are due to."""
        for one in self.second_masters:
            since_s = self.now_s - one.at_s
            if since_s < one.for_s and since_s % one.every_s < self.options.step_s:
                self.devices.overwrite(one.point, one.value, self.now_s)

    def _step(self) -> None:
        self._write_as_masters()
        drive = self.options.series.at(max(self.day_s, 0.0))
        extra_w = sum(power_w for power_w, until_s in self.extra if self.now_s < until_s)
        drive = replace(drive, base_w=drive.base_w + extra_w, day_s=self.day_s)
        orders = site_assembly.make_plant_orders(self.devices.orders(self.now_s))
        standing = self.supply.at(self.utc_ms(self.now_s))
        self.plant = building_model.step_building(self.spec, self.plant, orders, drive, self.options.step_s)
        self.now_s = self.plant.now_s
        values = building_model.measure_quantities(self.spec, self.plant)
        values["dso1.input_on"] = self.contact
        readings = list(self.devices.read(values, self.now_s, self.now.ns))
        readings += self.supply.turn(values, self.now_s, self.utc_ms(self.now_s), self.now)
        if self.controller is not None:
            self.controller.put(readings)
        if self.now_s > 0.0:
            self._judge(values, orders, standing)

    def _judge(self, values: dict[str, float], orders: Orders, standing: ContractState | None) -> None:
        values |= self.supply.values(self.utc_ms(self.now_s))
        values |= self.supply.build_gateway_values(self.controller, self.view, self.now)
        if self.planner is not None:
            self.planner.see(values, self.options.step_s)
            values[planner.LEADS_POINT] = float(self._follows_plan())
            values[planner.AGE_POINT] = self.planner.age_s(self.now)
        cap = find_promised_limit(self.caps, self.now_s)
        shown = {} if self.controller is None else read_gateway_limits(self.view)
        values |= {**orders.values, "cap.import_w": cap.import_w, "cap.export_w": cap.export_w}
        values |= make_limit_values(tighten_by_gateway(cap, shown))
        self.record.add(self.now_s, values)
        for text in self.narration.step(self.now_s, values):
            self.mark(text, "say")
        self.hours.step(self.day_s, values["grid.power_w"], self.options.step_s)
        step_s, price = self.options.step_s, self.options.series.price(self.day_s)
        if standing is None:
            self.kpis.step(values, cap.import_w, price, step_s)
        else:
            self.kpis.step(values, cap.import_w, standing.price_eur_per_wh, step_s, standing.period)
        for check in self.checks:
            check.step(self.now_s, self.options.step_s, values)

    def _turn(self) -> None:
        if self.controller is None:
            if self.now_s < self._restart_at_s:
                return
            self.controller = Controller(self.site, self.kept, self.history_recorder).start(
                self.now, outage=self._has_rebooted
            )
            self._has_rebooted = False
            self._reason_check.begin()
            self.supply.hear(on=True)
            self.peer.again()
            self.mark("the gateway starts")
        if self.now_s < self.frozen_until_s:
            return
        self.peer.tell(self.controller, self.utc_ms(self.now_s), self.now, self.now_s)
        plan = None if self.planner is None else self.planner.update(self.controller, self.now)
        self._take(self.controller.turn(self.now, plan))

    def _take(self, decision: Decision) -> None:
        self.devices.write(decision.commands, self.now_s)
        self.devices.give_back(decision.releases, self.now_s)
        self.view = decision.view
        self.alarms.look(self.now_s, self.view["alarms"])
        self.losses.look(self.now_s, read_losses(self.view))
        self._reason_check.look(self.now_s, self.view)
        for command in decision.commands:
            self.ledger.note(self.now_s, command.point, command.value, command.reason)
            for check in self._order_checks:
                check.take_order(self.now_s, command.point, command.value, command.reason)
        mode = str(decision.view["mode"])
        if not self.modes or self.modes[-1][1] != mode:
            self.modes.append((self.now_s, mode))

    # -- events --------------------------------------------------------------------------------

    def mark(self, text: str, kind: str = "event") -> None:
        """Tell the report that something happens now."""
        self.record.mark(self.now_s, text, kind)

    def blackout(self, event: Blackout) -> None:
        """The supply goes with all that hangs on it; the gateway starts on another boot when it is back."""
        self.mark("the supply is gone", "fault")
        self._supply_returns.append((self.now_s + event.for_s, event.backed))
        self._supply(on=False, backed=event.backed)
        if event.gateway_s is not None:
            self._has_rebooted = True
            self._end(self.now_s + event.gateway_s)

    def _supply(self, *, on: bool, backed: tuple[str, ...]) -> None:
        volts = grid.NOMINAL_V if on else 0.0
        self.plant = building_model.set_public_grid(
            self.plant, grid.set_voltage(self.plant.mains, volts, (1, 2, 3))
        )
        self.supply.power(on=on, backed=backed)
        for name in self.devices.names:
            if name not in backed:
                self.devices.clear(name, "off") if on else self.devices.fault(name, "off", self.now_s)

    def _restore_supply(self) -> None:
        while self._supply_returns and self._supply_returns[0][0] <= self.now_s:
            self.mark("the supply is back")
            self._supply(on=True, backed=self._supply_returns.pop(0)[1])

    def down(self, event: DaemonStop) -> None:
        """The process ends: what it keeps on disk stays, outputs are released where somebody does."""
        words = "kill -9" if event.do == "kill" else "the gateway is stopped"
        self.mark(words if event.release else f"{words}, and nothing releases", "fault")
        self._end(self.now_s + event.down_s)
        if event.release or event.do == "stop":
            self.devices.release(self.site.house.release_values, self.now_s)

    def _end(self, back_s: float) -> None:
        """The process is gone until then; what it keeps on disk stays."""
        if self.controller is not None:
            self.kept = self.controller.leave(self.now)
            self.devices.drop_waiting_orders()
            self.supply.hear(on=False)
        self.controller = None
        self._restart_at_s = back_s
        self.downs.append((self.now_s, back_s))
