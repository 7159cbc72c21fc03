"""What the planner is asked, and what it answers: numbers alone, so that a thread may have them (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from quartier.control.reason import Reason
from quartier.control.requests import LocalPlan, PlanAim
from quartier.house.records import replace
from quartier.planning.aims import aims
from quartier.planning.beside import Beside, Modes, beside
from quartier.planning.carbon import filled
from quartier.planning.chances import chances
from quartier.planning.course import Forecast
from quartier.planning.forecast import ahead
from quartier.planning.horizon import Battery, Contract, Outlook, RefusedError, Sample
from quartier.planning.learner import Learner
from quartier.planning.plan import Plan, planned
from quartier.planning.reasons import reasons
from quartier.planning.site import Batch, Car, Site, Tank
from quartier.planning.steep import levelled, spared
from quartier.planning.tariff import Prices, Quote, Tariff, Told, prices
from quartier.planning.trial import LEAST_KNOWN_H, LEFT_SHARE

_NONE = Battery(0.0, 0.0, 0.0, 0.0, 0.0)
LEAST_S = LEAST_KNOWN_H * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is known at ``start_utc_s``, which is ``start_ns`` by the monotonic clock.

    Sequences have a number a step; what the plan wants counts no longer than to ``expires_ns``.

    ``net_w`` is what the grid shows without ``batteries``, ``cars``, ``tanks`` and ``batches``, ``sun_w``
    what of it generates (plus), ``cars_w`` what other cars take, of the steps ahead too.  Cars, tanks and
    batches are planned beside the batteries; ``unplanned_w`` is what each of them takes where that cannot be.
    ``quotes`` is what the district signals.
    """

    start_utc_s: float
    step_s: int
    start_ns: int
    expires_ns: int
    batteries: Mapping[str, Battery]
    contract: Contract
    net_w: float
    sun_w: float
    cars_w: Sequence[float]
    import_max_w: Sequence[float]
    export_max_w: Sequence[float]
    tariff: Tariff
    told: Told = field(default_factory=Told)
    quotes: Sequence[Quote] = ()
    target_w: float = 0.0
    history_min_s: float = 0.0
    co2_g_per_wh: Sequence[float] = ()
    """What a Wh from the grid is expected to emit where nobody signals it, by step; empty: unknown."""
    cars: Mapping[str, Car] = field(default_factory=dict)
    tanks: Mapping[str, Tank] = field(default_factory=dict)
    batches: Mapping[str, Batch] = field(default_factory=dict)
    modes: Mapping[str, Modes] = field(default_factory=dict)
    """Of each tank and batch."""
    unplanned_w: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        """The first battery; empty where there is none."""
        return next(iter(self.batteries), "")

    @property
    def count(self) -> int:
        """How many steps."""
        return len(self.import_max_w)


