"""Verdicts of the gateway's plausibility check on sound grid meters, alone or in the whole control cycle.

Each verdict *implausible* of a sound meter is false; *suspect* is right where generation is not listed.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from quartier.control.observe.meter_check.judge import CheckContext, MeterCheck, MeterVerdict, advance_check
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order
from quartier.site.records import replace
from quartier.site.site_layout import Site
from quartier_bench.home_years.year_records import Home
from quartier_bench.meter_check.fault_cases import CONTRACT_W, FAILSAFE_W
from quartier_bench.meter_check.sound_meters import (
    VARIANTS,
    BuildingVariant,
    SecondRecord,
    iterate_records,
    spread_days,
)
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.synthetic import site_assembly

TARGET_W = 0.0
QUANTITIES = tuple(
    f"{kind}_l{phase}_{unit}" for kind, unit in (("power", "w"), ("current", "a")) for phase in (1, 2, 3)
)


@dataclass(slots=True)
class VerdictCounts:
    """Spans of each verdict of a sound meter, and what was held against it when each began.

    ``spans`` are the second, the verdict and the causes of each beginning.
    """

    seconds_count: int = 0
    suspect_s: int = 0
    implausible_s: int = 0
    spans: list[tuple[float, str, str]] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        """Return the number of spans with a verdict."""
        return sum(1 for _, found, _ in self.spans if found == verdict)

    @property
    def causes(self) -> Counter[str]:
        """Number of spans that each cause began."""
        return Counter(cause for _, verdict, causes in self.spans for cause in [f"{verdict}: {causes}"])


def make_site(folder: Path, variant: BuildingVariant) -> Site:
    """Return the gateway's model of a home of the stream: battery, car, heat pump and PV with meters."""
    site_spec = SiteSpec(
        contract_import_w=CONTRACT_W[0],
        contract_export_w=CONTRACT_W[1],
        failsafe_import_w=FAILSAFE_W[0],
        failsafe_export_w=FAILSAFE_W[1],
    )
    scenario = Scenario.model_validate(
        {
            "title": "sound meters",
            "start": "2026-06-12T00:00:00",
            "duration_s": 60,
            "house": site_spec.model_dump(exclude_none=True),
        }
    )
    site = site_assembly.assemble_scenario_site(scenario, folder).house
    return replace(
        site,
        grid=replace(site.grid, period_s=float(variant.period_s), is_apparent=variant.is_apparent),
        assets=tuple(replace(asset, period_s=1.0) for asset in site.assets),
    )


def run_check_alone(site: Site, records: Iterable[SecondRecord], *, signed: bool = True) -> VerdictCounts:
    """Feed the judge with a stream, and nothing else of the gateway; return its verdicts."""
    counts, state = VerdictCounts(), MeterCheck()
    memories: dict[str, LastGood] = {}
    seen: dict[str, LastGood] = {}
    orders: dict[str, Order] = {}
    known: Mapping[str, float] | None = None
    grid_ns = -1
    context = CheckContext(signed=signed, target_w=TARGET_W)
    for record in records:
        now_ns = record.time_ns
        for asset, values in record.assets.items():
            for quantity, value in values.items():
                memories[f"{asset}.{quantity}"] = LastGood(value, now_ns)
        if record.grid_ns != grid_ns:
            grid_ns = record.grid_ns
            reading_w = record.grid.get("power_w", record.grid.get("apparent_va", 0.0))
            seen["power_w"] = memories[f"{site.grid.name}.power_w"] = LastGood(reading_w, grid_ns)
            for quantity in QUANTITIES:
                if quantity in record.grid:
                    memory = LastGood(record.grid[quantity], grid_ns)
                    seen[quantity] = memories[f"{site.grid.name}.{quantity}"] = memory
            context = CheckContext(signed=signed, over_limit=reading_w > CONTRACT_W[0], target_w=TARGET_W)
        if record.orders is not known:
            known = record.orders
            orders = {point: _make_order(orders, point, value, now_ns) for point, value in known.items()}
        before, state = state.verdict, advance_check(state, site, memories, seen, orders, context, now_ns)
        counts.seconds_count += 1
        counts.suspect_s += state.verdict is MeterVerdict.SUSPECT
        counts.implausible_s += state.verdict is MeterVerdict.IMPLAUSIBLE
        if state.verdict > before:
            causes = ", ".join(sorted(code for code, _ in state.causes))
            counts.spans.append((now_ns / 1e9, state.verdict.name.lower(), causes))
    return counts


def _make_order(before: Mapping[str, Order], point: str, value: float, now_ns: int) -> Order:
    held = before.get(point)
    return held if held is not None and held.value == value else Order(value, now_ns, NO_REASON)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Days of one home with one variant; ``whole``: in the whole cycle, not the judge alone."""

    home: Home
    variant: str
    days_count: int
    seed: int = 1
    whole: bool = False


def run_request(asked: CheckRequest) -> VerdictCounts:
    """Let the judge see these days; return its verdicts."""
    variant, days = VARIANTS[asked.variant], spread_days(asked.home, asked.days_count)
    if asked.whole:
        from quartier_bench.meter_check import whole_cycle  # noqa: PLC0415 - it needs this module's Counts

        return whole_cycle.run_days(asked.home, variant, days, asked.seed)
    with tempfile.TemporaryDirectory(prefix="quartier-judge-") as folder:
        site = make_site(Path(folder), variant)
    records = iterate_records(asked.home, variant, asked.seed, days)
    return run_check_alone(site, records, signed=not variant.is_apparent)


def format_rows(counts: Iterable[tuple[str, str, VerdictCounts]]) -> Iterator[str]:
    """Yield a line for each home and variant: spans and seconds of both verdicts, and their causes."""
    yield f"{'home':12} {'variant':17} {'days':>6} {'suspect':>7} {'s':>8} implausible {'s':>8}  causes"
    for home, variant, one in counts:
        suspect, implausible = one.count("suspect"), one.count("implausible")
        causes = ", ".join(f"{cause} ({count})" for cause, count in one.causes.most_common(4))
        yield (
            f"{home:12} {variant:17} {one.seconds_count / 86_400:>6.1f} {suspect:>7} {one.suspect_s:>8}"
            f" {implausible:>11} {one.implausible_s:>8}  {causes}"
        )


def format_json_lines(counts: Iterable[tuple[str, str, VerdictCounts]]) -> Iterator[str]:
    """Yield the same as a JSON object for each home and variant."""
    for home, variant, one in counts:
        line = {"home": home, "variant": variant, "seconds": one.seconds_count}
        spans = {"suspect": one.count("suspect"), "implausible": one.count("implausible")}
        yield json.dumps({**line, **spans, "causes": dict(one.causes)})
