"""Build the checks of a scenario: of each expectation, each invariant, and what holds for every run
(pure).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from quartier_hil.checks import (
    energy_checks,
    fault_checks,
    invariant_checks,
    quantity_checks,
    status_checks,
)
from quartier_hil.checks.daemon_checks import (
    BalanceCheck,
    ContinuityCheck,
    CyclePeriodCheck,
    DaemonAliveCheck,
    DeliveryCheck,
    FallbackCheck,
    LinkStateCheck,
    MemoryCheck,
    MeterCountCheck,
    RejectionCheck,
    ReleaseCheck,
    ReportCheck,
)
from quartier_hil.checks.limit_reaction import ReactionCheck, list_limit_reductions
from quartier_hil.checks.promised_values import PromisedLimit
from quartier_hil.checks.verdicts import Check, RunData, Verdict
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import list_asset_names
from quartier_sim.plant.building_model import STANDARD_ASSETS

_CHECKS_BY_EXPECTATION: dict[type[asked.FileTable], Callable[[Any], Check]] = {
    asked.RangeExpectation: quantity_checks.RangeCheck,
    asked.LinkStateExpectation: LinkStateCheck,
    asked.DeliveryExpectation: DeliveryCheck,
    asked.ContinuityExpectation: ContinuityCheck,
    asked.ReportExpectation: ReportCheck,
    asked.ReleaseExpectation: ReleaseCheck,
    asked.CyclePeriodExpectation: CyclePeriodCheck,
    asked.MeterCountExpectation: MeterCountCheck,
    asked.MemoryExpectation: MemoryCheck,
    asked.FallbackExpectation: FallbackCheck,
    asked.AlarmExpectation: status_checks.AlarmCheck,
    asked.StabilityExpectation: quantity_checks.StabilityCheck,
    asked.RejectionExpectation: RejectionCheck,
    asked.ArrivalExpectation: quantity_checks.ArrivalCheck,
    asked.SpacingExpectation: quantity_checks.SpacingCheck,
    asked.NoRaiseExpectation: quantity_checks.NoRaiseCheck,
    asked.SavingExpectation: energy_checks.SavingCheck,
    asked.PeakExpectation: energy_checks.PeakCheck,
}


def build_checks(scenario: Scenario, caps: Sequence[PromisedLimit]) -> list[Check]:
    """Return the checks of every run, of each expectation, and of each requested invariant."""
    return [build_balance_check(scenario), DaemonAliveCheck(), *build_requested_checks(scenario, caps)]


def collect_verdicts(checks: Sequence[Check], ending: RunData) -> list[Verdict]:
    """Return the verdicts; a reaction check that was not requested and saw nothing to limit is left out."""
    return [
        check.verdict(ending) for check in checks if not (isinstance(check, ReactionCheck) and check.is_idle)
    ]


def name_proved_rows(
    verdicts: Sequence[Verdict], scenario: Scenario, caps: Sequence[PromisedLimit]
) -> list[Verdict]:
    """Return the verdicts with the rows of the specification that the scenario says they prove."""
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for check in scenario.checks:
        if check.proves:
            for expectation_check in build_expectation_checks(check, scenario, caps):
                empty = expectation_check.verdict(RunData())
                key = empty.check, empty.promised
                rows[key] = tuple(dict.fromkeys((*rows.get(key, ()), *check.proves)))
    return [replace(one, proves=rows.get((one.check, one.promised), ())) for one in verdicts]


def build_balance_check(scenario: Scenario) -> Check:
    """Return the check of the balance: the grid power is the sum of all assets of the site."""
    further = [name for asset in scenario.house.assets for name in list_asset_names(asset)]
    return BalanceCheck((*STANDARD_ASSETS, *further))


def build_requested_checks(scenario: Scenario, caps: Sequence[PromisedLimit]) -> Iterator[Check]:
    """Yield the check of alarms, of each expectation, and of the reaction to limits where one tightens."""
    yield status_checks.AlarmFlappingCheck()
    is_asked = any(isinstance(check, asked.ReactionExpectation) for check in scenario.checks)
    if list_limit_reductions(caps) and not is_asked:
        yield ReactionCheck(scenario, caps)
    for check in scenario.checks:
        yield from build_expectation_checks(check, scenario, caps)


def build_expectation_checks(
    check: asked.AnyExpectation, scenario: Scenario, caps: Sequence[PromisedLimit]
) -> Iterator[Check]:
    """Yield the judges of one check, in the order of their verdicts."""
    if isinstance(check, asked.ReactionExpectation):
        yield ReactionCheck(scenario, caps, is_asked=True, asked=check)
    elif isinstance(check, asked.LimitExpectation):
        yield quantity_checks.LimitCheck(check, caps)
    elif isinstance(check, asked.InvariantExpectation):
        yield from invariant_checks.build_invariant_checks(scenario, check)
    elif isinstance(check, asked.TariffExpectation) and scenario.house.tariff is not None:
        yield from energy_checks.build_tariff_checks(scenario.house.tariff, check)
    elif isinstance(check, asked.FaultExpectation):
        yield from fault_checks.build_fault_checks(scenario, check, caps)
    elif isinstance(check, asked.QuarterHourExpectation):
        yield from energy_checks.build_quarter_checks(scenario, check)
    else:
        yield _CHECKS_BY_EXPECTATION[type(check)](check)
