"""Check link state, delivery, releases, control cycle and memory of the daemon, and the fallback of
devices (pure).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from quartier_hil.checks.verdicts import Verdict, format_count
from quartier_hil.scenario import expectations as asked
from quartier_sim.plant.building_model import STANDARD_ASSETS

if TYPE_CHECKING:
    from quartier_hil.checks.verdicts import RunData


@dataclass
class FallbackCheck:
    """Check that an order in force reaches its fallback value in time, and stays there."""

    asked: asked.FallbackExpectation
    start_value: float | None = None
    reached_s: float | None = None
    last: float | None = None

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        wanted = self.asked
        if now_s > wanted.until_s or wanted.point not in values:
            return
        value = values[wanted.point]
        if now_s < wanted.at_s:
            self.start_value = value
            return
        self.last = value
        if abs(value - wanted.value) > wanted.tolerance:
            self.reached_s = None
        elif self.reached_s is None:
            self.reached_s = now_s - wanted.at_s

    def verdict(self, _: "RunData") -> Verdict:
        """Return the verdict with the order before and the time that the fallback took."""
        wanted = self.asked
        span = (
            f"{wanted.not_before_s:g} to {wanted.within_s:g} s"
            if wanted.not_before_s
            else f"{wanted.within_s:g} s"
        )
        promised = f"{wanted.point} falls back to {wanted.value:g} in {span} from {wanted.at_s:g} s on"
        if self.start_value is None or abs(self.start_value - wanted.value) <= wanted.tolerance:
            return Verdict("falls-back", promised, "", holds=False, unshown="no order stood there")
        if self.reached_s is None:
            return Verdict("falls-back", promised, f"is {self.last} at {wanted.until_s:g} s", holds=False)
        measured = f"from {self.start_value:.0f} after {self.reached_s:.1f} s, until {wanted.until_s:g} s"
        holds = wanted.not_before_s <= self.reached_s <= wanted.within_s
        return Verdict("falls-back", promised, measured, holds)


@dataclass
class _EndCheck:
    """A check that needs no steps."""

    asked: Any

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""


class LinkStateCheck(_EndCheck):
    """Check of the daemon's own link state at a moment."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the last state reported up to that moment."""
        heard = [mode for at_s, mode in ending.modes if at_s <= self.asked.at_s]
        mode = heard[-1] if heard else "unknown"
        promised = f"link state {self.asked.expected} at {self.asked.at_s:g} s"
        return Verdict("mode", promised, mode, mode == self.asked.expected)


class DeliveryCheck(_EndCheck):
    """Check that the district has every sample: sequences without holes, no row missing."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the numbers of samples, repeats and holes, counted by key."""
        count = int(ending.district.get("samples_count", 0))
        holes = ending.district.get("holes", {})
        missing = sum(last - first + 1 for spans in holes.values() for first, last in spans)
        repeats = int(ending.district.get("repeats_count", 0))
        measured = f"{format_count(count, 'sample')} counted once, {format_count(repeats, 'repeat')} dropped"
        measured += f", {missing} missing by sequence"
        if ending.missing is not None:
            measured += f", {ending.missing} of the house's own history missing"
        holds = count > 0 and not holes and not ending.missing
        return Verdict("delivered", "every sample at the district, counted once by key", measured, holds)


class ContinuityCheck(_EndCheck):
    """Check for pauses in a series that no absence of the daemon explains."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the longest unexplained pause."""
        times = sorted(set(ending.series.get(self.asked.point, ())))
        pauses = [
            (right - left - _absence_s(left, right, ending.downs), left) for left, right in pairwise(times)
        ]
        longest_s, at_s = max(pauses, default=(float("inf"), 0.0))
        promised = f"{self.asked.point}: no pause over {self.asked.gap_max_s:g} s while the daemon lived"
        measured = f"{format_count(len(times), 'sample')}, longest pause {longest_s:.0f} s"
        measured += f" (at {at_s:.0f} s of the site's clock)"
        return Verdict("nothing-lost", promised, measured, longest_s <= self.asked.gap_max_s)


class ReportCheck(_EndCheck):
    """Check that samples of one quality exist in a span."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the number of samples and the time of the first."""
        wanted = self.asked
        found = [
            at_s
            for at_s, good in ending.told.get(wanted.point, ())
            if wanted.from_s <= at_s <= wanted.until_s and good == (wanted.quality == "good")
        ]
        promised = f"{wanted.point}: {wanted.quality} from {wanted.from_s:g} s to {wanted.until_s:g} s"
        measured = format_count(len(found), "sample") + (
            f", the first at {min(found):.0f} s" if found else ""
        )
        return Verdict("told", promised, measured, bool(found))


