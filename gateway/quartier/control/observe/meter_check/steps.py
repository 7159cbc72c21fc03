"""Steps of measured assets, and the reaction of the grid meter to them (pure).

States of a ``StepWatch``: *calm*, the assets' sum stays at a level; *moving*, it left that level. A step is
evaluated once the sum stayed at its new level for the meter's delay, two of its periods and one of the
slowest asset, and three readings came since. Both ends are medians.

Another controller (a battery, a charging station with load management) may take back our step within seconds.
The meter then showed the step at first: its largest value between both ends (``peak``) tells such a
controller from a meter that shows nothing. A meter read less often than each 5 s cannot tell them apart, so
nothing is concluded from "no reaction" there.

Most steps of a battery are answers themselves: a load of the building moved, the meter showed that, and the
battery compensates it. Then the reading that it answered is the end before the step. Such a step counts only
if it is shown correctly, or with fully reversed sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import ceil

from quartier.control.observe.meter_check.samples import (
    FAST_S,
    LEVEL_S,
    NOISE_S,
    SETTLED_COUNT,
    MeterSample,
    append_sample,
    find_median_w,
    find_noise_w,
    find_slowest_period_s,
)
from quartier.site.records import replace

STEP_MIN_W, RESOLUTIONS, NOISES = 300.0, 3.0, 4.0
"""A step counts from this many W, resolutions of the meter and times its noise."""
STAYS_W, STAYS_SHARE = 100.0, 0.02
"""A sum that stays within this of its level, in W or as share, is calm."""
LONGEST_S, LONGEST_PERIODS = 60.0, 8.0
"""A movement longer than this, in s or periods, has no two ends."""
SHARP_S = 3.0
"""A step no longer than this, in s, is faster than another controller's reaction to it."""
OTHERS_SHARE = 0.2
"""The share of the step by which other assets may have moved."""
GAIN_MIN, GAIN_MAX = 0.7, 1.3
GREW_SHARE = 0.5
FLAT_SHARE = 0.25
"""The first and the last reading of a meter with a wrong ratio differ by no more than this."""
ANSWERS, REVERSED_GAIN = 0.15, (-1.3, -0.7)
"""A step is an answer if the meter moved by more than this share of it; the gains of a reversed meter."""
SOME_SHARE = 0.3
"""Less than this share of a step is no reaction."""
_S = 1_000_000_000


