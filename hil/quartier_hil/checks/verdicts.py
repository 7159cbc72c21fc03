"""Judges of a scenario: each evaluates every step and gives one verdict at the end (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, Self

from quartier_hil.checks.figures import Saving
from quartier_hil.checks.run_record import StoredHistory

Result = Literal["kept", "broken", "not shown"]
KEPT, BROKEN, NO_RUN, NOT_SHOWN = 0, 1, 2, 3
"""Exit codes of a run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table: what was promised, what was measured, whether it holds.

    ``unshown`` is the reason why the run did not put the promise to the test; empty if it did.  ``proves``
    names the rows of the fail-safe specification that the check proves.
    """

    check: str
    promised: str
    measured: str
    holds: bool
    unshown: str = ""
    proves: tuple[str, ...] = ()

    @property
    def result(self) -> Result:
        """The result; a promise that was not put to the test is neither kept nor broken."""
        if self.unshown:
            return "not shown"
        return "kept" if self.holds else "broken"

    @property
    def is_kept(self) -> bool:
        """Return whether the promise was put to the test and holds."""
        return self.result == "kept"

    @property
    def words(self) -> str:
        """The measurement, followed by the reason why the promise was not shown."""
        return "; ".join(part for part in (self.measured, self.unshown) if part)

    @property
    def row(self) -> dict[str, Any]:
        """The verdict as an object for JSON."""
        return {**asdict(self), "result": self.result}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what ``row`` wrote, also by an older version.  Raises TypeError."""
        proves = tuple(row.get("proves", ()))
        return cls(**{**{key: value for key, value in row.items() if key != "result"}, "proves": proves})


def compute_exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return the exit code of a run from its verdicts."""
    found = {verdict.result for verdict in verdicts}
    return BROKEN if "broken" in found else NOT_SHOWN if "not shown" in found else KEPT


def find_worst_code(codes: Iterable[int]) -> int:
    """Return the worst exit code of several runs; ``NO_RUN`` if there is none."""
    return max(codes, key=(KEPT, NOT_SHOWN, BROKEN, NO_RUN).index, default=NO_RUN)


def format_count(count: int, one: str) -> str:
    """Return a count with its noun: ``1 sample``, ``3 samples``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def summarize_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Return the numbers of promises kept, broken and not shown, as text."""
    parts = [
        f"{sum(verdict.is_kept for verdict in verdicts)} of {format_count(len(verdicts), 'promise')} kept"
    ]
    for result in ("broken", "not shown"):
        count = sum(verdict.result == result for verdict in verdicts)
        parts += [f"{count} {result}"] if count else []
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """Outputs after a stop of the daemon and `quartier release`."""

    at_s: float
    exit_code: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Groups of a smart meter: whole or damaged on the line, and counted good or bad by the daemon."""

    sound_count: int
    hit_count: int
    good_count: int
    bad_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """Data of a run that is over.  Times are seconds of the site's clock.

    - ``modes``: (time, link state) of the daemon.
    - ``downs``: spans in which the daemon did not run; ``crashes``: (time, exit code) of its own ends.
    - ``series``: times of the samples of a point that the district has stored; ``told``: the same, each with
      whether its quality was good.
    - ``missing``: number of rows of the daemon's own history that the district lacks.
    - ``heard``: counts of each smart meter, where they were counted; ``memory``: (time, MB) samples.
    - ``answers``: kind, status and reason of the answer to each envelope without sense.
    - ``alarms``: (time, text) of each alarm raised; ``alarm_spans``: the times of its raises, by name.
    - ``losses``: from, until (inf: not over), and code and subject of each loss reported.
    - ``saving``: of a day that was simulated without its plan too.
    - ``is_wired``: whether the run had real buses.
    - ``stored``: rows of the daemon's history, where a check needs them.
    - ``zero_s``: how much later than the start of the scenario its second 0 was.
    """

    modes: Sequence[tuple[float, str]] = ()
    releases: Sequence[ReleaseResult] = ()
    downs: Sequence[tuple[float, float]] = ()
    crashes: Sequence[tuple[float, int]] = ()
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    told: Mapping[str, Sequence[tuple[float, bool]]] = field(default_factory=dict)
    district: Mapping[str, Any] = field(default_factory=dict)
    missing: int | None = None
    backlog_count: int | None = None
    skipped_count: int | None = None
    cycles_count: int | None = None
    heard: Mapping[str, GroupCounts] = field(default_factory=dict)
    answers: Sequence[tuple[str, str, str]] = ()
    alarms: Sequence[tuple[float, str]] = ()
    alarm_spans: Mapping[str, Sequence[float]] = field(default_factory=dict)
    losses: Sequence[tuple[float, float, tuple[str, str]]] = ()
    memory: Sequence[tuple[float, float]] = ()
    saving: Saving | None = None
    is_wired: bool = True
    stored: StoredHistory | None = None
    zero_s: float = 0.0
    end_s: float = 0.0


class Check(Protocol):
    """Evaluates every step of the plant and gives a verdict at the end."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        ...

    def verdict(self, ending: RunData) -> Verdict:
        """Return the line for the table."""
        ...