def _absence_s(left: float, right: float, downs: Sequence[tuple[float, float]]) -> float:
    return sum(max(min(right, end) - max(left, start), 0.0) for start, end in downs)


class RejectionCheck(_EndCheck):
    """Check that envelopes without sense are rejected with a reason."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with each answer; ``huge`` may be accepted, because it widens no cap."""
        promised = "what makes no sense is rejected with a reason"
        answers = ending.answers
        measured = ", ".join(f"{kind}: {status} {reason}".strip() for kind, status, reason in answers)
        holds = bool(answers) and all(
            (status == "REJECTED" and reason) or kind == "huge" for kind, status, reason in answers
        )
        return Verdict("refused", promised, measured or "none was answered", holds)


class ReleaseCheck(_EndCheck):
    """Check of the outputs after each stop."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the number of stops that left every output at its release value."""
        bad = [item for item in ending.releases if item.wrong or item.exit_code]
        promised = "outputs at on_release after each stop"
        measured = f"{len(ending.releases) - len(bad)} of {format_count(len(ending.releases), 'stop')}"
        if bad:
            why = ", ".join(bad[0].wrong) or f"exit code {bad[0].exit_code}"
            measured += f"; at {bad[0].at_s:.0f} s: {why}"
        return Verdict("released", promised, measured, bool(ending.releases) and not bad)


class CyclePeriodCheck(_EndCheck):
    """Check of the number of skipped cycles."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the number that the daemon counted."""
        promised = f"at most {self.asked.skipped_max_count} cycles skipped"
        if ending.skipped_count is None:
            return Verdict("on-time", promised, "", holds=False, unshown="the daemon did not say")
        measured = f"{ending.skipped_count} of {ending.cycles_count} skipped"
        return Verdict("on-time", promised, measured, ending.skipped_count <= self.asked.skipped_max_count)


class MeterCountCheck(_EndCheck):
    """Check that the daemon counts every group good that passed the line of a smart meter whole."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the counts; a damaged group may count good (damage outside its text), a sound one not."""
        promised = f"every sound group of the smart meters from {self.asked.from_s:g} s is counted good"
        if not ending.heard:
            return Verdict("accounted", promised, "", holds=False, unshown="nothing was counted")
        measured = ", ".join(
            f"{name}: {one.good_count} of {one.sound_count} sound"
            + (f" ({one.hit_count} hit, {one.bad_count} refused)" if one.hit_count or one.bad_count else "")
            for name, one in ending.heard.items()
        )
        holds = all(0 < one.sound_count <= one.good_count for one in ending.heard.values())
        return Verdict("accounted", promised, measured, holds)


class MemoryCheck(_EndCheck):
    """Check of the growth of the daemon's memory from the first to the last fifth of the time that counts."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Compare medians, so that one garbage collection more or less is no growth."""
        seen = [mb for at_s, mb in ending.memory if at_s >= self.asked.from_s and mb > 0]
        promised = f"memory grows by at most {self.asked.growth_max_mb:g} MB from {self.asked.from_s:g} s on"
        part = len(seen) // 5
        if not part:
            return Verdict(
                "memory", promised, "", holds=False, unshown=f"{format_count(len(seen), 'look')}: too few"
            )
        before_mb, after_mb = median(seen[:part]), median(seen[-part:])
        measured = f"{before_mb:.1f} -> {after_mb:.1f} MB, {max(seen):.1f} MB at most"
        return Verdict("memory", promised, measured, after_mb - before_mb <= self.asked.growth_max_mb)


@dataclass
class BalanceCheck:
    """Check of every run: the grid meter reads the sum of all assets."""

    names: Sequence[str] = STANDARD_ASSETS
    worst_w: float = 0.0

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        total = sum(values[f"{name}.power_w"] for name in self.names)
        self.worst_w = max(self.worst_w, abs(total - values["grid.power_w"]))

    def verdict(self, _: "RunData") -> Verdict:
        """Return the verdict with the largest difference."""
        promised = "grid = sum of all assets at every step"
        return Verdict("balance", promised, f"off by {self.worst_w:.3f} W at most", self.worst_w < 1e-6)


@dataclass
class DaemonAliveCheck:
    """Check of every run: the daemon ends only on request."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: "RunData") -> Verdict:
        """Return the verdict with the number of times it ended by itself."""
        measured = (
            "lived through"
            if not ending.crashes
            else f"ended by itself {format_count(len(ending.crashes), 'time')}"
        )
        if ending.crashes:
            at_s, code = ending.crashes[0]
            measured += f", first at {at_s:.0f} s with exit code {code}"
        return Verdict("alive", "the daemon ends only when told", measured, not ending.crashes)
