"""What the planner is asked, and what it answers: numbers alone, so that a thread may have them (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from quartier.control.wishes import LocalPlan
from quartier.planning.aims import aims
from quartier.planning.beside import Beside, beside
from quartier.planning.carbon import filled
from quartier.planning.chances import chances
from quartier.planning.course import Forecast
from quartier.planning.forecast import ahead
from quartier.planning.horizon import Battery, Contract, Outlook, RefusedError, Sample
from quartier.planning.learner import Learner
from quartier.planning.plan import Plan, planned
from quartier.planning.reasons import reasons
from quartier.planning.site import Car, Site
from quartier.planning.steep import spared
from quartier.planning.tariff import Prices, Quote, Tariff, Told, prices
from quartier.planning.trial import LEAST_KNOWN_H, LEFT_SHARE

LEAST_S = LEAST_KNOWN_H * 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is known at ``start_utc_s``, which is ``start_ns`` by the monotonic clock.

    Sequences have a number a step; what the plan wants counts no longer than to ``expires_ns``.

    ``net_w`` is what the grid shows without the battery and ``cars``, ``sun_w`` what of it generates (plus),
    ``cars_w`` what other cars take, of the steps ahead too.  ``cars`` are planned beside the battery;
    ``unplanned_w`` is what each of them takes where that cannot be.  ``quotes`` is what the district signals.
    """

    asset: str
    start_utc_s: float
    step_s: int
    start_ns: int
    expires_ns: int
    battery: Battery
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
    unplanned_w: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many steps."""
        return len(self.import_max_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The plan of a question, with what it was made from; ``beside`` is what others do beside the battery."""

    question: Question
    plan: Plan
    outlook: Outlook
    forecast: Forecast
    words: Sequence[str]
    wish: LocalPlan
    beside: Beside = field(default_factory=Beside)


def answered(question: Question, learner: Learner) -> Answer:
    """The cheapest way from here on.  Raises RefusedError, which says what is missing or wrong."""
    distrust(question, learner)
    told = question.tariff, question.told, question.quotes
    known = prices(*told, question.start_utc_s, question.step_s, question.count)
    if known.count * question.step_s < min(LEAST_S, question.count * question.step_s):
        raise RefusedError(f"prices are known for {known.count * question.step_s / 3600:g} h only")
    foretold = ahead(learner, question.start_utc_s, known.count * question.step_s, question.step_s)
    battery = replace(question.battery, worth_eur_per_wh=_worth(question.battery, known))
    bare = replace(_outlook(question, known, foretold, [0.0] * known.count), samples=())
    site = Site(bare, replace(question.contract, surcharges=()), {question.asset: battery}, question.cars)
    others = beside(site, question.unplanned_w, _clock(question))
    outlook = _outlook(question, known, foretold, others.load_w)
    plan = planned(battery, outlook, question.contract)
    words = spared(plan, battery, outlook, question.contract, reasons(plan, outlook, _clock(question)))
    wish = LocalPlan(
        start_ns=question.start_ns,
        expires_ns=question.expires_ns,
        offset_ms=round(question.start_utc_s * 1000) - question.start_ns // 1_000_000,
        aims={question.asset: aims(plan, battery, outlook, question.contract, words, question.target_w)},
        legs=others.legs,
    )
    return Answer(
        question=question,
        plan=plan,
        outlook=outlook,
        forecast=foretold,
        words=words,
        wish=wish,
        beside=others,
    )


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

    ``others_w`` is what is planned beside the battery.
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


def _worth(battery: Battery, known: Prices) -> float:
    return LEFT_SHARE * battery.discharge_efficiency * max(0.0, min(known.import_eur_per_wh))


def _clock(question: Question) -> Callable[[int], str]:
    zone = ZoneInfo(question.tariff.zone)

    def when(number: int) -> str:
        local = datetime.fromtimestamp(question.start_utc_s + number * question.step_s, zone)
        return f"{local:%H:%M}"

    return when
