"""Plan every five minutes and on changes, in a thread of its own; hold the plan in force.

Neither polling nor control ever waits for the planner. Its result is a request that expires. A late answer is
discarded.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from quartier.config.loading import LoadedSite
from quartier.config.stored_site_file import GatewayPaths
from quartier.control.limits.active import ActiveLimits
from quartier.control.link.allowed import LinkParameters
from quartier.control.link.state import LinkState
from quartier.control.observe import meter_clocks
from quartier.control.observe.quarter_hours import DAY_SLOTS, SLOT_MS
from quartier.control.orders import local_plan
from quartier.control.orders.signals import Signals
from quartier.control.reason import render_data
from quartier.control.requests import LocalPlan
from quartier.control.state import ControlState
from quartier.planning.forecast.forecast_series import Forecast
from quartier.planning.forecast.learning import Learner
from quartier.planning.horizon import RefusedError
from quartier.planning.service import plannable_assets, planner_inputs
from quartier.planning.service.forecast_points import SiteForecast, make_site_forecast
from quartier.planning.service.plan_request import PlanAnswer, PlanRequest, answer_request
from quartier.planning.service.planner_inputs import read_meter_tariff
from quartier.planning.service.training import ForecastTraining
from quartier.runtime.service_context import ServiceContext
from quartier.runtime.worker import Worker, WorkerBusy, WorkerLost
from quartier.site.records import Now
from quartier.site.site_layout import Site

PLAN_PERIOD_S, PLAN_INTERVAL_MIN_S, CHECK_PERIOD_S = 300.0, 10.0, 2.0
"""Largest and smallest interval between plans, and the period of the check for changes, in s."""


RETRY_S = 30.0
"""Delay before the next attempt after a plan that could not be made, in s."""


PLAN_TIMEOUT_S, TRAINING_TIMEOUT_S = 20.0, 600.0
"""Real seconds that the thread may take for a plan, and for forecast and training."""


ANSWER_AGE_MAX_S = 120.0
"""An answer that took longer than this, in time of the site, is outdated."""


_CHECK_PERIOD_FLOOR_S = 0.02
MakePlan = Callable[[PlanRequest, Learner], PlanAnswer]


class ControlView(Protocol):
    """View of the control loop that the planner reads."""

    params: LinkParameters
    link: LinkState

    @property
    def site(self) -> Site:
        """Return the site as control sees it."""

    @property
    def state(self) -> ControlState:
        """Return the state after the last cycle."""

    @property
    def active_limits(self) -> ActiveLimits | None:
        """Return the active limits; None before the first cycle."""

    @property
    def signals(self) -> Signals:
        """Return the signals of the district."""

    @property
    def is_out(self) -> bool:
        """Return whether the public grid is out."""

    def find_text(self, point: str) -> str:
        """Return the last text that a device gave for a point; empty where there is none."""


class Planner:
    """Requests plans and holds the plan in force; ``answered`` is the function that plans."""

    def __init__(
        self,
        loaded: LoadedSite,
        places: GatewayPaths,
        turn: ControlView,
        context: ServiceContext,
        answered: MakePlan = answer_request,
    ) -> None:
        site = loaded.site
        self._site, self._control = site, turn
        self._clock = context.clock
        self._event = context.event
        self._log = context.log
        self._answered = answered
        self._worker = Worker("planner")
        self._places = places
        self._premises = planner_inputs.make_premises(site, turn.site)
        self._start_training()
        self.forecast_points = SiteForecast(site)
        self._due_ns = self._asked_ns = 0
        self._learn_s = 0.0
        self._quotes: object = ()
        self._triggers: object = None
        self.answer: PlanAnswer | None = None
        self.why = "the first plan is not made yet"

    def _start_training(self) -> None:
        """Create a learner without data and a new back-test."""
        self._trial = planner_inputs.make_plan_backtest(self._site)
        self._training = ForecastTraining(
            self._premises,
            self._site,
            self._site.store.file(self._places.state_dir),
            self._places.runtime_dir,
            self._places.state_dir,
            self._trial,
        )
        self._is_recalled = False

    @property
    def local_plan(self) -> LocalPlan | None:
        """Return the request of the plan in force; it contains its expiry."""
        return None if self.answer is None else self.answer.local_plan

    @property
    def _clock_doubt(self) -> str:
        return meter_clocks.find_clock_doubt(self._control.state.clocks, self._clock.now_ns())

    async def run(self) -> None:
        """Plan for ever."""
        await self._load_training()
        while True:
            if self._is_due(self._clock.now_ns()):
                await self._plan_if_due()
            await self._clock.sleep_coarsely(CHECK_PERIOD_S, _CHECK_PERIOD_FLOOR_S)

    async def _load_training(self) -> None:
        """Load the earlier training, if it is not loaded yet."""
        if not self._is_recalled:
            await self._worker.run(self._training.recall, TRAINING_TIMEOUT_S)
            self._is_recalled, self._learn_s = True, 0.0
            self._report_new_training()

    def _report_new_training(self) -> None:
        """Log once why training starts afresh."""
        if self._training.why_new:
            self._log.warning("forecast.begun_anew", why=self._training.why_new)
            self._training.why_new = ""

    def _is_due(self, now_ns: int) -> bool:
        if self._control.active_limits is None:
            return False  # the first cycle has not ended
        seen = self._collect_triggers()
        is_changed = seen != self._triggers and now_ns - self._asked_ns >= PLAN_INTERVAL_MIN_S * 1e9
        if not is_changed and now_ns < self._due_ns:
            return False
        self._triggers = seen
        return True

    def _collect_triggers(self) -> object:
        """Return the values whose change makes a new plan due."""
        state, now = self._control.state, self._clock.now()
        force = state.active_limits
        caps = None if force is None else (force.import_w, force.export_w)
        signals = self._control.signals
        signal_numbers = [
            (one.id, one.seq) for kind, one in sorted(signals.items()) if kind in {"price", "co2"}
        ]
        heard = read_meter_tariff(state, now, self._control.find_text)
        return (
            caps,
            plannable_assets.collect_plan_triggers(state),
            signal_numbers,
            heard,
            now.synced,
            self._clock_doubt,
            self._control.is_out,
        )

    async def _plan_if_due(self) -> None:
        now = self._clock.now()
        self._asked_ns, self._due_ns = now.ns, now.ns + int(PLAN_PERIOD_S * 1e9)
        try:
            await self._load_training()
            if now.synced and not self._clock_doubt:  # with a wrong clock nothing is learned or forgotten
                await self._hear(now)
                await self._learn(now)
                await self._update_forecast(now)
            now = self._clock.now()
            turn = self._control
            question = planner_inputs.make_question(
                self._site,
                turn.state,
                turn.link,
                turn.params,
                turn.signals,
                now,
                distrust=self._trial.why_not,
                read_text=turn.find_text,
            )
            training, plan = self._training, self._answered
            found = await self._worker.run(
                lambda: plan(training.surcharges.add_surcharges(question), training.learner), PLAN_TIMEOUT_S
            )
        except RefusedError as refused:
            self._reject(str(refused), now)
            return
        except (WorkerBusy, TimeoutError):
            self._report_reason("the planner did not answer in time", now)
            return
        except WorkerLost:
            self._replace(now)
            return
        if self._clock.now_ns() - now.ns > ANSWER_AGE_MAX_S * 1e9:
            self._report_reason("a plan came too late and was thrown away", now)
            return
        if self.answer is None or self.why:
            self._log.info("plan.made", asset=question.asset, steps=len(found.plan.steps))
            names = " and ".join((*found.local_plan.aims, *found.local_plan.legs)) or "nobody"
            self._event("plan.made", f"{names} follows the local plan", {}, now)
        if found.others.why_not and (self.answer is None or not self.answer.others.why_not):
            self._log.warning("plan.partial", why=found.others.why_not)
            self._event("plan.partial", f"the battery alone is planned: {found.others.why_not}", {}, now)
        self.answer, self.why = found, ""

    async def _hear(self, now: Now) -> None:
        """Store the prices that the district signals, so that plans based on them can be back-tested."""
        trial, utc_s = self._trial, now.utc_ms / 1000
        quotes = tuple(planner_inputs.find_signal_quotes(self._control.signals))
        heard = quotes, utc_s // 3600  # they reach further each hour, even if unchanged
        if trial.tariff.kind == "signal" and heard != self._quotes:
            await self._worker.run(lambda: trial.quoted.hear(trial.tariff, quotes, utc_s), PLAN_TIMEOUT_S)
            self._quotes = heard

    async def _learn(self, now: Now) -> None:
        slot_s = self._training.learner.grid.slot_s
        slot = now.utc_ms / 1000 // slot_s
        if slot == self._learn_s:
            return
        training, utc_s = self._training, now.utc_ms / 1000

        def learn() -> None:
            if training.catch_up(utc_s):
                training.keep()

        try:
            await self._worker.run(learn, TRAINING_TIMEOUT_S)
        except TimeoutError:
            raise  # it is an OSError too, but not a disk error
        except OSError as error:
            self._log.warning("forecast.not_kept", why=error.strerror or str(error))
        self._report_new_training()
        self._learn_s = slot

    async def _update_forecast(self, now: Now) -> None:
        """Learn the signals and update the published forecast, even if no plan can be made."""
        training, utc_ms = self._training, now.utc_ms
        quotes = tuple(planner_inputs.find_signal_quotes(self._control.signals))
        is_due = self.forecast_points.is_due(training.learner, utc_ms)

        def job() -> Forecast | None:
            training.surcharges.hear(quotes, utc_ms / 1000)
            return make_site_forecast(training.learner, utc_ms) if is_due else None

        found = await self._worker.run(job, TRAINING_TIMEOUT_S)
        if found is not None:
            self.forecast_points.take(found, training.learner, utc_ms)

    def _replace(self, now: Now) -> None:
        """Start training again from the saved state after the thread was lost.

        Its work may be half learned. The previous plan holds until it is too old.
        """
        self._start_training()
        self._due_ns = now.ns + int(RETRY_S * 1e9)
        self._log.warning("plan.lost")
        self._event("plan.lost", "what plans was gone and is begun anew", {}, now)

    def _reject(self, why: str, now: Now) -> None:
        """Drop the plan because none can be made; the rule takes over at once."""
        self.answer, self._due_ns = None, now.ns + int(RETRY_S * 1e9)
        self._report_reason(why, now)

    def _report_reason(self, why: str, now: Now) -> None:
        if why != self.why:
            self._log.warning("plan.refused", why=why)
            self._event("plan.refused", f"no local plan: {why}", {}, now)
        self.why = why

    # For other modules

    def find_planned_powers(self, utc_ms: int) -> dict[str, list[float | None]]:
        """Return the planned power of grid, batteries and cars in the 96 quarter hours from now on, in W.

        Return an empty table if no plan is followed.
        """
        found, now = self.answer, self._clock.now()
        if found is None or local_plan.explain_no_plan(
            found.local_plan, now, outage=self._control.is_out, doubt=self._clock_doubt
        ):
            return {}
        start_s, step_s, steps = found.question.start_utc_s, found.plan.step_s, found.plan.steps
        courses = {self._control.site.grid.name: [step.grid_w for step in steps], **_collect_planned_w(found)}
        planned: dict[str, list[float | None]] = {name: [] for name in courses}
        first = utc_ms // SLOT_MS
        for slot in range(first, first + DAY_SLOTS):
            middle_s = (slot + 0.5) * SLOT_MS / 1000
            step = max(0, math.floor((middle_s - start_s) / step_s))
            is_known = step < len(steps)
            for name, watts in courses.items():
                planned[name].append(round(watts[step], 1) if is_known else None)
        return planned

    def summary(self) -> dict[str, Any]:
        """Return whether the plan in force is followed, and why not; JSON-ready."""
        now, found = self._clock.now(), self.answer
        why = local_plan.explain_no_plan(
            self.local_plan, now, outage=self._control.is_out, doubt=self._clock_doubt
        )
        if why:
            why = self.why or why
        return {
            "asset": None if found is None else found.question.asset,
            "why_not": why,
            "age_s": None if found is None else round((now.ns - found.question.start_ns) / 1e9, 1),
            "forecast_points": self.forecast_points.summary(now),
            **(
                {}
                if found is None
                else self._training.surcharges.render_surcharges(found.question, now.utc_ms / 1000)
            ),
            "beside": [] if found is None else list(_render_other_assets(found)),
            "beside_why_not": "" if found is None else found.others.why_not,
        }

    def render_plan(self) -> dict[str, Any]:
        """Return the plan in force with each step and its reason; JSON-ready."""
        found = self.answer
        if found is None:
            return {**self.summary(), "steps": []}
        plan, outlook = found.plan, found.outlook
        start_ms = round(found.question.start_utc_s * 1000)
        return {
            **self.summary(),
            "step_s": plan.step_s,
            "start_utc_ms": start_ms,
            "time_zone": found.question.tariff.zone,
            "cost_eur": plan.cost_eur,
            "left_eur": plan.left_eur,
            "peak_w": plan.peak_w,
            "gap_eur": plan.gap_eur,
            "given_up": [asdict(one) for one in plan.given_up],
            "forecast": {"model": found.forecast.net.model, "error_w": found.forecast.net.error_w},
            "steps": [
                {
                    **asdict(step),
                    "load_w": outlook.load_w[number],
                    "pv_w": outlook.pv_w[number],
                    "import_eur_per_wh": outlook.import_eur_per_wh[number],
                    "export_eur_per_wh": outlook.export_eur_per_wh[number],
                    "why": str(found.why[number]),
                    **render_data(found.why[number]),
                }
                for number, step in enumerate(plan.steps)
            ],
            "others": _render_other_assets(found),
        }


def _collect_planned_w(found: PlanAnswer) -> dict[str, Sequence[float]]:
    """Return the planned power of each battery and other asset, in W per step."""
    units = {
        name: [step.battery_w for step in one.plan.steps] for name, one in found.batteries.items() if name
    }
    return {**units, **found.others.powers_w}


def _render_other_assets(found: PlanAnswer) -> dict[str, list[dict[str, Any]]]:
    """Return the planned steps and reasons of all but the first battery.

    The value of a step is in W for a battery and in A for a car.
    """
    rendered = {
        name: [
            {"power_w": step.battery_w, "value": step.battery_w, "why": str(why), **render_data(why)}
            for step, why in zip(one.plan.steps, one.why, strict=True)
        ]
        for name, one in found.batteries.items()
        if name != found.question.asset
    }
    for name, legs in found.others.legs.items():
        steps = zip(found.others.powers_w[name], legs, strict=True)
        rendered[name] = [
            {"power_w": watts, "value": leg.value, "why": str(leg.why), **render_data(leg.why)}
            for watts, leg in steps
        ]
    return rendered
