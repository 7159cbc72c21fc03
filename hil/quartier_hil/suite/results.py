"""Results of scenarios over wires, with a digest of the code, the scenario and the options of each."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from quartier_hil.checks.verdicts import Result, Verdict
from quartier_hil.report.verdict_files import JunitSuite, VerdictLine, parse_verdict_line
from quartier_sim.data_files import JsonLinesFile

RESULTS_FILE = "results.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """One run with verdicts: ``digest`` is of code, file and options, ``line`` its row of the table."""

    digest: str
    seed: int
    line: VerdictLine
    verdicts: tuple[Verdict, ...]

    @property
    def scenario(self) -> str:
        """Its name."""
        return self.line.scenario

    @property
    def is_kept(self) -> bool:
        """Return whether every promise was."""
        return all(verdict.is_kept for verdict in self.verdicts)

    @property
    def result(self) -> Result:
        """Result of all its promises together."""
        found = {verdict.result for verdict in self.verdicts}
        return "broken" if "broken" in found else "not shown" if "not shown" in found else "kept"

    @property
    def suite(self) -> JunitSuite:
        """For a JUnit file."""
        return JunitSuite(
            scenario=self.scenario, verdicts=self.verdicts, real_s=self.line.real_s, seed=self.seed
        )


class ResultsFile:
    """The file of a report folder."""

    def __init__(self, folder: Path) -> None:
        self._lines = JsonLinesFile(folder / RESULTS_FILE)

    def append(self, result: ScenarioResult, at: str) -> None:
        """Write one down; ``at`` is the moment it ended, as people read it.  Raises OSError."""
        self._lines.append({"at": at, **asdict(result)})

    def read(self) -> Iterator[ScenarioResult]:
        """All there are, oldest first."""
        for row in self._lines.read():
            try:
                yield _parse_result(row)
            except (TypeError, KeyError):
                continue

    def find_last_results(self) -> Mapping[tuple[str, str], ScenarioResult]:
        """The last word by scenario and digest."""
        return {(one.scenario, one.digest): one for one in self.read()}

    def took_s(self) -> Mapping[tuple[str, float | None], float]:
        """Return the real seconds of the last run of each, by scenario and rate, of any code."""
        return {(one.scenario, one.line.rate): one.line.real_s for one in self.read()}


def _parse_result(row: Mapping[str, Any]) -> ScenarioResult:
    return ScenarioResult(
        digest=row["digest"],
        seed=row["seed"],
        line=parse_verdict_line(row["line"]),
        verdicts=tuple(map(Verdict.from_row, row["verdicts"])),
    )


PACKAGES = (
    "quartier",
    "quartier_drivers",
    "quartier_native",
    "quartier_sim",
    "quartier_district",
    "quartier_hil",
)
# Each scenario is digested by itself; what a build or a run leaves is no source, what it compiled is.
_SKIPPED_FOLDERS = ("scenarios", "__pycache__")
_SKIPPED_SUFFIXES = (".pyc", ".c", ".md")


def compute_digest(scenario: Path, asked: Mapping[str, Any], code: str) -> str:
    """Sixteen digits: another scenario file, other code or another request gives others.  Raises OSError."""
    made = hashlib.sha256(f"{code} {sorted(asked.items())}".encode())
    made.update(scenario.read_bytes())
    return made.hexdigest()[:16]


@cache
def compute_code_digest() -> str:
    """Sixteen digits of every file of gateway, drivers, kernels and rig, and of the Python that runs them.

    No version and no commit: neither knows of a line that was changed a moment ago.
    """
    made = hashlib.sha256(sys.version.encode())
    for folder in _list_folders():
        for path in sorted(_list_files(folder)):
            made.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
            made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()[:16]


def _list_folders() -> Iterator[Path]:
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None:
            raise RuntimeError(f"the package {name} is not installed")
        yield from (Path(place) for place in spec.submodule_search_locations or ())


def _list_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _SKIPPED_SUFFIXES or set(_SKIPPED_FOLDERS) & set(path.relative_to(folder).parts):
            continue
        if path.is_file():
            yield path