class Reaction(StrEnum):
    """The reaction of the meter to a step."""

    GOOD = "good"
    WRONG_SIGN = "wrong sign"
    NONE = "no reaction"
    LOW = "low gain"
    HIGH = "high gain"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterStep:
    """One step of ``asset_w`` in W that the meter showed with ``gain``.

    ``channel`` is 0 for the total, 1 to 3 for a phase. ``ordered``: an order of ours changed meanwhile.
    ``grew_w`` is by how much the meter's reading moved away from ``target_w``. ``verifies``: the step was
    made to check the meter.
    """

    at_ns: int
    channel: int
    asset_w: float
    gain: float
    reaction: Reaction
    ordered: bool
    grew_w: float
    verifies: bool = False

    @property
    def makes_worse(self) -> bool:
        """Return whether it is a correction of ours after which the reading was further off than before."""
        wrong = self.ordered and self.reaction is Reaction.WRONG_SIGN
        return wrong and self.grew_w >= GREW_SHARE * abs(self.asset_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTiming:
    """The periods of the meter and of the measured assets; ``signed``: it tells import from export."""

    period_s: float
    late_s: float
    assets_s: tuple[float, ...] = ()
    signed: bool = True
    target_w: float = 0.0

    def settle_s(self, slowest_s: float) -> float:
        """Return the time in s until the meter shows a movement of an asset read each ``slowest_s``."""
        return self.late_s + 2.0 * self.period_s + slowest_s


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWatch:
    """The samples, and the state of the watched sum in them.

    ``level_w`` is its level since ``since_ns``. While it moves, ``left_ns`` and ``left_w`` are when and where
    it was last calm (None: it is calm). ``calm_ns`` is since when the readings of a calm sum count.
    ``hinted_ns`` is when the meter last showed a bad step that a normal building explains too (0: never).
    """

    samples: tuple[MeterSample, ...] = ()
    level_w: float = 0.0
    since_ns: int = 0
    left_ns: int | None = None
    left_w: float = 0.0
    calm_ns: int = 0
    hinted_ns: int = 0


def update_steps(
    before: StepWatch,
    newest: MeterSample,
    timing: MeterTiming,
    resolution_w: float,
    *,
    generation: bool = False,
) -> tuple[StepWatch, list[MeterStep]]:
    """Add one sample; return the steps that are complete with it, in total and by phase.

    ``generation`` watches PV and CHP instead of the other assets: sun and other people's PV move together, so
    only a wrong sign of their steps says something about the meter.
    """
    samples = append_sample(before.samples, newest, timing.period_s)
    now = replace(before, samples=samples)
    watts, now_ns = _find_watched_w(newest, generation=generation), newest.taken_ns
    if not before.samples:
        return replace(now, level_w=watts, since_ns=now_ns, calm_ns=now_ns), []
    stays_w = max(STAYS_W, STAYS_SHARE * abs(now.level_w))
    if abs(watts - now.level_w) > stays_w:
        left_ns, left_w = now.left_ns, now.left_w
        if left_ns is None:
            left_ns, left_w = before.samples[-1].taken_ns, now.level_w
        longest_s = max(LONGEST_S, LONGEST_PERIODS * timing.period_s)
        if now_ns - left_ns > longest_s * _S:  # it has no two ends: begin anew
            return replace(now, level_w=watts, since_ns=now_ns, left_ns=None, calm_ns=now_ns), []
        return replace(now, level_w=watts, since_ns=now_ns, left_ns=left_ns, left_w=left_w), []
    if now.left_ns is None:
        return now, []
    left = next(one for one in samples if one.taken_ns >= now.left_ns)
    slowest = find_slowest_period_s(timing.assets_s, left, newest)
    after = [one for one in samples if one.taken_ns >= now.since_ns + timing.settle_s(slowest) * _S]
    if len(after) < SETTLED_COUNT:
        return now, []
    found = _judge(now, after, timing, slowest, resolution_w, generation=generation)
    sharp = (now.since_ns - now.left_ns) <= (SHARP_S + slowest + timing.period_s) * _S
    steps = [one for one in found if _counts(one, timing, sharp=sharp, generation=generation)]
    hints = any(one.channel == 0 and one not in steps for one in found)
    hinted_ns = now_ns if hints else now.hinted_ns
    return replace(now, left_ns=None, calm_ns=after[0].taken_ns, hinted_ns=hinted_ns), steps


def _find_watched_w(sample: MeterSample, *, generation: bool) -> float:
    return sample.generated_w if generation else sample.controlled_w[0]


@dataclass(frozen=True, slots=True)
class _Parts:
    """The samples around one step.

    ``calm`` are all before it that count, ``early`` the last of them, ``asked`` those until the assets moved,
    ``between`` all after ``early``, ``after`` those of the new level.
    """

    calm: Sequence[MeterSample]
    early: Sequence[MeterSample]
    asked: Sequence[MeterSample]
    between: Sequence[MeterSample]
    after: Sequence[MeterSample]


def _judge(
    watch: StepWatch,
    after: Sequence[MeterSample],
    timing: MeterTiming,
    slowest: float,
    resolution_w: float,
    *,
    generation: bool,
) -> list[MeterStep]:
    """Find the step between the last calm level and ``after``, in total and on each known phase."""
    assert watch.left_ns is not None
    until_ns = _find_end_ns(watch, timing, slowest)
    calm_ns = max(watch.calm_ns, until_ns - round(max(NOISE_S, 4.0 * timing.period_s) * _S))
    calm = [one for one in watch.samples if calm_ns <= one.taken_ns <= until_ns]
    # An order is seconds older than the movement of the asset; this holds for unmeasured assets too.
    if len(calm) < SETTLED_COUNT or calm[-SETTLED_COUNT].unseen_orders != after[-1].unseen_orders:
        return []
    # A change while an asset was silent is no step of the moment when it is heard again.
    since_ns = calm[-SETTLED_COUNT].taken_ns
    if any(
        one.silence_number != after[-1].silence_number for one in watch.samples if one.taken_ns >= since_ns
    ):
        return []
    recent = [one for one in calm if one.taken_ns >= until_ns - LEVEL_S * _S]
    asked_ns = max(watch.calm_ns, watch.left_ns - round((LEVEL_S + slowest) * _S))
    parts = _Parts(
        calm,
        recent if len(recent) >= SETTLED_COUNT else calm[-SETTLED_COUNT:],
        [one for one in watch.samples if asked_ns <= one.taken_ns <= watch.left_ns],
        [one for one in watch.samples if one.taken_ns > until_ns],
        after,
    )
    channels = 1 if generation else min(len(one.controlled_w) for one in (*calm, *parts.between))
    steps = (
        _judge_channel(channel, parts, timing, slowest, resolution_w, generation=generation)
        for channel in range(channels)
    )
    return [step for step in steps if step is not None]


def _find_end_ns(watch: StepWatch, timing: MeterTiming, slowest: float) -> int:
    """Return when the level before the step ended.

    An asset that is read seldom may have moved that long before it showed. But no step of ours began before
    its order, if nothing was ordered for some seconds before that.
    """
    assert watch.left_ns is not None
    end_ns = watch.left_ns - round((slowest + min(timing.late_s, 0.0)) * _S)
    since_ns = end_ns - round(FAST_S * _S)
    known = [one for one in watch.samples if since_ns <= one.taken_ns <= watch.left_ns]
    before = [one.taken_ns for one in known if one.ordered == known[0].ordered]
    return max(end_ns, before[-1]) if len(before) < len(known) else end_ns


def _judge_channel(
    channel: int, parts: _Parts, timing: MeterTiming, slowest: float, resolution_w: float, *, generation: bool
) -> MeterStep | None:
    """Evaluate one channel; None if the step is too small, or too much else happened."""
    first, last = parts.early[-1], parts.after[-1]
    asset_w = last.controlled_w[channel] - first.controlled_w[channel]
    others_w = last.generated_w - first.generated_w
    if generation:
        asset_w, others_w = others_w, asset_w
    mixed = abs(others_w) > OTHERS_SHARE * abs(asset_w)
    if mixed:  # both kinds moved: their sum only shows a reversed meter
        asset_w += others_w
    noise_w = max(find_noise_w(parts.calm, channel), find_noise_w(parts.after, channel))
    least_w = max(STEP_MIN_W, RESOLUTIONS * resolution_w, NOISES * noise_w)
    jump_w = max(SOME_SHARE * abs(asset_w), NOISES * noise_w)
    before_w, after_w = find_median_w(parts.early, channel), find_median_w(parts.after, channel)
    hidden = not timing.signed and min(before_w, after_w) <= 2.0 * abs(asset_w)
    if (mixed and channel) or abs(asset_w) < least_w or hidden:
        return None
    if _is_disturbed(channel, [first, *parts.between], jump_w, timing, slowest):
        return None
    asked_w = [one.meter_w[channel] for one in parts.asked]
    cause_w = min(asked_w) if asset_w > 0.0 else max(asked_w)
    answers = (before_w - cause_w) / asset_w > ANSWERS
    gain = (after_w - (cause_w if answers else before_w)) / asset_w
    if mixed or answers:
        reaction = _classify_answer(gain)
    else:
        shown = [(one.meter_w[channel] - before_w) / asset_w for one in parts.between]
        reaction = classify_gain(gain, min(shown), max(shown))
    if reaction is None or (mixed and reaction is Reaction.GOOD):
        return None
    return MeterStep(
        at_ns=last.taken_ns,
        channel=channel,
        asset_w=asset_w,
        gain=gain,
        reaction=reaction,
        ordered=parts.early[0].ordered != last.ordered,
        grew_w=abs(after_w - timing.target_w) - abs(before_w - timing.target_w),
    )


def _is_disturbed(
    channel: int, samples: Sequence[MeterSample], least_w: float, timing: MeterTiming, slowest: float
) -> bool:
    """Return whether the meter jumped while no asset moved: then something else moved during the step."""
    watts = [one.controlled_w[channel] + one.generated_w for one in samples]
    back = 1 + round(max(0.0, timing.late_s) / timing.period_s)
    ahead = 3 + max(0, ceil(slowest / timing.period_s) - 1)
    for at, (one, other) in enumerate(pairwise(samples)):
        jump_w = abs(other.meter_w[channel] - one.meter_w[channel])
        around = watts[max(0, at - back) : at + ahead]
        if jump_w > least_w and max(around) - min(around) < SOME_SHARE * jump_w:
            return True
    return False


def classify_gain(gain: float, dip: float, peak: float) -> Reaction | None:
    """Return the meter's reaction; None if something else moved, or another controller reacted to the step.

    ``dip`` and ``peak`` are the least and the most that the meter showed of the step on the way.
    """
    if GAIN_MIN <= gain <= GAIN_MAX:
        return Reaction.GOOD
    if gain > GAIN_MAX:
        return Reaction.HIGH
    if gain <= -SOME_SHARE:
        return Reaction.WRONG_SIGN if peak < SOME_SHARE and dip >= gain - SOME_SHARE else None
    if gain < SOME_SHARE and peak < SOME_SHARE:
        return Reaction.NONE if dip > -SOME_SHARE else None
    # Shown at first and taken back by somebody else. A wrong ratio shows the same from the first reading on.
    return Reaction.LOW if dip > -SOME_SHARE and peak < GAIN_MIN and peak - gain <= FLAT_SHARE else None


def _classify_answer(gain: float) -> Reaction | None:
    """Return the reaction to a step that answered the meter's reading; None if that is not clear."""
    if GAIN_MIN <= gain <= GAIN_MAX:
        return Reaction.GOOD
    return Reaction.WRONG_SIGN if REVERSED_GAIN[0] <= gain <= REVERSED_GAIN[1] else None


def _counts(step: MeterStep, timing: MeterTiming, *, sharp: bool, generation: bool) -> bool:
    """Return whether no normal building explains the reaction too."""
    reaction = step.reaction
    # With a slow step or slow readings, another controller may have reacted before it was shown.
    clear = sharp and timing.period_s <= FAST_S
    if reaction is Reaction.GOOD:
        return True
    if generation:
        return reaction is Reaction.WRONG_SIGN
    if not timing.signed:
        return reaction is Reaction.NONE and clear
    return {
        Reaction.NONE: clear,
        Reaction.LOW: step.ordered and clear,
        # Else a thermostat or a tariff may have switched something else with it.
        Reaction.HIGH: step.ordered,
        Reaction.WRONG_SIGN: True,
    }[reaction]
