"""Real readings of a run: the latest of each point, how old they became, and all of them for the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

from quartier_hil.checks.verdicts import RunData, Verdict


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading by the rig machine's own clock; ``value`` None: none came, and ``why``."""

    unix_s: float
    point: str
    value: float | None
    source: str
    why: str = ""


@dataclass
class ReadingSource:
    """Source of one point.  ``device`` is the measured device; ``is_own``: read from the device itself."""

    point: str
    device: str
    words: str
    is_own: bool
    value: float | None = None
    read_s: float = -inf
    count: int = 0
    missed_count: int = 0
    age_max_s: float = 0.0
    excused_until_s: float = -inf
    """Time until which no reading is expected: its wire is cut, or it restarts."""

    def excuse(self, until_s: float) -> None:
        """Nothing is expected until then, or until the next reading."""
        self.excused_until_s = until_s

    def is_excused(self, now_s: float) -> bool:
        """Return whether no reading is expected now."""
        return now_s <= self.excused_until_s


@dataclass
class Readings:
    """All readings of a run, by point; also a check of the run: no old reading may be used."""

    stale_s: float
    sources: dict[str, ReadingSource] = field(default_factory=dict)
    rows: list[ReadingRow] = field(default_factory=list)
    stale_of: str = ""

    def take(self, point: str, value: float, unix_s: float, at_s: float) -> None:
        """A reading; what is no number is none."""
        if not isfinite(value):
            self.miss(point, "it is no number", unix_s)
            return
        source = self.sources[point]
        source.value, source.read_s, source.count = value, at_s, source.count + 1
        if source.excused_until_s != inf:
            source.excused_until_s = -inf
        self.rows.append(ReadingRow(unix_s, point, value, source.words))

    def miss(self, point: str, why: str, unix_s: float) -> None:
        """None came."""
        source = self.sources[point]
        source.missed_count += 1
        self.rows.append(ReadingRow(unix_s, point, None, source.words, why))

    def latest(self, now_s: float) -> dict[str, float]:
        """The last value of each point; none of an order that nobody can read now."""
        return {
            point: source.value
            for point, source in self.sources.items()
            if source.value is not None and not (point.startswith("order.") and source.is_excused(now_s))
        }

    # -- the check ------------------------------------------------------------------

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Record the age of each reading."""
        for source in self.sources.values():
            if source.is_excused(now_s):
                continue
            age_s = now_s - source.read_s
            source.age_max_s = max(source.age_max_s, age_s)
            if age_s > self.stale_s and not self.stale_of:
                self.stale_of = f"{source.point} by {source.words} is {age_s:.1f} s old at {now_s:.0f} s"

    def verdict(self, _: RunData) -> Verdict:
        """The oldest, or the first that was too old."""
        promised = f"real readings at most {self.stale_s:g} s old while their device has power and cable"
        source_texts = (
            f"{one.point}: {one.count} read, {one.missed_count} missed, {one.age_max_s:.1f} s at most"
            for one in self.sources.values()
        )
        measured = self.stale_of or "; ".join(source_texts)
        return Verdict("readings", promised, measured, not self.stale_of)
