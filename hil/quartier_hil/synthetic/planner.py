"""The gateway's planner in this process: called when the daemon's task would call it, with an answer at
once.

Request, answer, forecast and back-test are the gateway's own; the task only adds a thread, which synthetic
time does not need.  A dead or hanging planner gives no new plan: the one before has its own end.
"""

from collections.abc import Mapping
from math import inf

from quartier.control.observe import meter_clocks
from quartier.control.requests import LocalPlan
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.site_history import PowerHistory
from quartier.planning.horizon import RefusedError
from quartier.planning.service.plan_request import answer_request
from quartier.site.records import Now, replace
from quartier_hil.synthetic.controller import Controller
from quartier_hil.synthetic.prior_history import MEAN_S, PriorHistory
from quartier_hil.synthetic.site_assembly import BACKTEST_S, AssembledSite

PLAN_INTERVAL_S, PLAN_INTERVAL_MIN_S = 300.0, 10.0
"""A new plan so often at least, and at most."""
_SLOT_S = 3_600.0


class Planner:
    """Planner of a site; ``past`` is its history before the scenario."""

    def __init__(self, site: AssembledSite, past: PriorHistory) -> None:
        self.is_alive = True
        self.period_s = PLAN_INTERVAL_S  # a house may be given more time
        self.why = "the first plan is not made yet"
        self.plans_count = 0
        self.request: LocalPlan | None = None
        self.start_ns: int | None = None
        self._site = site
        self._learner, self._trial = Learner(site.premises), site.trial()
        self._surcharges = site.surcharges()
        self._learn(past.history, past.grid)
        self._seen: object = None
        self._asked_ns = -(10**18)
        self._step_powers_w: list[tuple[float, float, float]] = []
        self._quarter_means_w: list[tuple[float, ...]] = []
        self._since_s = past.grid.start_utc_s + len(past.grid.load_w) * past.grid.step_s
        self.reached_w = self._surcharges.find_month_peak_w(self._since_s)
        """The peak of the month before, W."""

    def update(self, controller: Controller, now: Now) -> LocalPlan | None:
        """Return the plan in force now; make a new one each five minutes and on any change that matters."""
        if self.is_alive and controller.state.active_limits is not None and self._is_due(controller, now):
            self._asked_ns = now.ns
            try:
                doubt = self._trial.why_not
                question = self._site.question(controller.state, controller.linked, now, doubt)
                self.request = answer_request(
                    self._surcharges.add_surcharges(question), self._learner
                ).local_plan
                self.why, self.start_ns = "", question.start_ns
                self.plans_count += 1
            except RefusedError as refused:
                self.request, self.start_ns, self.why = None, None, str(refused)
        return self.request

    def age_s(self, now: Now) -> float:
        """Return the age of the plan in force, s; inf if there is none."""
        return inf if self.start_ns is None else (now.ns - self.start_ns) / 1e9

    def _learn(self, history: PowerHistory, grid: PowerHistory) -> None:
        """Learn each slot, and of the last week try before what a plan would have cost in it."""
        for slot, import_w, _ in grid.iterate_slots(self._learner.grid):
            self._surcharges.learn(slot, import_w)
        slots = list(history.iterate_slots(self._learner.grid))
        tried_count = BACKTEST_S // self._learner.grid.slot_s
        for place, one in enumerate(slots):
            if len(slots) - place <= tried_count:
                self._trial.step(self._learner, *one)
            self._learner.step(*one)

    def _is_due(self, controller: Controller, now: Now) -> bool:
        since_s = (now.ns - self._asked_ns) / 1e9
        seen = self._list_plan_triggers(controller, now)
        is_changed = seen != self._seen and since_s >= PLAN_INTERVAL_MIN_S
        if not is_changed and since_s < self.period_s:
            return False
        self._seen = seen
        return True

    def _list_plan_triggers(self, controller: Controller, now: Now) -> object:
        """Return the values on whose change a new plan is due."""
        state = controller.state
        force = state.active_limits
        caps = None if force is None else (force.import_w, force.export_w)
        doubt = meter_clocks.find_clock_doubt(state.clocks, now.ns)
        return (
            caps,
            self._site.list_plan_triggers(state),
            self._site.read_meter_tariff(state, now),
            now.synced,
            doubt,
        )

    def see(self, values: Mapping[str, float], dt_s: float) -> None:
        """Take a step of the plant; learn from each whole hour."""
        sun_w = -values["pv1.power_w"]
        apart_w = sum(values[f"{name}.power_w"] for name in ("bat1", "ev1", *self._site.premises.apart))
        grid_w = values["grid.power_w"]
        self._step_powers_w.append((grid_w - apart_w + sun_w, sun_w, grid_w))
        count = round(MEAN_S / dt_s)
        if len(self._step_powers_w) == count:
            self._quarter_means_w.append(
                tuple(sum(column) / count for column in zip(*self._step_powers_w, strict=True))
            )
            self._step_powers_w.clear()
        until_s = self._since_s + len(self._quarter_means_w) * MEAN_S
        if self._quarter_means_w and until_s % _SLOT_S == 0.0:
            load, sun, grid = zip(*self._quarter_means_w, strict=True)
            past = PowerHistory(start_utc_s=self._since_s, step_s=MEAN_S, load_w=load, generated_w=sun)
            self._learn(past, replace(past, load_w=grid, generated_w=()))
            self._quarter_means_w.clear()
            self._since_s = until_s
