"""One scenario in one process: plant, devices as points, and the gateway's control, with synthetic time.

The same scenario files, checks and report as over the wires; what needs wires, disks or processes to be
judged is named and left to them.
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
from quartier_hil import fitted, planned, span, wanted
from quartier_hil import scenario as asked
from quartier_hil.happenings import Blackout, Master
from quartier_hil.narration import Narration
from quartier_hil.offline import premises
from quartier_hil.offline.controller import Controller
from quartier_hil.offline.doors import Doors
from quartier_hil.offline.events import happen
from quartier_hil.offline.historian import Historian
from quartier_hil.offline.past import lived
from quartier_hil.offline.peer import Peer
from quartier_hil.offline.planner import Planner
from quartier_hil.offline.refusal import refuse
from quartier_hil.offline.speaking import Moment
from quartier_hil.offline.supply import Supply
from quartier_hil.outputs import outputs
from quartier_hil.plant import building, mains
from quartier_hil.plant.building import Orders
from quartier_hil.prepared import prepared, unplanned
from quartier_hil.records.series import Series
from quartier_hil.report.picture import picture
from quartier_hil.run import ZONE, specified
from quartier_hil.tariff import Standing
from quartier_hil.verdict.agreed import ReasonsAgree
from quartier_hil.verdict.alarmed import Raised
from quartier_hil.verdict.checks import Ending, Judge, Verdict
from quartier_hil.verdict.course import Course
from quartier_hil.verdict.hours import Hours
from quartier_hil.verdict.invariants import OrderJudge
from quartier_hil.verdict.judging import asked_for, balance, verdicts
from quartier_hil.verdict.kpis import Kpis, Saving
from quartier_hil.verdict.losses import Losses, told
from quartier_hil.verdict.ordered import Ledger
from quartier_hil.verdict.promise import Cap, caps, in_force, kept_by_gateway, limit_values, owed
from quartier_hil.verdict.stored import Stored, points
from quartier_hil.verdict.tightening import tightened
from quartier_hil.wall import WallClock

# Before the first second of a scenario the house has been running: readings are there, the link is up.
WARM_S = 60.0
_DELIVERED = (wanted.Delivered, wanted.NothingLost, wanted.Told, wanted.Released)
_COMPARED = (wanted.Saved, wanted.Lowered)
_ON_WIRES = (*_DELIVERED, wanted.OnTime, wanted.Accounted, wanted.Memory)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Scenario to run, its records, and the folder of its site file."""

    scenario: asked.Scenario
    series: Series
    folder: Path

    @property
    def step_s(self) -> float:
        """Step of plant and control, s: the cycle of the scenario."""
        return self.scenario.cycle_s


