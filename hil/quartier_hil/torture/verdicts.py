"""Results of the lots: a line each in a file, so that a long run continues where it was left."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quartier_hil.lines import Lines


@dataclass(frozen=True, slots=True)
class Verdict:
    """One lot of one fault: ``broken`` are the broken promises, ``figures`` the measurements."""

    fault: str
    lot: int
    form: str
    took_s: float
    broken: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Return whether everything did."""
        return not self.broken


class Results:
    """A line for each lot, appended as it ends (``lines``); what is no verdict is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = Lines(path)

    def append(self, verdict: Verdict, at: str) -> None:
        """Write one down; ``at`` is the moment it ended, as people read it."""
        self._lines.append({"at": at, **asdict(verdict)})

    def read(self) -> Iterator[Verdict]:
        """All there are, oldest first."""
        for found in self._lines.read():
            found.pop("at", None)
            try:
                yield Verdict(**{**found, "broken": tuple(found["broken"])})
            except (TypeError, KeyError):
                continue

    def done(self, form: str) -> set[tuple[str, int]]:
        """Fault and lot of those that held in this form: the last word on each counts."""
        last = {(one.fault, one.lot): one.held for one in self.read() if one.form == form}
        return {key for key, held in last.items() if held}


def rows(verdicts: list[Verdict]) -> Iterator[str]:
    """For people: a line for each lot, and what broke below it."""
    for one in verdicts:
        told = ", ".join(f"{name} {_number(value)}" for name, value in one.figures.items())
        yield f"{'held  ' if one.held else 'BROKEN'} {one.fault}/{one.lot}  {one.took_s:.0f} s  {told}"
        for what in one.broken:
            yield f"       {what}"


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
