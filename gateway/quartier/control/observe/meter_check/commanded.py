"""Evaluate commanded steps as the running gateway evaluates its own (pure).

A probe steps one asset again and again while it reads it and the grid meter quickly. Its readings go through
``update_steps`` and ``update_quantities``, like those of a control cycle, so that a step has the same
reaction in both. As nobody else steps the asset meanwhile, two steps that agree are enough.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from quartier.control.observe.meter_check.frozen import QuantityHistories, update_quantities
from quartier.control.observe.meter_check.samples import MeterSample
from quartier.control.observe.meter_check.steps import (
    MeterStep,
    MeterTiming,
    Reaction,
    StepWatch,
    classify_gain,
    update_steps,
)
from quartier.control.observe.observations import LastGood

STEP_CODES = {
    Reaction.WRONG_SIGN: "wrong_sign",
    Reaction.NONE: "none",
    Reaction.LOW: "gain_low",
    Reaction.HIGH: "gain_high",
}
"""The evidence code of each reaction that is not good."""
ENOUGH, SHARE = 2, 0.75
"""At least this many steps, and this share of all, must agree: a kettle may spoil one."""
POWER_CHANNEL = "power_w"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandedSteps:
    """The steps that count, in their order.

    ``causes`` are the evidence codes against the meter, like those of ``judge``: ("wrong_sign", -1.0).
    """

    steps: tuple[MeterStep, ...] = ()
    causes: tuple[tuple[str, float], ...] = ()

    @property
    def reactions(self) -> Counter[Reaction]:
        """The number of each reaction, in total."""
        return Counter(step.reaction for step in self.steps if step.channel == 0)

    @property
    def is_good(self) -> bool:
        """Return whether the meter showed enough steps correctly."""
        return _are_enough(self.reactions[Reaction.GOOD], self.reactions.total())


def evaluate_commanded_steps(
    samples: Sequence[MeterSample], timing: MeterTiming, *, generation: bool = False
) -> CommandedSteps:
    """Evaluate all ``samples`` of a probe, the oldest first; ``generation``: PV or CHP is stepped."""
    watch, quantities = StepWatch(), QuantityHistories()
    steps: list[MeterStep] = []
    for sample in samples:
        assets_w = (sample.controlled_w[0] + sample.generated_w, *sample.controlled_w[1:])
        seen = {POWER_CHANNEL: LastGood(sample.meter_w[0], sample.taken_ns)}
        answers_s = timing.period_s + max(timing.assets_s, default=0.0)
        quantities = update_quantities(quantities, seen, assets_w, sample.taken_ns, answers_s=answers_s)
        watch, found = update_steps(watch, sample, timing, quantities.resolution_w, generation=generation)
        steps += found
    if samples and _is_frozen(samples, steps, quantities, timing):
        return CommandedSteps(
            steps=tuple(steps), causes=((f"frozen_{POWER_CHANNEL}", samples[-1].meter_w[0]),)
        )
    return CommandedSteps(steps=tuple(steps), causes=tuple(_causes(steps)))


def evaluate_gain(gain: float) -> tuple[tuple[str, float], ...]:
    """Return the evidence of the common gain of many steps that could not be evaluated one by one."""
    reaction = classify_gain(gain, gain, gain)
    return ((STEP_CODES[reaction], gain),) if reaction in STEP_CODES else ()


def combine_steps(reactions: Sequence[Reaction]) -> str:
    """Return the code of what the steps of one channel say together; empty if nothing, or good."""
    codes = [STEP_CODES.get(one, "") for one in reactions]
    if "gain_low" in codes:  # close to a low gain, a step may show as no reaction
        codes = ["gain_low" if code == "none" else code for code in codes]
    code, count = Counter(codes).most_common(1)[0]
    return code if _are_enough(count, len(codes)) else ""


def _are_enough(count: int, of_count: int) -> bool:
    return count >= max(ENOUGH, SHARE * of_count)


def _is_frozen(
    samples: Sequence[MeterSample],
    steps: Sequence[MeterStep],
    quantities: QuantityHistories,
    timing: MeterTiming,
) -> bool:
    """Return whether the meter's power is frozen at the end, or since before the first step.

    A meter that never showed another value was not seen to vary: one that shows 0 W may as well be dead.
    """
    if POWER_CHANNEL in quantities.find_frozen(timing, samples[-1].taken_ns):
        return True
    shown = {sample.meter_w for sample in samples}
    unmoved = [step.reaction for step in steps if step.channel == 0]
    return len(shown) == 1 and any(samples[0].meter_w) and combine_steps(unmoved or [Reaction.GOOD]) == "none"


def _causes(steps: Sequence[MeterStep]) -> Iterator[tuple[str, float]]:
    """Yield the evidence against the meter; by phase only if the total says nothing."""
    for channel in sorted({step.channel for step in steps}):
        mine = [step for step in steps if step.channel == channel]
        code = combine_steps([step.reaction for step in mine])
        if code:
            yield f"{code}_l{channel}" if channel else code, median(step.gain for step in mine)
            if not channel:
                return
