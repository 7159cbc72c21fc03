"""Run the matrix of meter faults: the gateway's verdicts on the meter, and the true power meanwhile."""

import random
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quartier_bench.meter_check.fault_cases import METER_FAULTS, WARM_UP_S, MeterFaultCase, TrueExcess
from quartier_hil.checks.verdicts import RunData, Verdict
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries

SUSPECT, IMPLAUSIBLE = "meter.suspect:grid", "meter.implausible:grid"
"""The alarms of the connection meter, by code and by its name."""
_DAY_MINUTES = 1_440
_DAWN, _DUSK = 6 * 60, 21 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """Result of one case; times in s after the start of the fault, None: never.

    ``faults`` are the broken promises, as text.
    """

    case: MeterFaultCase
    link: str
    suspect_s: float | None
    implausible_s: float | None
    words: str
    excess: TrueExcess
    faults: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        """Return whether every promise was kept."""
        return not self.faults


def run_case(case: MeterFaultCase, folder: Path | None = None) -> CaseResult:
    """Run one case in this process, in two or three seconds."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="quartier-meter-") as made:
            return run_case(case, Path(made))
    day = SyntheticRun(RunOptions(scenario=case.make_scenario(), series=make_series(), folder=folder))
    if case.is_unheard:
        day.peer.speaking = False
    if case.link == "INIT" and case.fault != "none":
        arguments = dict(METER_FAULTS[case.fault])
        kind = arguments.pop("kind")
        if case.grid_meter == "linky":
            day.supply.fault(kind, **arguments)
        else:
            day.devices.fault(case.meter, kind, -WARM_UP_S, **arguments)
    watch = _ExcessCheck(day, TrueExcess(case, period_s=day.site.house.grid.period_s))
    day.checks.append(watch)
    day.perform()
    return _make_result(day, case, watch.excess)


@dataclass
class _ExcessCheck:
    """A judge of the day that tells the excess of the link state too."""

    day: SyntheticRun
    excess: TrueExcess

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        self.excess.step(now_s, dt_s, values, self.day.modes[-1][1] if self.day.modes else "INIT")

    def verdict(self, _: RunData) -> Verdict:
        found = self.excess.faults
        return Verdict("excess", "limits kept by true values", "; ".join(found) or "kept", holds=not found)


def _make_result(day: SyntheticRun, case: MeterFaultCase, excess: TrueExcess) -> CaseResult:
    spans = {name: times for name in (SUSPECT, IMPLAUSIBLE) if (times := day.alarms.spans.get(name))}
    first = {name: times[0] for name, times in spans.items()}
    words = "; ".join(words for at_s, words in day.alarms.found if at_s in first.values())
    faults = list(excess.faults)
    link = next(
        (mode for at_s, mode in reversed(day.modes) if at_s <= max(case.fault_s, -WARM_UP_S + 2.0)), "none"
    )
    if link != case.link:
        faults.append(f"the link was {link} when the fault began")
    early = [code for code, at_s in first.items() if at_s < case.fault_s]
    if early:
        faults.append(f"{', '.join(early)} before the fault")
    if first and case.fault == "none":
        faults.append(f"{', '.join(first)} of a sound meter")
    if not first and case.is_detectable:
        faults.append("no alarm names the meter")
    return CaseResult(
        case=case,
        link=link,
        suspect_s=_subtract_fault_s(first.get(SUSPECT), case),
        implausible_s=_subtract_fault_s(first.get(IMPLAUSIBLE), case),
        words=words,
        excess=excess,
        faults=tuple(faults),
    )


def _subtract_fault_s(at_s: float | None, case: MeterFaultCase) -> float | None:
    return None if at_s is None else at_s - case.fault_s


def make_series(seed: int = 1) -> LoadSeries:
    """Return a day of a busy household, and of a sky with some clouds; one value a minute.

    Each appliance is a step that the battery answers, and that answer is a step that shows the meter's gain.
    """
    rng = random.Random(seed)  # noqa: S311 - a course that can be drawn again, no secret
    base = [300.0 + rng.uniform(0.0, 150.0) for _ in range(_DAY_MINUTES)]
    for power_w, minutes, count in ((2_000.0, 2, 120), (900.0, 4, 60), (1_500.0, 15, 15)):
        for _ in range(count):
            at = rng.randrange(_DAY_MINUTES)
            for minute in range(at, min(at + minutes, _DAY_MINUTES)):
                base[minute] += power_w
    sun = [0.0] * _DAY_MINUTES
    for minute in range(_DAWN, _DUSK):
        height = 1.0 - abs(minute - 0.5 * (_DAWN + _DUSK)) / (0.5 * (_DUSK - _DAWN))
        sun[minute] = 900.0 * height * (0.5 if rng.random() < 0.1 else 1.0)
    return LoadSeries(base_w=tuple(base) * 2, solar_w_per_kw=tuple(sun) * 2, origin="meter faults")


TABLE_HEAD = ("case", "kept", "suspect s", "implausible s", "worst W", "over s", "late s", "what")


def make_table_rows(results: Sequence[CaseResult]) -> list[tuple[str, ...]]:
    """Return the rows of the table: kept, times to the verdict, largest true excess and its seconds."""
    return [
        (
            one.case.name,
            "yes" if one.is_kept else "NO",
            _format_number(one.suspect_s),
            _format_number(one.implausible_s),
            _format_number(one.excess.worst_w or None),
            _format_number(one.excess.over_s or None),
            _format_number(one.excess.late_s or None),
            "; ".join(one.faults),
        )
        for one in results
    ]


def _format_number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def format_table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as columns."""
    lines = [TABLE_HEAD, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(TABLE_HEAD) - 1)]
    return "\n".join(
        "  ".join(
            [*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]
        ).rstrip()
        for line in lines
    )