@dataclass
class Day:
    """The state of a run in one process; what the verdict and the report read."""

    options: Options
    scenario: asked.Scenario = field(init=False)
    course: Course = field(default_factory=Course)
    kpis: Kpis = field(default_factory=Kpis)
    hours: Hours = field(default_factory=Hours)
    ledger: Ledger = field(default_factory=Ledger)
    modes: list[tuple[float, str]] = field(default_factory=list)
    alarms: Raised = field(default_factory=Raised)
    losses: Losses = field(default_factory=Losses)
    downs: list[tuple[float, float]] = field(default_factory=list)
    view: Mapping[str, Any] = field(default_factory=dict)
    caps: tuple[Cap, ...] = field(init=False)
    now_s: float = -WARM_S
    real_s: float = 0.0
    cpu_s: float = 0.0

    def __post_init__(self) -> None:
        """Prepare everything.  Raises ConfigError for a scenario that needs wires."""
        options = self.options
        self.scenario = prepared(options.scenario, options.series)
        refuse(self.scenario)
        self.caps = caps(self.scenario)
        drawn = tuple(point for picture in self.scenario.pictures for point in picture.points)
        self.course = Course(
            further=(*fitted.points(self.scenario), *planned.points(self.scenario)), drawn=drawn
        )
        here = tuple(check for check in self.scenario.checks if not isinstance(check, _ON_WIRES))
        self.judged_scenario = self.scenario.model_copy(update={"checks": here})
        self._agreed = ReasonsAgree({one.asset: one for one in outputs(self.scenario.house)})
        self.judges: list[Judge] = [
            balance(self.judged_scenario),
            self._agreed,
            *asked_for(self.judged_scenario, self.caps),
        ]
        self._readers = [judge for judge in self.judges if isinstance(judge, OrderJudge)]
        house = self.scenario.house
        clock = Moment()
        self.site = premises.site(self.scenario, options.folder, clock)
        self.supply = Supply(self.scenario, self.site, clock)
        self.spec = specified(self.scenario)
        rest = building.fresh(self.spec, house.soc_pct, house.tank_c, fitted.pieces(self.scenario))
        self.plant = replace(rest, now_s=-WARM_S)
        self.doors = Doors(self.site.devices, premises.own(self.site, house), self.site.buses)
        planning = house.planning
        self.planner: Planner | None = None
        if planning is not None:
            factors = {"load_factor": planning.load_factor, "sun_factor": planning.sun_factor}
            apart = self.site.premises.apart
            past = lived(self.scenario, self.spec, planning.history_days, apart=apart, **factors)
            self.planner = Planner(self.site, past)
        self.start_utc_ms = int(self.scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1e3)
        self.peer = Peer(house, self.utc_ms(self.scenario.duration_s + 86_400))
        self.wall = WallClock()
        self.masters: list[Master] = []
        self.stored: Stored | None = None
        self.historian = Historian(self.site.store, options.folder) if points(self.scenario) else None
        self.controller: Controller | None = Controller(self.site, historian=self.historian).start(self.now)
        self.kept: dict[str, Any] | None = None
        self.frozen_until_s, self._back_s = float("-inf"), float("inf")
        self.contact = 0.0
        self._has_begun, self._rebooted = False, False
        self._supplied_s: list[tuple[float, tuple[str, ...]]] = []
        self.extra: list[tuple[float, float]] = []
        self.narration = Narration(one for one in self.scenario.events if isinstance(one, asked.Say))
        self._events = sorted(self.scenario.events, key=lambda event: event.at_s)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The checks of the scenario that need wires, disks or processes."""
        return tuple(check.check for check in self.scenario.checks if isinstance(check, _ON_WIRES))

    @property
    def words(self) -> str:
        """Conditions of the run, as text."""
        speed = self.scenario.duration_s / self.cpu_s if self.cpu_s else 0.0
        step = f"steps of {self.options.step_s:g} s"
        text = f"in one process without wires, {speed:,.0f} times real time on a core of its own, {step}"
        text = f"{text}, seed {self.scenario.seed}"
        left = ", ".join(self.unjudged)
        return f"{text}; needs wires and is not judged: {left}" if left else text

    @property
    def facts(self) -> dict[str, str]:
        """Facts of the run to show with the verdicts."""
        tariff = self.scenario.house.tariff
        told = {} if tariff is None else {"supply contract": tariff.words}
        return {"records": self.options.series.origin, "how": self.words, **told}

    @property
    def figures(self) -> dict[str, float]:
        """The figures by name: those of the plant and the outputs."""
        found = {
            **self.kpis.table(),
            **tightened(self.judges),
            "writes_count": float(self.doors.writes_count),
        }
        if self.saving is not None and self.planner is not None:
            found["unplanned_eur"] = self.saving.unplanned_eur
            found["saved_eur"] = self.saving.saved_eur
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
        return Now(round((self.now_s + WARM_S + 1.0) * 1e9), utc_ms, synced=synced)

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

    def perform(self) -> "Day":
        """The whole scenario."""
        began, worked = time.perf_counter(), time.process_time()
        self.perform_until(self.scenario.duration_s)
        if self.historian is not None:
            self.historian.end(self.now)
            self.stored = self.historian.tells(
                points(self.scenario), *span.of(self.scenario).asked, span.ZONE
            )
        self.real_s = time.perf_counter() - began
        self.cpu_s = time.process_time() - worked
        return self

    def perform_until(self, end_s: float) -> None:
        """Run the scenario up to ``end_s``; a later call goes on from there."""
        if not self._has_begun:
            self._has_begun = True
            self.peer.ask(None, self.true_now)
        while self.now_s < end_s:
            while self._events and self._events[0].at_s <= self.now_s:
                happen(self, self._events.pop(0))
            self._resupply()
            self._step()
            self._turn()

    def _leads(self) -> bool:
        """Return whether the battery follows a plan, as the gateway itself shows it."""
        return self.controller is not None and self.view["assets"]["bat1"].get("led_by") == PLAN

    @cached_property
    def saving(self) -> Saving | None:
        """The saving by the plan; the first call also runs the same scenario without one."""
        planning = self.scenario.house.planning
        if self.planner is None or planning is None:
            return None
        alone = unplanned(self.options.scenario)
        other = Day(replace(self.options, scenario=alone, folder=self.options.folder / "unplanned")).perform()
        standing = self.supply.at(self.utc_ms(self.now_s))
        return Saving(
            planned_eur=self.kpis.cost_eur,
            unplanned_eur=other.kpis.cost_eur,
            stored_wh=self.plant.battery.energy_wh - other.plant.battery.energy_wh,
            price_eur_per_wh=0.0 if standing is None else standing.price_eur_per_wh,
            heat_wh=building.heat_wh(self.plant) - building.heat_wh(other.plant),
            top_w=(self.hours.top_w, other.hours.top_w),
            tops_eur=(
                planning.peaks_eur(self.hours.days_w.values(), self.planner.reached_w),
                planning.peaks_eur(other.hours.days_w.values(), self.planner.reached_w),
            ),
        )

    def pictures(self) -> dict[str, str]:
        """The pictures of the scenario, by the name of their file."""
        return {
            f"{shown.name}.svg": picture(shown, self.scenario, self.course, self.ledger)
            for shown in self.scenario.pictures
        }

    @property
    def ending(self) -> Ending:
        """Data of the run that is over, without those of the plant."""
        return Ending(
            modes=self.modes,
            downs=self.downs,
            answers=self.peer.answers,
            alarms=self.alarms.found,
            alarm_spans=self.alarms.spans,
            losses=self.losses.spans,
            saving=self.saving if any(isinstance(one, _COMPARED) for one in self.scenario.checks) else None,
            is_wired=False,
            stored=self.stored,
            end_s=self.now_s,
        )

    def verdicts(self) -> list[Verdict]:
        """One for each check that can be judged here, and those that hold for every run."""
        return verdicts(self.judges, self.ending)

    def _meddle(self) -> None:
        """Let other masters write what they are due to."""
        for one in self.masters:
            since_s = self.now_s - one.at_s
            if since_s < one.for_s and since_s % one.every_s < self.options.step_s:
                self.doors.overwrite(one.point, one.value, self.now_s)

    def _step(self) -> None:
        self._meddle()
        drive = self.options.series.at(max(self.day_s, 0.0))
        extra_w = sum(power_w for power_w, until_s in self.extra if self.now_s < until_s)
        drive = replace(drive, base_w=drive.base_w + extra_w, day_s=self.day_s)
        orders = premises.orders(self.doors.orders(self.now_s))
        standing = self.supply.at(self.utc_ms(self.now_s))
        self.plant = building.step(self.spec, self.plant, orders, drive, self.options.step_s)
        self.now_s = self.plant.now_s
        values = building.values(self.spec, self.plant)
        values["dso1.input_on"] = self.contact
        told = list(self.doors.read(values, self.now_s, self.now.ns))
        told += self.supply.turn(values, self.now_s, self.utc_ms(self.now_s), self.now)
        if self.controller is not None:
            self.controller.put(told)
        if self.now_s > 0.0:
            self._judge(values, orders, standing)

    def _judge(self, values: dict[str, float], orders: Orders, standing: Standing | None) -> None:
        values |= self.supply.values(self.utc_ms(self.now_s))
        values |= self.supply.known(self.controller, self.view, self.now)
        if self.planner is not None:
            self.planner.see(values, self.options.step_s)
            values[planned.LEADS] = float(self._leads())
            values[planned.AGE] = self.planner.age_s(self.now)
        cap = owed(self.caps, self.now_s)
        shown = {} if self.controller is None else kept_by_gateway(self.view)
        values |= {**orders.values, "cap.import_w": cap.import_w, "cap.export_w": cap.export_w}
        values |= limit_values(in_force(cap, shown))
        self.course.add(self.now_s, values)
        for said in self.narration.step(self.now_s, values):
            self.mark(said, "say")
        self.hours.step(self.day_s, values["grid.power_w"], self.options.step_s)
        step_s, price = self.options.step_s, self.options.series.price(self.day_s)
        if standing is None:
            self.kpis.step(values, cap.import_w, price, step_s)
        else:
            self.kpis.step(values, cap.import_w, standing.price_eur_per_wh, step_s, standing.period)
        for judge in self.judges:
            judge.step(self.now_s, self.options.step_s, values)

    def _turn(self) -> None:
        if self.controller is None:
            if self.now_s < self._back_s:
                return
            self.controller = Controller(self.site, self.kept, self.historian).start(
                self.now, outage=self._rebooted
            )
            self._rebooted = False
            self._agreed.begin()
            self.supply.hear(on=True)
            self.peer.again()
            self.mark("the gateway starts")
        if self.now_s < self.frozen_until_s:
            return
        self.peer.tell(self.controller, self.utc_ms(self.now_s), self.now, self.now_s)
        plan = None if self.planner is None else self.planner.lead(self.controller, self.now)
        self._take(self.controller.turn(self.now, plan))

    def _take(self, decision: Decision) -> None:
        self.doors.write(decision.commands, self.now_s)
        self.doors.give_back(decision.releases, self.now_s)
        self.view = decision.view
        self.alarms.look(self.now_s, self.view["alarms"])
        self.losses.look(self.now_s, told(self.view))
        self._agreed.look(self.now_s, self.view)
        for command in decision.commands:
            self.ledger.note(self.now_s, command.point, command.value, command.reason)
            for judge in self._readers:
                judge.ordered(self.now_s, command.point, command.value, command.reason)
        mode = str(decision.view["mode"])
        if not self.modes or self.modes[-1][1] != mode:
            self.modes.append((self.now_s, mode))

    # -- events --------------------------------------------------------------------------------

    def mark(self, text: str, kind: str = "event") -> None:
        """Tell the report that something happens now."""
        self.course.mark(self.now_s, text, kind)

    def blackout(self, event: Blackout) -> None:
        """The supply goes with all that hangs on it; the gateway starts on another boot when it is back."""
        self.mark("the supply is gone", "fault")
        self._supplied_s.append((self.now_s + event.for_s, event.backed))
        self._supply(on=False, backed=event.backed)
        if event.gateway_s is not None:
            self._rebooted = True
            self._end(self.now_s + event.gateway_s)

    def _supply(self, *, on: bool, backed: tuple[str, ...]) -> None:
        volts = mains.NOMINAL_V if on else 0.0
        self.plant = building.set_mains(self.plant, mains.levelled(self.plant.mains, volts, (1, 2, 3)))
        self.supply.power(on=on, backed=backed)
        for name in self.doors.names:
            if name not in backed:
                self.doors.clear(name, "off") if on else self.doors.fault(name, "off", self.now_s)

    def _resupply(self) -> None:
        while self._supplied_s and self._supplied_s[0][0] <= self.now_s:
            self.mark("the supply is back")
            self._supply(on=True, backed=self._supplied_s.pop(0)[1])

    def down(self, event: asked.Kill) -> None:
        """The process ends: what it keeps on disk stays, outputs are released where somebody does."""
        words = "kill -9" if event.do == "kill" else "the gateway is stopped"
        self.mark(words if event.release else f"{words}, and nothing releases", "fault")
        self._end(self.now_s + event.down_s)
        if event.release or event.do == "stop":
            self.doors.release(self.site.house.release_values, self.now_s)

    def _end(self, back_s: float) -> None:
        """The process is gone until then; what it keeps on disk stays."""
        if self.controller is not None:
            self.kept = self.controller.leave(self.now)
            self.doors.lose_waiting()
            self.supply.hear(on=False)
        self.controller = None
        self._back_s = back_s
        self.downs.append((self.now_s, back_s))
