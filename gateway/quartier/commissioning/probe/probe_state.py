"""State of a running probe: what it has measured and commanded (pure)."""

from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from quartier.commissioning.probe.probe_subject import ProbeLimits, ProbeSubject
from quartier.commissioning.probe.probe_trace import PHASES, ProbeTrace, TimeSeries
from quartier.control.observe.observations import read_number
from quartier.site.process_image import FrozenImage

_S = 1_000_000_000
HOLD_MIN_S = 5.0
LEAST_W, LEAST_SHARE, FEELER_SHARE = 40.0, 0.01, 0.1

ProbeScript = Generator[None]
"""A script that advances by one step per cycle."""


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """Request of the operator: the longest time in s, and whether the device's timer is watched."""

    for_s: float = 240.0
    watch_timer: bool = False


@dataclass(frozen=True, slots=True)
class TimerObservation:
    """The action of a device's timer ``action_s`` after the last write; None: not within ``waited_s``."""

    expected_s: float
    action_s: float | None
    waited_s: float
    held_w: float


@dataclass(frozen=True, slots=True)
class RestartObservation:
    """The return of generation after a limit of 0 W.

    ``woke_s`` is the time after the limit was removed, None: not within ``waited_s``. ``usual_s`` is the
    longest time of its other answers.
    """

    woke_s: float | None
    waited_s: float
    usual_s: float


class ProbeEnded(Exception):  # noqa: N818 - an end, not always an error
    """The probe ends; the text says why."""


@dataclass(slots=True)
class GrowingSeries:
    """A time series that still grows."""

    times_s: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, at_s: float, value: float) -> None:
        """Add a sample, unless it is the last one already."""
        if not self.times_s or at_s > self.times_s[-1]:
            self.times_s.append(at_s)
            self.values.append(value)

    @property
    def series(self) -> TimeSeries:
        """Return the present series."""
        return TimeSeries(self.times_s, self.values)


