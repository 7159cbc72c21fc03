"""Read the gateway's history of a run as a person would, with ``quartier history`` (pure)."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_hil import wanted
from quartier_hil.scenario import Scenario

EVERY = "15min"
Rows = Mapping[str, Sequence[tuple[str, float]]]
"""By point: the local time of a row as printed, and its value."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Values of 15 min, and samples one by one."""

    quarters: Rows
    samples: Rows


def points(scenario: Scenario) -> tuple[str, ...]:
    """Return the points whose stored values a check of the scenario needs; empty if there is none."""
    checks = [check for check in scenario.checks if isinstance(check, wanted.Quarters)]
    return tuple(dict.fromkeys(point for check in checks for point in (*check.counters, *check.powers)))


def rows(text: Iterable[str]) -> Rows:
    """Return the rows that ``quartier history --format csv`` printed, by point, in their order."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in csv.DictReader(text):
        found.setdefault(row["point"], []).append((row["time"], float(row["value"])))
    return found