@dataclass(frozen=True, slots=True)
class Led:
    """One battery's plan, with the reasons of its steps; to its ``outlook`` others are load."""

    plan: Plan
    outlook: Outlook
    why: Sequence[Reason]
    aims: tuple[PlanAim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The plans of a question's batteries (of one that is none, where there is none), with what they were
    made from; ``beside`` is what others do beside them.
    """

    question: Question
    led: Mapping[str, Led]
    forecast: Forecast
    wish: LocalPlan
    beside: Beside

    @property
    def plan(self) -> Plan:
        """The first battery's."""
        return self.led[self.question.asset].plan

    @property
    def outlook(self) -> Outlook:
        """What it was made from."""
        return self.led[self.question.asset].outlook

    @property
    def why(self) -> Sequence[Reason]:
        """The reasons of its steps."""
        return self.led[self.question.asset].why


def answered(question: Question, learner: Learner) -> Answer:
    """The cheapest way from here on.  Raises RefusedError, which says what is missing or wrong."""
    distrust(question, learner)
    told = question.tariff, question.told, question.quotes
    known = prices(*told, question.start_utc_s, question.step_s, question.count)
    if known.count * question.step_s < min(LEAST_S, question.count * question.step_s):
        raise RefusedError(f"prices are known for {known.count * question.step_s / 3600:g} h only")
    foretold = ahead(learner, question.start_utc_s, known.count * question.step_s, question.step_s)
    batteries = {
        name: replace(one, worth_eur_per_wh=_worth(one, known)) for name, one in question.batteries.items()
    }
    bare = replace(_outlook(question, known, foretold, [0.0] * known.count), samples=())
    site = Site(
        bare,
        levelled(question.contract),
        batteries,
        question.cars,
        {name: _valued(one, known) for name, one in question.tanks.items()},
        {name: one for name, one in question.batches.items() if one.until_step <= known.count},
    )
    others = beside(site, question.unplanned_w, question.modes, _clock(question))
    led = {}
    for name, battery in (batteries or {"": _NONE}).items():
        outlook = _outlook(question, known, foretold, others.but(name))
        led[name] = _led(question, battery, outlook)
        if others.why_not:
            break  # one alone is planned, the others follow the rule
    wish = LocalPlan(
        start_ns=question.start_ns,
        expires_ns=question.expires_ns,
        offset_ms=round(question.start_utc_s * 1000) - question.start_ns // 1_000_000,
        aims={name: one.aims for name, one in led.items() if name},
        legs=others.legs,
    )
    return Answer(question=question, led=led, forecast=foretold, wish=wish, beside=others)


def _led(question: Question, battery: Battery, outlook: Outlook) -> Led:
    contract = question.contract
    plan = planned(battery, outlook, contract)
    why = spared(plan, battery, outlook, contract, reasons(plan, outlook, _clock(question)))
    return Led(plan, outlook, why, aims(plan, battery, outlook, contract, why, question.target_w))


def distrust(question: Question, learner: Learner) -> None:
    """Raise RefusedError where the forecast has not proven itself yet."""
    tried_s = max(net.tried for net in learner.nets) * learner.grid.slot_s
    if tried_s < question.history_min_s:
        raise RefusedError(
            f"the forecast was held against {tried_s / 3600:g} h of what happened, "
            f"{question.history_min_s / 3600:g} h are wanted"
        )


def _outlook(question: Question, known: Prices, foretold: Forecast, others_w: Sequence[float]) -> Outlook:
    """What is measured counts for the first step, for all others what the forecast holds possible.

    ``others_w`` is what is planned beside a battery.
    """
    count = known.count
    more_w = [planned_w + car_w for planned_w, car_w in zip(others_w, question.cars_w, strict=False)]
    load_w = [watts + other_w for watts, other_w in zip(foretold.load.mean_w, more_w, strict=False)]
    sun_w = list(foretold.generated.mean_w)
    load_w[0], sun_w[0] = question.net_w + question.sun_w + others_w[0], question.sun_w
    samples = [
        [Sample(one.load_w + other_w, one.pv_w) for one in step]
        for step, other_w in zip(chances(foretold), more_w, strict=False)
    ]
    samples[0] = []
    return Outlook(
        step_s=question.step_s,
        load_w=load_w,
        pv_w=sun_w,
        import_eur_per_wh=known.import_eur_per_wh,
        export_eur_per_wh=known.export_eur_per_wh,
        import_max_w=question.import_max_w[:count],
        export_max_w=question.export_max_w[:count],
        import_g_per_wh=filled(known.import_g_per_wh, question.co2_g_per_wh),
        samples=samples,
    )


def _valued(tank: Tank, known: Prices) -> Tank:
    """A tank as far as prices are known; heat that is left is worth what it would cost at the cheapest."""
    least_eur = LEFT_SHARE * max(0.0, min(known.import_eur_per_wh))
    return replace(tank, draw_w=tank.draw_w[: known.count], worth_eur_per_wh=least_eur / tank.heat_per_wh)


def _worth(battery: Battery, known: Prices) -> float:
    return LEFT_SHARE * battery.discharge_efficiency * max(0.0, min(known.import_eur_per_wh))


def _clock(question: Question) -> Callable[[int], str]:
    zone = ZoneInfo(question.tariff.zone)

    def when(number: int) -> str:
        local = datetime.fromtimestamp(question.start_utc_s + number * question.step_s, zone)
        return f"{local:%H:%M}"

    return when
