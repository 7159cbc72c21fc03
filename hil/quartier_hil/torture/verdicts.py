"""What became of each lot: a line in a file, so that a long run goes on where it was left."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """One lot of one fault: ``broken`` says what did not hold, ``figures`` what was measured."""

    fault: str
    lot: int
    form: str
    took_s: float
    broken: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether everything did."""
        return not self.broken


class Results:
    """Lines of JSON, appended as lots end and never rewritten; what cannot be read is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, verdict: Verdict, at: str) -> None:
        """Write one down; ``at`` is the moment it ended, as people read it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": at, **asdict(verdict)}) + "\n")

    def read(self) -> Iterator[Verdict]:
        """All there are, oldest first."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                found = json.loads(line)
                found.pop("at", None)
                yield Verdict(**{**found, "broken": tuple(found["broken"])})
            except (ValueError, TypeError, KeyError):
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
