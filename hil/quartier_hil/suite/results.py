"""Results of scenarios over wires, a line as each one ends: the code, the scenario, the verdicts."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from quartier_hil.lines import Lines
from quartier_hil.report.junit import Suite
from quartier_hil.report.record import Line, from_row
from quartier_hil.verdict.checks import Result, Verdict

FILE = "results.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One run with verdicts: ``digest`` is of code, file and options, ``line`` its row of the table."""

    digest: str
    seed: int
    line: Line
    verdicts: tuple[Verdict, ...]

    @property
    def scenario(self) -> str:
        """Its name."""
        return self.line.scenario

    @property
    def kept(self) -> bool:
        """Return whether every promise was."""
        return all(verdict.is_kept for verdict in self.verdicts)

    @property
    def result(self) -> Result:
        """Result of all its promises together."""
        found = {verdict.result for verdict in self.verdicts}
        return "broken" if "broken" in found else "not shown" if "not shown" in found else "kept"

    @property
    def suite(self) -> Suite:
        """For a JUnit file."""
        return Suite(scenario=self.scenario, verdicts=self.verdicts, real_s=self.line.real_s, seed=self.seed)


class Results:
    """The file of a report folder."""

    def __init__(self, folder: Path) -> None:
        self._lines = Lines(folder / FILE)

    def append(self, judged: Judged, at: str) -> None:
        """Write one down; ``at`` is the moment it ended, as people read it.  Raises OSError."""
        self._lines.append({"at": at, **asdict(judged)})

    def read(self) -> Iterator[Judged]:
        """All there are, oldest first."""
        for row in self._lines.read():
            try:
                yield _judged(row)
            except (TypeError, KeyError):
                continue

    def known(self) -> Mapping[tuple[str, str], Judged]:
        """The last word by scenario and digest."""
        return {(one.scenario, one.digest): one for one in self.read()}

    def took_s(self) -> Mapping[tuple[str, float | None], float]:
        """Return the real seconds of the last run of each, by scenario and rate, of any code."""
        return {(one.scenario, one.line.rate): one.line.real_s for one in self.read()}


def _judged(row: Mapping[str, Any]) -> Judged:
    return Judged(
        digest=row["digest"],
        seed=row["seed"],
        line=from_row(row["line"]),
        verdicts=tuple(map(Verdict.from_row, row["verdicts"])),
    )
