"""Build the judges of a scenario: of each check, each invariant, and what holds for every run (pure)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quartier_hil import wanted as asked
from quartier_hil.fittings import names
from quartier_hil.plant.building import ASSETS
from quartier_hil.scenario import Scenario
from quartier_hil.verdict import (
    alarmed,
    checks,
    faults,
    invariants,
    limits,
    quarters,
    raised,
    saved,
    steady,
    tariffs,
)
from quartier_hil.verdict.checks import Ending, Judge, Verdict
from quartier_hil.verdict.promise import Cap
from quartier_hil.verdict.tightening import Tightening, tightenings

_BY_KIND: dict[type[asked.Part], Callable[[Any], Judge]] = {
    asked.Within: limits.Within,
    asked.Status: checks.Mode,
    asked.Delivered: checks.Delivered,
    asked.NothingLost: checks.NothingLost,
    asked.Told: checks.Told,
    asked.Released: checks.Released,
    asked.OnTime: checks.OnTime,
    asked.Accounted: checks.Accounted,
    asked.Memory: checks.Memory,
    asked.FallsBack: checks.FallsBack,
    asked.Alarmed: alarmed.Alarmed,
    asked.Steady: steady.Steady,
    asked.Refused: checks.Refused,
    asked.Reached: limits.Reached,
    asked.Spaced: raised.Spaced,
    asked.Unraised: raised.Unraised,
    asked.Saved: saved.Saved,
    asked.Lowered: saved.Lowered,
}


def judges(scenario: Scenario, caps: Sequence[Cap]) -> list[Judge]:
    """Return the judges of every run, of each check, and of each invariant where the scenario asks for it."""
    return [balance(scenario), checks.Alive(), *asked_for(scenario, caps)]


def verdicts(judges: Sequence[Judge], ending: Ending) -> list[Verdict]:
    """Return the verdicts; a reaction check that was not requested and saw nothing to limit is left out."""
    return [
        judge.verdict(ending) for judge in judges if not (isinstance(judge, Tightening) and judge.is_idle)
    ]


def balance(scenario: Scenario) -> Judge:
    """Return the judge of the balance: the grid power is the sum of all assets of the site."""
    further = [name for asset in scenario.house.assets for name in names(asset)]
    return checks.Balance((*ASSETS, *further))


def asked_for(scenario: Scenario, caps: Sequence[Cap]) -> Iterator[Judge]:
    """Yield the judge of alarms, a judge per check, and the reaction to limits where a limit tightens."""
    yield alarmed.AlarmsHeld()
    is_asked = any(isinstance(check, asked.Tightened) for check in scenario.checks)
    if tightenings(caps) and not is_asked:
        yield Tightening(scenario, caps)
    for check in scenario.checks:
        yield from judges_of(check, scenario, caps)


def judges_of(check: asked.Check, scenario: Scenario, caps: Sequence[Cap]) -> Iterator[Judge]:
    """Yield the judges of one check, in the order of their verdicts."""
    if isinstance(check, asked.Tightened):
        yield Tightening(scenario, caps, is_asked=True, asked=check)
    elif isinstance(check, asked.CapKept):
        yield limits.CapKept(check, caps)
    elif isinstance(check, asked.Invariants):
        yield from invariants.all_of(scenario, check)
    elif isinstance(check, asked.TariffRead) and scenario.house.tariff is not None:
        yield from tariffs.judges(scenario.house.tariff, check)
    elif isinstance(check, asked.Faults):
        yield from faults.judges(scenario, check, caps)
    elif isinstance(check, asked.Quarters):
        yield from quarters.judges(scenario, check)
    else:
        yield _BY_KIND[type(check)](check)
