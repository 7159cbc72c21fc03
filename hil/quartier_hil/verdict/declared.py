"""Find the value and the deadline of each output after each loss, from the scenario alone (pure).

The losses are those of gateway/docs/failsafe.md: a gateway that is killed, stopped or frozen, the grid
meter, a device.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from quartier_hil.outputs import Output, outputs
from quartier_hil.scenario import Clear, Event, Failure, Freeze, Kill, Scenario
from quartier_hil.verbs import felt, is_on, is_unheard
from quartier_hil.verdict.checks import Ending, Verdict

# A released output has its value after this time; the timer of a device acts to the step of the plant.
RELEASE_S = 5.0
TIMER_SLACK_S = 5.0
# A grid meter is lost after 10 s (spec/failsafe.md#meter-lost); the next cycles write the release value.
METER_LOST_S = 15.0
CUT = ("unplugged", "silent")
# The answers cannot be decoded or come too late; the device obeys all the same.
_HEARING = ("garbage", "slow")
_TOLERANCE = {"setpoint": 5.0}


@dataclass(frozen=True, slots=True)
class Expectation:
    """``output`` is at ``value`` from ``from_s`` until ``until_s``, because of ``loss``."""

    output: Output
    value: float
    from_s: float
    until_s: float
    loss: str


def expectations(scenario: Scenario) -> list[Expectation]:
    """Return each declared value of each output after each loss of the scenario, in order of time."""
    found = [one for event in scenario.events for one in _after(scenario, event)]
    return sorted((one for one in found if one.from_s < one.until_s), key=lambda one: one.from_s)


def _after(scenario: Scenario, event: Event) -> Iterator[Expectation]:
    outs = outputs(scenario.house)
    if isinstance(event, Kill):
        end_s = event.at_s + event.down_s
        released = event.release or event.do == "stop"
        if released:
            yield from _at(outs, event.at_s + RELEASE_S, end_s, f"{event.do} and release", by_timer=False)
        else:
            yield from _at(outs, event.at_s, end_s, f"{event.do} without release", by_timer=True)
    elif isinstance(event, Freeze):
        yield from _at(outs, event.at_s, event.at_s + event.for_s, "freeze", by_timer=True)
    elif isinstance(event, Failure):
        until_s = cleared_s(scenario, event)
        unheard = is_unheard(event.kind, event.seconds) and event.kind != "intermittent"
        if unheard and is_on(event.device, "meter"):
            for out in outs:
                if out.sort == "setpoint" and out.released is not None and not _is_cut(scenario, out, event):
                    begin_s = event.at_s + METER_LOST_S
                    yield Expectation(out, out.released, begin_s, until_s, "grid meter lost")
        if event.kind in _HEARING and unheard:  # its setpoint is released, and that reaches it
            held = [out for out in outs if out.sort == "setpoint" and is_on(event.device, out.device)]
            yield from _at(held, event.at_s, until_s, f"{event.device} {event.kind}", by_timer=True)
        if felt(event.device, event.kind) in CUT:
            cut = [out for out in outs if is_on(event.device, out.device)]
            yield from _at(cut, event.at_s, until_s, f"{event.device} {event.kind}", by_timer=True)


def _is_cut(scenario: Scenario, out: Output, loss: Failure) -> bool:
    """Return whether its device receives nothing at that moment: then its own timer ends its order."""
    return any(
        felt(event.device, event.kind) in CUT
        and is_on(event.device, out.device)
        and event.at_s <= loss.at_s < cleared_s(scenario, event)
        for event in scenario.events
        if isinstance(event, Failure)
    )


def _at(
    outs: Sequence[Output], from_s: float, until_s: float, loss: str, *, by_timer: bool
) -> Iterator[Expectation]:
    for out in outs:
        value = out.fallen if by_timer else out.released
        if value is not None:
            late_s = out.after_s + TIMER_SLACK_S if by_timer else 0.0
            yield Expectation(out, value, from_s + late_s, until_s, loss)


def cleared_s(scenario: Scenario, failure: Failure) -> float:
    """Return the second at which a device has recovered; the end of the scenario if it never does."""
    cleared = [
        event.at_s
        for event in scenario.events
        if isinstance(event, Clear) and event.device == failure.device and event.at_s > failure.at_s
    ]
    return min(cleared, default=scenario.duration_s)


@dataclass
class Declared:
    """Check that every output is at its declared value within its deadline after each loss."""

    expected: Sequence[Expectation]
    seen_count: int = 0
    broken: str = ""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        for one in self.expected:
            if not one.from_s <= now_s < one.until_s or one.output.order not in values:
                continue
            self.seen_count += 1
            value = values[one.output.order]
            if abs(value - one.value) > _TOLERANCE.get(one.output.sort, 0.01) and not self.broken:
                self.broken = (
                    f"{one.output.point} is {value:g} instead of {one.value:g} at {now_s:.0f} s ({one.loss})"
                )

    def verdict(self, _: Ending) -> Verdict:
        """Return the verdict with the first output that was not at its value in time."""
        losses = ", ".join(dict.fromkeys(one.loss for one in self.expected))
        promised = f"each output at its declared value in time after: {losses}"
        measured = self.broken or f"all {len(self.expected)}, in every step"
        unshown = "" if self.seen_count else "no output was seen after a loss"
        return Verdict("declared", promised, measured, not self.broken and self.seen_count > 0, unshown)
