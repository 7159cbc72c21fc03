"""The page of scenarios that prove rows of spec/failsafe.md, made from the checks' keys ``proves`` (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from quartier_hil import rows, scenario, wanted
from quartier_hil.verdict.checks import Ending
from quartier_hil.verdict.judging import asked_for
from quartier_hil.verdict.promise import caps

_HEAD = """\
# Which scenario proves which row of the fail-safe specification

Written by `quartier-hil list --rows` from the scenario files. The rows are those of sections 2 and 4
of `gateway/docs/spec/failsafe.md`. Each row has a check that breaks if the gateway does not keep the row,
or a test elsewhere and the reason why no scenario can show it. A row with two times is kept not before
the first and not after the second.

`quartier_hil/rows.py` has the names of the rows. The key `proves` of a check names the rows that it
proves. `tests/hil/offline/test_breaking.py` changes the gateway row by row and requires that a check of
the row breaks.
"""


@dataclass(frozen=True, slots=True)
class Proof:
    """One check of a scenario, as it is promised there."""

    scenario: str
    check: str
    promised: str


def proofs(scenarios: Mapping[str, Path]) -> dict[str, list[Proof]]:
    """The proofs of each row, in the order of the scenarios' names and checks."""
    found: dict[str, list[Proof]] = {name: [] for name in rows.ROWS}
    for name, path in scenarios.items():
        loaded = scenario.load(path)
        for check in loaded.checks:
            for row in check.proves:
                found[row].append(Proof(name, check.check, promised(loaded, check)))
    return found


def promised(loaded: scenario.Scenario, check: wanted.Check) -> str:
    """Return the promise of a check, as its judge states it."""
    alone = loaded.model_copy(update={"checks": (check,)})
    judges = [judge.verdict(Ending()) for judge in asked_for(alone, caps(loaded))]
    return "; ".join(verdict.promised for verdict in judges if _is_of(verdict.check, check))


def _is_of(name: str, check: wanted.Check) -> bool:
    """Return whether a verdict belongs to that check, and not to a check of every run."""
    return name == check.check or isinstance(check, wanted.Invariants)


def page(scenarios: Mapping[str, Path]) -> str:
    """The page as Markdown."""
    return "\n".join([_HEAD, *_tables(proofs(scenarios))])


def _tables(found: Mapping[str, list[Proof]]) -> Iterator[str]:
    for part in rows.PARTS:
        yield f"## {part.title}\n"
        yield "| row | what it says | proved by |"
        yield "| --- | --- | --- |"
        for name, row in part.rows.items():
            yield f"| `{name}` | {_plain(row.words)} | {_proved(row, found[name])} |"
        yield ""


def _proved(row: rows.Row, found: list[Proof]) -> str:
    told: dict[str, list[str]] = {}
    for one in found:
        told.setdefault(one.scenario, []).append(_plain(one.promised))
    words = [f"`{name}`: {'; '.join(checks)}" for name, checks in told.items()]
    if row.elsewhere:
        words.append(f"`{row.elsewhere}`, for {row.why}")
    return "<br>".join(words)


def _plain(text: str) -> str:
    """Return the text in a form for one cell."""
    return text.replace("|", "\\|")