class ProbeState:
    """All variable state of one probe; powers in W, times in s since it began.

    ``level_w`` is the expected power of the asset, ``rest_w`` its power between steps, ``most_w`` the largest
    commanded distance from that. ``open_w`` is the limit under which PV runs free. ``stepped_s`` is the end
    of the evaluated steps. ``keeps``: commands are refreshed. ``steps``: the limits of a step are watched.
    ``is_flipped``: the asset answers with the opposite sign.
    """

    def __init__(
        self, subject: ProbeSubject, bounds: ProbeLimits, request: ProbeRequest, began_ns: int
    ) -> None:
        self.subject = subject
        self.bounds = bounds
        self.request = request
        self.began_ns = began_ns
        self.now_s = 0.0
        self.frozen: FrozenImage | None = None
        self.columns = {point: GrowingSeries() for point in list_probe_points(subject)}
        self.commands: list[tuple[float, float]] = []
        self.texts: list[str] = []
        self.watch: TimerObservation | None = None
        self.rest: RestartObservation | None = None
        self.stepped_s: float | None = None
        self.hold_s = 0.0
        self.learned_w = 0.0
        self.grid_update_s = 1.0
        self.level_w: float | None = None
        self.rest_w = self.noise_w = self.most_w = self.open_w = self.written_s = 0.0
        self.due: float | None = None
        self.keeps = True
        self.steps = self.is_open = self.is_flipped = False

    def look(self, frozen: FrozenImage, now_ns: int) -> None:
        """Read new values from the process image."""
        self.frozen = frozen
        self.now_s = (now_ns - self.began_ns) / _S
        for point, column in self.columns.items():
            found = read_number(frozen, point)
            if found is not None:
                column.add((found.taken_ns - self.began_ns) / _S, found.value)

    @property
    def trace(self) -> ProbeTrace:
        """Return what was commanded and measured until now."""
        name, grid = self.subject.name, self.subject.grid
        columns = self.columns
        shown = columns[self.subject.point].series
        watts = [self.subject.watts(value) for value in shown.values]
        return ProbeTrace(
            commands=tuple(self.commands),
            end_s=self.now_s if self.stepped_s is None else self.stepped_s,
            asset=columns[f"{name}.power_w"].series,
            grid=columns[f"{grid}.power_w"].series,
            phases={
                phase: columns[f"{grid}.power_{phase}_w"].series
                for phase in PHASES
                if len(columns[f"{grid}.power_{phase}_w"].times_s)
            },
            soc=columns[f"{name}.soc_pct"].series,
            readback=TimeSeries(shown.times_s, watts),
        )

    @property
    def command_w(self) -> float:
        """Return the commanded value of the point in W: for PV at rest it is more than its generation."""
        assert self.level_w is not None
        return self.open_w if self.is_open else self.level_w

    def add_text(self, text: str) -> None:
        """Add a text for the operator."""
        self.texts.append(text)

    def order(self, command_w: float, level_w: float | None = None) -> None:
        """Command a power, and note the power expected of it."""
        self.level_w = command_w if level_w is None else level_w
        self.most_w = max(self.most_w, abs(self.level_w - self.rest_w))
        self.commands.append((self.now_s, self.level_w))
        self.due = self.subject.value(command_w)

    def require_headroom(self, power_w: float, what: str) -> None:
        """End the probe if there is no room for this additional power."""
        if self.limit_level(power_w) < power_w - 1.0:
            raise ProbeEnded(f"there is no room for {what}, {power_w:.0f} W, under the limits")

    def find_interval(self) -> tuple[float, float]:
        """Return the lowest and highest power that may be commanded now, in W."""
        soc = self.columns[f"{self.subject.name}.soc_pct"].values
        return self.bounds.find_interval(
            self.subject, asset_w=self.asset_w, grid_w=self.grid_w, soc_pct=soc[-1] if soc else None
        )

    def limit_level(self, level_w: float) -> float:
        """Return the allowed power nearest to ``level_w``, in W."""
        low_w, high_w = self.find_interval()
        if self.is_flipped:  # the answer has the opposite sign: both directions must be allowed
            low_w, high_w = max(low_w, -high_w), min(high_w, -low_w)
        return min(max(level_w, min(low_w, self.rest_w)), max(high_w, self.rest_w))

    def wait(self, seconds: float) -> ProbeScript:
        """Wait ``seconds``."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            yield

    def wait_until_still(self, least_s: float, most_s: float) -> ProbeScript:
        """Wait until the asset's power is steady."""
        began_s = self.now_s
        yield from self.wait(least_s)
        while self.now_s - began_s < most_s:
            lately = self.asset.find_values(self.now_s - least_s, self.now_s + 1)
            if lately and max(lately) - min(lately) <= max(self.least_w, 6 * self.noise_w):
                return
            yield

    @property
    def least_w(self) -> float:
        """Return the smallest useful step, in W."""
        return max(LEAST_W, LEAST_SHARE * self.subject.asset.rated_w, 3 * self.noise_w) * (
            1.0 if self.hold_s else FEELER_SHARE
        )

    @property
    def asset(self) -> TimeSeries:
        """Return the asset's power until now."""
        return self.columns[f"{self.subject.name}.power_w"].series

    @property
    def grid(self) -> TimeSeries:
        """Return the grid power until now."""
        return self.columns[f"{self.subject.grid}.power_w"].series

    @property
    def asset_w(self) -> float:
        """Return the asset's last power, in W."""
        return self.asset.values[-1]

    @property
    def grid_w(self) -> float:
        """Return the last grid power, in W."""
        return self.grid.values[-1]

    def find_recent_power_w(self) -> float:
        """Return the asset's median power of the last seconds, in W."""
        return median(self.asset.find_values(self.now_s - HOLD_MIN_S, self.now_s + 1) or (self.asset_w,))


def list_probe_points(subject: ProbeSubject) -> list[str]:
    """Return every point that a probe reads."""
    name, grid = subject.name, subject.grid
    phases = [f"{grid}.power_{phase}_w" for phase in PHASES]
    return [f"{name}.power_w", f"{grid}.power_w", subject.point, *phases, f"{name}.soc_pct"]


def find_median_jump_w(series: TimeSeries) -> float:
    """Return the median step from reading to reading, in W."""
    return median([abs(later - sooner) for sooner, later in pairwise(series.values)] or [0.0])
