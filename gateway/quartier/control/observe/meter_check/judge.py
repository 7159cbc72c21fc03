"""The verdict on the grid meter, with its evidence (spec/failsafe.md#section-7, pure).

States: GOOD. SUSPECT while something contradicts the meter that a normal building may explain too, and 60 s
longer. IMPLAUSIBLE once the evidence is complete. IMPLAUSIBLE ends after ten minutes without contradiction
and three good steps (twice as long at each repetition, four hours at most), or when a person on site confirms
the repair.

Invariants: evidence is only dropped by a good step of the same channel, by age, or by a person. Missing data
never improves a verdict.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import floor, log10
from typing import Any

from quartier.control.observe.meter_check import devices
from quartier.control.observe.meter_check.bounds import LowerBound, find_lower_bound
from quartier.control.observe.meter_check.causes import EVIDENCE_TEXTS, describe_evidence
from quartier.control.observe.meter_check.devices import DeviceResponse, update_devices
from quartier.control.observe.meter_check.frozen import QUANTITIES, QuantityHistories, update_quantities
from quartier.control.observe.meter_check.samples import (
    FAST_S,
    SETTLED_COUNT,
    AssetPowers,
    MeterSample,
    find_measured_assets,
    find_move_start_ns,
    take_sample,
)
from quartier.control.observe.meter_check.steps import (
    SOME_SHARE,
    MeterStep,
    MeterTiming,
    Reaction,
    StepWatch,
    update_steps,
)
from quartier.control.observe.observations import LastGood, LastGoodValues
from quartier.control.records import Order
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import Battery
from quartier.site.records import replace
from quartier.site.site_layout import Site

VERDICT_HOLD_S = 30.0
"""A reading below the lower bound for this time, or four periods of the slowest meter, is a contradiction."""
PERIODS = 4.0
CLEAR_AFTER_S = 60.0
LARGE_STEP_W, LARGE_COUNT = 3_000.0, 2
STEPS_COUNT, UNMOVED_COUNT = 5, 2
DOUBTED_COUNT = 2
"""This many steps with one wrong gain make the meter suspect: fewer may be a load that switched too."""
SIZES = 1.3
"""Two steps are of different size from this factor on."""
SIMILAR_SHARE = 0.25
"""The gains of a meter with a wrong ratio differ by no more than this."""
CORRECTIONS_COUNT, CORRECTIONS_OVER_COUNT = 3, 2
CHECK_WAIT_S = 30.0
"""How long each of the small steps lasts that show whether the meter is right again."""
VERIFIES_S, DOUBTS_S = 120.0, 600.0
"""How long a step that contradicts the meter is verified, and how long it makes the meter suspect, in s."""
SETTLE_S = 300.0
"""How long a wrong gain is checked, with ten small steps, before the meter is trusted again, in s."""
CHECKS = (1.0, -1.0, 0.3, -1.0)
"""The targets of the small steps, as shares of the largest one: they have two sizes by ``SIZES``."""
SUSPECTED = "suspect"
"""The name of a stored verdict *suspect*; without a name it is *implausible*."""
WAIT_S, WAIT_MAX_S = 600.0, 14_400.0
GOOD_COUNT = 3
FORGET_AFTER_S = 86_400.0
STEPS_MAX_COUNT = 8
"""How many steps of each channel are kept."""
CHANNELS_COUNT = 4
"""The total and three phases."""
_S = 1_000_000_000


class MeterVerdict(IntEnum):
    """The verdict on the grid meter; a larger one is worse."""

    GOOD = 0
    SUSPECT = 1
    IMPLAUSIBLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCheck:
    """The state of the check of the grid meter.

    ``good_count`` counts the good steps since the last bad one, at most three; ``good_ns`` is the time of the
    last good step. ``below_ns`` is since when the reading is below the lower bound, ``gap_w`` by how much
    now. ``reading_w`` is the present reading, ``unlisted_w`` that reading less the sum of the measured power.

    ``causes`` are the evidence codes: ("below_bound", 5300.0). ``caused_ns`` is when there last was one,
    ``contradicted_ns`` when something last contradicted the meter. ``since_ns`` is since when the verdict
    holds, ``wait_s`` how long it must stay uncontradicted. ``checked_ns`` is since when small steps settle a
    doubt (None: there is none), around ``checked_w``, the battery's order until then.
    """

    verdict: MeterVerdict = MeterVerdict.GOOD
    causes: tuple[tuple[str, float], ...] = ()
    steered: StepWatch = field(default_factory=StepWatch)
    generation: StepWatch = field(default_factory=StepWatch)
    quantities: QuantityHistories = field(default_factory=QuantityHistories)
    evidence: tuple[MeterStep, ...] = ()
    good_count: int = 0
    good_ns: int = 0
    below_ns: int | None = None
    gap_w: float = 0.0
    reading_w: float = 0.0
    unlisted_w: float = 0.0
    contradicted_ns: int | None = None
    caused_ns: int = 0
    since_ns: int = 0
    wait_s: float = WAIT_S
    ended_ns: int | None = None
    checked_ns: int | None = None
    checked_w: float = 0.0
    followers: Mapping[str, DeviceResponse] = field(default_factory=dict)

    def verifies(self, now_ns: int) -> bool:
        """Return whether batteries go to their release value, so that a second step verifies the last one.

        Not before enough readings show the level from which that step begins.
        """
        last = self._find_step_to_verify(now_ns)
        if last is None:
            return False
        return sum(one.taken_ns > last.at_ns for one in self.steered.samples) >= SETTLED_COUNT

    def _find_step_to_verify(self, now_ns: int) -> MeterStep | None:
        """Return the last step of the total if a second step shall verify it."""
        last = next((one for one in reversed(self.evidence) if one.channel == 0), None)
        if self.verdict is not MeterVerdict.SUSPECT or last is None or last.verifies:
            return None
        asks = last.makes_worse or (_is_hard(last) and abs(last.asset_w) >= LARGE_STEP_W)
        return last if asks and now_ns - last.at_ns < VERIFIES_S * _S else None

    def tries(self, now_ns: int) -> bool | None:
        """Return whether the small step that checks the meter is up (True) or down (False) now.

        None if no step is due: the meter is not implausible, or was contradicted in the last ``wait_s``.
        """
        if self.verdict is not MeterVerdict.IMPLAUSIBLE or self.contradicted_ns is None:
            return None
        calm_ns = now_ns - self.contradicted_ns - round(self.wait_s * _S)
        return None if calm_ns < 0 else (calm_ns // round(CHECK_WAIT_S * _S)) % 2 == 0

    def checks(self, now_ns: int) -> float | None:
        """Return the present small step that settles a doubt, as share of the largest; None without doubt."""
        if self.checked_ns is None:
            return None
        return CHECKS[(now_ns - self.checked_ns) // round(CHECK_WAIT_S * _S) % len(CHECKS)]

    def is_doubted(self, now_ns: int) -> bool:
        """Return whether small steps of ours shall settle a doubt.

        A suspect meter is doubted until it showed three good steps, ten minutes at most. A good one is
        doubted for five minutes after a step with a wrong gain. After a step that a normal building explains
        too, it is doubted only if it showed no good one for ten minutes.
        """
        if self.verdict is MeterVerdict.SUSPECT:
            young = now_ns - self.since_ns < DOUBTS_S * _S
            return young and self.good_count < GOOD_COUNT and self._find_step_to_verify(now_ns) is None
        if self.verdict is MeterVerdict.IMPLAUSIBLE:
            return False
        hinted_ns = max(self.steered.hinted_ns, self.generation.hinted_ns)
        if hinted_ns - self.good_ns < DOUBTS_S * _S:
            hinted_ns = 0
        wrong_ns = [one.at_ns for one in self.evidence if one.channel == 0 and not _is_hard(one)]
        last_ns = max([hinted_ns, *wrong_ns])
        return last_ns > 0 and now_ns - last_ns < SETTLE_S * _S


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContext:
    """The facts that the check needs beside the readings.

    ``late_s`` is the known delay of the meter. ``signed``: the meter tells import from export now.
    ``over_limit``: its reading exceeds a hard limit. ``target_w`` is the grid power aimed at.
    """

    late_s: float = 0.0
    signed: bool = True
    over_limit: bool = False
    target_w: float = 0.0


def advance_check(
    before: MeterCheck,
    site: Site,
    last_good: LastGoodValues,
    readings: Mapping[str, LastGood],
    orders: Mapping[str, Order],
    circumstances: CheckContext,
    now_ns: int,
) -> MeterCheck:
    """Advance the check by one cycle.

    ``readings`` are the good readings of the grid meter by quantity, as far as it has those of
    ``frozen.QUANTITIES``. Raises nothing for any reading.
    """
    followers = update_devices(before.followers, site, last_good, orders, now_ns)
    sample = take_sample(site, last_good, orders, now_ns)
    if sample is None:
        return replace(before, followers=followers)
    timing = MeterTiming(
        period_s=max(site.grid.period_s, before.quantities.usual_s),
        late_s=circumstances.late_s,
        assets_s=tuple(asset.period_s for asset in find_measured_assets(site)),
        signed=circumstances.signed,
        target_w=circumstances.target_w,
    )
    now, held = before, before.steered.samples
    if not held or sample.taken_ns > held[-1].taken_ns:
        follows = any(point.endswith(".setpoint_w") for point in orders)
        now = _take(now, sample, readings, timing, now_ns, follows=follows)
    bound = find_lower_bound(site, last_good, now_ns)
    reading_w = sample.meter_w[0]
    below_ns = None
    if bound.is_contradicted(reading_w):
        below_ns = now_ns if before.below_ns is None else before.below_ns
    gap_w = max(0.0, bound.import_w - reading_w) if bound.measured_w > 0.0 else 0.0
    listed_w = bound.import_w + site.unlisted_generation_w
    now = replace(
        now,
        below_ns=below_ns,
        gap_w=gap_w,
        reading_w=reading_w,
        unlisted_w=reading_w - listed_w,
        followers=followers,
    )
    causes = _find_causes(now, site, bound, timing, circumstances, now_ns)
    return _check(_decide(now, causes, now_ns), site, orders, timing, now_ns)


def find_checking_battery(site: Site) -> Battery | None:
    """Return the battery whose small steps check the meter; None if there is none."""
    return next((one for one in site.assets if isinstance(one, Battery) and one.writable), None)


def _check(
    now: MeterCheck, site: Site, orders: Mapping[str, Order], timing: MeterTiming, now_ns: int
) -> MeterCheck:
    """Begin or end the small steps that settle a doubt.

    A slow meter, or one without a sign, shows too little of them.
    """
    order = None
    if timing.signed and timing.period_s <= FAST_S and now.is_doubted(now_ns):
        battery = find_checking_battery(site)
        order = None if battery is None else orders.get(f"{battery.name}.setpoint_w")
    if (order is None) == (now.checked_ns is None):
        return now
    if order is None:
        return replace(now, checked_ns=None)
    return replace(now, checked_ns=now_ns, checked_w=order.value)


def _take(
    before: MeterCheck,
    sample: MeterSample,
    readings: Mapping[str, LastGood],
    timing: MeterTiming,
    now_ns: int,
    *,
    follows: bool,
) -> MeterCheck:
    """Take a new reading of the meter; ``follows``: a battery follows it, so no step verifies it."""
    assets_w = _assets_w(sample)
    answers_s = timing.period_s + max(timing.assets_s, default=0.0)
    quantities, held = before.quantities, before.steered.samples
    if (
        held and held[-1].silence_number != sample.silence_number
    ):  # a change while an asset was silent is no movement now
        quantities = quantities.shift_assets(_assets_w(held[-1]), assets_w)
    quantities = update_quantities(
        quantities,
        readings,
        assets_w,
        now_ns,
        answers_s=answers_s,
        move_start_ns=find_move_start_ns(held[-1], sample) if held else None,
    )
    consumer_steps, found = update_steps(before.steered, sample, timing, quantities.resolution_w)
    generation, others = update_steps(
        before.generation, sample, timing, quantities.resolution_w, generation=True
    )
    evidence, good_count, good_ns = before.evidence, before.good_count, before.good_ns
    for step in (*found, *others):
        if step.reaction is Reaction.GOOD:
            evidence = tuple(one for one in evidence if one.channel != step.channel)
            if step.channel == 0:
                good_count, good_ns = good_count + 1, now_ns
        else:
            verifies = before.verifies(now_ns) and not follows
            mine = [one for one in evidence if one.channel == step.channel]
            dropped = mine[: max(0, len(mine) + 1 - STEPS_MAX_COUNT)]
            evidence = (
                *(one for one in evidence if one not in dropped),
                replace(step, verifies=verifies),
            )
            good_count = 0
    steps = tuple(one for one in evidence if now_ns - one.at_ns < FORGET_AFTER_S * _S)
    return replace(
        before,
        steered=consumer_steps,
        generation=generation,
        quantities=quantities,
        evidence=steps,
        good_count=min(good_count, GOOD_COUNT),
        good_ns=good_ns,
    )


def _assets_w(sample: MeterSample) -> AssetPowers:
    """Return the power of all measured assets, and by phase that of the ones that are no PV or CHP."""
    return sample.controlled_w[0] + sample.generated_w, *sample.controlled_w[1:]


@dataclass(frozen=True, slots=True)
class _Evidence:
    code: str
    value: float
    verdict: MeterVerdict
    at_ns: int


def _find_causes(
    now: MeterCheck,
    site: Site,
    bound: LowerBound,
    timing: MeterTiming,
    circumstances: CheckContext,
    now_ns: int,
) -> list[_Evidence]:
    """Return everything that contradicts the meter now."""
    causes = []
    holds_s = max(VERDICT_HOLD_S, PERIODS * bound.slowest_s) + max(0.0, timing.late_s)
    if now.below_ns is not None and now_ns - now.below_ns >= holds_s * _S:
        sure = site.unlisted_generation_w == 0.0
        verdict = MeterVerdict.IMPLAUSIBLE if sure else MeterVerdict.SUSPECT
        causes.append(_Evidence("below_bound", bound.import_w, verdict, now_ns))
    frozen = [
        name
        for name in now.quantities.find_frozen(timing, now_ns)
        # A meter without a sign stays at 0 while the building exports.
        if timing.signed or now.quantities.histories[name].value != 0.0
    ]
    if frozen:  # one frozen quantity makes the whole meter suspect
        value = now.quantities.histories[frozen[0]].value
        unmoved = sum(one.reaction is Reaction.NONE and one.channel == 0 for one in now.evidence)
        sure = frozen[0] == "power_w" and (
            unmoved >= UNMOVED_COUNT or now.quantities.is_surely_frozen(timing, now_ns)
        )
        verdict = MeterVerdict.IMPLAUSIBLE if sure else MeterVerdict.SUSPECT
        causes.append(_Evidence(f"frozen_{frozen[0]}", value, verdict, now_ns))
    for channel in range(CHANNELS_COUNT):
        steps = [one for one in now.evidence if one.channel == channel]
        if not steps:
            continue
        found = _weigh(steps, now_ns, over_limit=circumstances.over_limit and channel == 0)
        # A phase adds nothing if the total has the same evidence already.
        if found is not None and (channel == 0 or found[0] not in [one.code for one in causes]):
            code, verdict = found
            code = f"{code}_l{channel}" if channel else code
            causes.append(_Evidence(code, steps[-1].gain, verdict, steps[-1].at_ns))
    return causes


def _is_hard(step: MeterStep) -> bool:
    return step.reaction in {Reaction.WRONG_SIGN, Reaction.NONE}


def _weigh(steps: list[MeterStep], now_ns: int, *, over_limit: bool) -> tuple[str, MeterVerdict] | None:
    """Return the verdict of the steps of one channel since its last good one, with its code."""
    hard = [one for one in steps if _is_hard(one)]
    large = [one for one in hard if abs(one.asset_w) >= LARGE_STEP_W]
    if len(large) >= LARGE_COUNT:
        return large[-1].reaction.name.lower(), MeterVerdict.IMPLAUSIBLE
    worse = [one for one in steps if one.makes_worse]
    enough = len(worse) >= (CORRECTIONS_OVER_COUNT if over_limit else CORRECTIONS_COUNT)
    if enough or (len(hard) > 1 and hard[-1].verifies):
        return "corrections_grow" if worse else hard[-1].reaction.name.lower(), MeterVerdict.IMPLAUSIBLE
    for code, kinds in (
        ("wrong_sign", {Reaction.WRONG_SIGN}),
        ("gain_low", {Reaction.LOW, Reaction.NONE}),
        ("gain_high", {Reaction.HIGH}),
    ):
        mine = [one for one in steps if one.reaction in kinds]
        last = mine[-STEPS_COUNT:]
        if len(last) < DOUBTED_COUNT or not _are_alike(last, any_gain=code == "wrong_sign"):
            continue
        if len(last) == STEPS_COUNT:
            return code, MeterVerdict.IMPLAUSIBLE
        if now_ns - last[-1].at_ns < DOUBTS_S * _S:
            return code, MeterVerdict.SUSPECT
    if any(now_ns - one.at_ns < DOUBTS_S * _S for one in (*large, *worse)):
        return "one_step", MeterVerdict.SUSPECT
    return None


def _are_alike(steps: list[MeterStep], *, any_gain: bool) -> bool:
    """Return whether steps of at least two sizes show one gain, as only a factor of the meter causes."""
    sizes_w = [abs(one.asset_w) for one in steps]
    gains = [one.gain for one in steps]
    return max(sizes_w) >= SIZES * min(sizes_w) and (any_gain or max(gains) - min(gains) <= SIMILAR_SHARE)


def _decide(now: MeterCheck, causes: list[_Evidence], now_ns: int) -> MeterCheck:
    """Advance the verdict; it worsens at once and improves only by the way back."""
    worst = max((one.verdict for one in causes), default=MeterVerdict.GOOD)
    if causes:
        shown = tuple((one.code, one.value) for one in causes)
        contradicted_ns = max(one.at_ns for one in causes)
        now = replace(now, causes=shown, caused_ns=now_ns, contradicted_ns=contradicted_ns)
    if worst > now.verdict:
        if worst is MeterVerdict.IMPLAUSIBLE:
            repeated = now.ended_ns is not None and now_ns - now.ended_ns < FORGET_AFTER_S * _S
            wait_s = min(2.0 * now.wait_s, WAIT_MAX_S) if repeated else WAIT_S
            now = replace(now, wait_s=wait_s)
        return replace(now, verdict=worst, since_ns=now_ns, good_count=0)
    if now.verdict is MeterVerdict.SUSPECT and not causes and now_ns - now.caused_ns >= CLEAR_AFTER_S * _S:
        return replace(now, verdict=MeterVerdict.GOOD, causes=(), since_ns=now_ns)
    if now.verdict is not MeterVerdict.IMPLAUSIBLE or now.good_count < GOOD_COUNT:
        return now
    assert now.contradicted_ns is not None
    if now_ns - now.contradicted_ns < now.wait_s * _S:
        return now
    return replace(now, verdict=MeterVerdict.GOOD, causes=(), evidence=(), since_ns=now_ns, ended_ns=now_ns)


def find_margins(state: MeterCheck, remainder_w: float | None) -> tuple[float, float]:
    """Return the margins of a suspect meter, in W: limits are kept for so much more import, and export.

    For import the lower bound counts at least. If the power itself is in doubt its reading says nothing: then
    the measured power counts, for import together with the largest unmeasured power (``remainder_w``), for
    export alone.
    """
    if state.verdict is not MeterVerdict.SUSPECT:
        return 0.0, 0.0
    others = {"below_bound", *(f"frozen_{name}" for name in QUANTITIES if name != "power_w")}
    if not state.evidence and all(code in others for code, _ in state.causes):
        return state.gap_w, 0.0
    hidden_w = _find_hidden_w(state)
    import_w = max(state.gap_w, (remainder_w or 0.0) - state.unlisted_w, hidden_w)
    return import_w, max(0.0, state.unlisted_w, -hidden_w)


def _find_hidden_w(state: MeterCheck) -> float:
    """Return the power in W that a meter with too low a gain does not show; negative for export."""
    gain = next((value for code, value in state.causes if code == "gain_low"), 1.0)
    return state.reading_w / min(max(gain, SOME_SHARE), 1.0) - state.reading_w


def adopt_site(before: MeterCheck, old: Site, new: Site) -> MeterCheck:
    """Continue with a site file that was read again: samples of other assets are dropped, the verdict stays.

    A new grid meter is checked anew: only a person on site can name one.
    """
    if old.grid != new.grid:
        return MeterCheck()
    names = {asset.name for asset in new.assets}
    followers = {name: one for name, one in before.followers.items() if name in names}
    return replace(
        before,
        steered=StepWatch(),
        generation=StepWatch(),
        below_ns=None,
        gap_w=0.0,
        checked_ns=None,
        followers=followers,
    )


def clear_verdict(before: MeterCheck, now_ns: int) -> MeterCheck:
    """Clear the verdict: a person on site confirms the repair."""
    return MeterCheck(
        followers=before.followers, wait_s=before.wait_s, ended_ns=before.ended_ns, since_ns=now_ns
    )


def dump_check(state: MeterCheck) -> dict[str, Any]:
    """Return what a restart must not forget, JSON-ready: that the meter is doubted, why, and for how long.

    Values of evidence change with each reading. They are stored with two figures, so that the disk does not
    wear, and rounded down, so that a stored gain widens no limit.
    """
    if state.verdict is MeterVerdict.GOOD:
        return {}
    causes = [[code, _round_down(value)] for code, value in state.causes]
    if state.verdict is MeterVerdict.SUSPECT:
        return {"causes": causes, "verdict": SUSPECTED}
    return {"causes": causes, "wait_s": state.wait_s}


def _round_down(value: float) -> float:
    """Round down to two figures."""
    unit = 10.0 ** (floor(log10(abs(value) or 1.0)) - 1)
    return float(f"{floor(value / unit) * unit:.6g}")


def load_check(facts: object, now_ns: int) -> MeterCheck:
    """Load the result of ``dump_check``; a new check if there is nothing or it is invalid."""
    if not isinstance(facts, Mapping) or not isinstance(facts.get("causes"), list):
        return MeterCheck()
    causes = tuple(
        (cause[0], float(cause[1]))
        for cause in facts["causes"]
        if isinstance(cause, list)
        and len(cause) == len(("code", "value"))
        and cause[0] in EVIDENCE_CODES
        and isinstance(cause[1], int | float)
    )
    if facts.get("verdict") == SUSPECTED:  # the steps behind it are gone: others must come
        held_ns = now_ns + round((DOUBTS_S - CLEAR_AFTER_S) * _S)
        return MeterCheck(verdict=MeterVerdict.SUSPECT, causes=causes, caused_ns=held_ns, since_ns=now_ns)
    wait_s = facts.get("wait_s")
    return MeterCheck(
        verdict=MeterVerdict.IMPLAUSIBLE,
        causes=causes or (("none", 0.0),),
        contradicted_ns=now_ns,
        since_ns=now_ns,
        wait_s=min(max(float(wait_s), WAIT_S), WAIT_MAX_S) if isinstance(wait_s, int | float) else WAIT_S,
    )


def find_meter_alarms(state: MeterCheck, site: Site) -> Iterator[Alarm]:
    """Yield the alarms of the meter and of devices that do not follow their orders."""
    yield from devices.find_device_alarms(state.followers)
    if state.verdict is MeterVerdict.GOOD or not state.causes:
        return
    name, words = site.grid.name, f"{site.grid.name}: {describe_evidence(state.causes)}"
    if state.verdict is MeterVerdict.IMPLAUSIBLE:
        yield Alarm("meter.implausible", name, words)
    else:
        yield Alarm("meter.suspect", name, words)


EVIDENCE_CODES = frozenset(
    [
        *EVIDENCE_TEXTS,
        *(f"{code}_l{phase}" for code in EVIDENCE_TEXTS for phase in (1, 2, 3)),
        *(f"frozen_{name}" for name in QUANTITIES),
    ]
)
