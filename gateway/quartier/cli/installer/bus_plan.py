"""``quartier bus plan``: the load of each bus, before there is a wire, for people and scripts."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from quartier.cli.rendering import output
from quartier.commissioning.bus_planning.bus_load import BusLoad
from quartier.commissioning.bus_planning.bus_plan import (
    TIGHT_PCT,
    BusPlan,
    SilentResult,
    explain_problem,
    list_bus_tasks,
    plan_bus,
)
from quartier.commissioning.bus_planning.simulated_bus import AssumedAnswers, PlannedBus, can_be_simulated
from quartier.config import loading
from quartier.config.loading import LoadedSite
from quartier.daemon.assembly import bus_specs
from quartier_drivers.errors import Fault
from quartier_drivers.protocol import AskingTime
from quartier_drivers.registry import load_bus_protocol

BUSES_FIT, BUS_OVERLOADED, EX_USAGE = 0, 1, 2


def run_bus_plan(options: argparse.Namespace) -> int:
    """Plan every bus of a site file; 1 where one cannot do its work."""
    loaded = loading.check_site_file(options.file)
    assumed = _make_assumed(options.answer_ms)
    unknown = sorted(set(assumed.answers_s) - set(loaded.site.devices))
    if unknown:
        print(f"quartier bus: --answer-ms: the site file has no device {unknown[0]!r}", file=sys.stderr)
        return EX_USAGE
    wires = [wire for wire in bus_specs.make_bus_specs(loaded) if wire.devices]
    plans = {wire.name: plan_bus(wire, assumed, options.dead) for wire in wires if can_be_simulated(wire)}
    if options.json:
        output.print_json({"buses": [render_plan(wire, plans.get(wire.name)) for wire in wires]})
    else:
        print_plans(wires, plans, assumed)
    return BUS_OVERLOADED if any(one.problem for one in plans.values()) else BUSES_FIT


def _make_assumed(given: list[tuple[str, float]]) -> AssumedAnswers:
    """Return the answer time given last for all devices, and those given for single ones."""
    common = [answer_s for device, answer_s in given if not device]
    named = {device: answer_s for device, answer_s in given if device}
    return AssumedAnswers(common[-1] if common else None, named)


def find_bus_warnings(loaded: LoadedSite, file: Path) -> Iterator[Fault]:
    """Find, for ``quartier check``, each bus that cannot do its work, as far as that is known."""
    for wire in bus_specs.make_bus_specs(loaded):
        if wire.devices and can_be_simulated(wire):
            what = explain_problem(
                list_bus_tasks(wire, AssumedAnswers()), wire, AssumedAnswers()
            ).removeprefix(f"bus {wire.name}: ")
            if what:
                text = f"{what}, which it cannot do: see quartier bus plan {file}"
                yield Fault(str(file), None, f"buses.{wire.name}", text)


_BAR_CHARS = 40
_GREEN_MAX_PCT = 60.0


def print_plans(wires: Sequence[PlannedBus], plans: Mapping[str, BusPlan], assumed: AssumedAnswers) -> None:
    """Print all of it."""
    console = output.make_console()
    for number, wire in enumerate(wires):
        if number:
            console.print()
        found = plans.get(wire.name)
        if found is None:
            console.print(Text.assemble((wire.name, "bold"), f"  {describe_unplanned_bus(wire)}"))
        else:
            _print_bus(console, wire, found, assumed)
    tight = [found.name for found in plans.values() if found.is_tight]
    if tight:
        console.print(f"\nLittle is left on {', '.join(tight)} for orders and for what must be repeated.")
    for found in (found for found in plans.values() if found.is_delayed):
        hourly = f"{3600 * found.skipped_per_s:.2g} reads an hour"
        console.print(f"\nOn {found.name} {hourly} are left out: others hold them up for a whole period.")


def _print_bus(console: Console, wire: PlannedBus, found: BusPlan, assumed: AssumedAnswers) -> None:
    load = found.load
    requests_count = sum(one.requests_count for one in load.classes)
    devices = output.format_count(len(wire.devices), "device", "devices")
    requests = output.format_count(requests_count, "request", "requests")
    cycle = format_seconds(load.cycle_s)
    head = f"  {describe_bus(wire.section)}, {devices}, {requests}, all of them once in {cycle}"
    console.print(Text.assemble((wire.name, "bold"), head))
    console.print(render_bar(load.load_pct) + Text(describe_pauses(load)))
    console.print(_make_class_table(found))
    if found.silent:
        console.print(_make_silent_table(found.silent))
    console.print(Text(describe_answers(found, wire, assumed), style="dim"))
    if found.problem:
        console.print(Text(found.problem, style="bold red"))
        for remedy in found.remedies:
            console.print(f"  {remedy}")
        if not found.remedies:
            console.print("  no single remedy is enough: fewer devices, and longer periods")


def render_bar(use_pct: float) -> Text:
    """Return how much of its time a bus is used."""
    filled = min(_BAR_CHARS, round(_BAR_CHARS * use_pct / 100.0))
    style = "green" if use_pct <= _GREEN_MAX_PCT else "yellow" if use_pct <= TIGHT_PCT else "red"
    over = "  more than there is" if use_pct > 100.0 else ""
    return Text.assemble(
        ("█" * filled, style), ("░" * (_BAR_CHARS - filled), "dim"), f" {format_percent(use_pct)}{over}"
    )


def describe_pauses(load: BusLoad) -> str:
    """Return the quantity that the bar shows, in words, if a device's pauses exceed the work of its bus.

    Empty if they do not.
    """
    if load.busiest_pct <= load.use_pct:
        return ""
    use = format_percent(load.use_pct)
    return f" of the time of {load.busiest}, its pauses included; {use} of the bus's time"


def format_percent(value_pct: float) -> str:
    """Return whole percent as text; a value above 0 and below 1 is "under 1 %"."""
    return "under 1 %" if 0 < value_pct < 1 else f"{value_pct:.0f} %"


def _make_class_table(found: BusPlan) -> Any:
    columns = (">asked every", ">requests", ">work", ">of the time", ">room left", ">late at most")
    rows = (
        (
            format_seconds(one.period_s),
            str(one.requests_count),
            format_seconds(one.work_s),
            format_percent(one.use_pct),
            format_seconds(one.room_s) if one.room_s >= 0 else "none",
            format_seconds(found.late_s.get(one.period_s, 0.0)) if not found.problem else "–",
        )
        for one in found.load.classes
    )
    return output.make_table("", columns, rows)


def _make_silent_table(silent: Sequence[SilentResult]) -> Any:
    columns = ("silent", ">reads of the others", ">waited for in vain", ">late at most", ">set aside after")
    rows = (
        (
            ", ".join(one.dead),
            f"{one.kept_pct:.0f} %",
            f"{one.lost_pct:.1f} % of the time",
            format_seconds(one.late_s),
            "–" if one.aside_s is None else format_seconds(one.aside_s),
        )
        for one in silent
    )
    return output.make_table("", columns, rows)


def describe_answers(found: BusPlan, wire: PlannedBus, assumed: AssumedAnswers) -> str:
    """Return the assumptions of the plan in words."""
    names_by_answer: dict[tuple[float, str], list[str]] = {}
    for spec, profile in wire.devices:
        answer_s = found.answers_s[spec.name]
        names_by_answer.setdefault(
            (answer_s, describe_answer_source(spec.name, profile, assumed)), []
        ).append(spec.name)
    parts = (
        f"{'' if len(names_by_answer) == 1 else ', '.join(names) + ' '}after {1000 * answer_s:.3g} ms ({why})"
        for (answer_s, why), names in names_by_answer.items()
    )
    return f"answers begin {'; '.join(parts)}"


def describe_answer_source(device: str, profile: Any, assumed: AssumedAnswers) -> str:
    """Return the source of the answer time of a device."""
    if device in assumed.answers_s or assumed.answer_s is not None:
        return "as given"
    return "assumed" if getattr(profile.limits, "answer_s", None) is None else "its profile"


def describe_bus(section: Any) -> str:
    """Return the bus in words."""
    return load_bus_protocol(section.kind).describe_bus(section)


def describe_unplanned_bus(wire: PlannedBus) -> str:
    """Explain why a bus is not planned, and what is known all the same."""
    protocol = load_bus_protocol(wire.section.kind)
    if protocol.unplanned:
        return f"{protocol.title}, {protocol.unplanned}"
    periods_s = [_find_period_s(profile) for _, profile in wire.devices]
    every = " and ".join(sorted({format_seconds(period_s) for period_s in periods_s}))
    if getattr(wire.section, "asks", None) is None:
        return (
            f"{protocol.title}, speaks by itself, every {every} by its profile: no requests, nothing to plan"
        )
    devices = [(spec, period_s) for (spec, _), period_s in zip(wire.devices, periods_s, strict=True)]
    known = _describe_asking(protocol.find_asking_time(wire.section, devices))
    return (
        f"{protocol.title}, {output.format_count(len(devices), 'meter', 'meters')} asked every {every}{known}"
    )


def _describe_asking(asking: AskingTime | None) -> str:
    if asking is None:
        return "; its answer time is not known"
    longest = f"a telegram takes {format_seconds(asking.longest_s)} at most at {asking.baud} baud"
    return f", {longest}: up to {100 * asking.share:.0f} % of the time"


def _find_period_s(profile: Any) -> float:
    """Return how often a meter is asked: as often as any of its points wants."""
    points = (point for points in profile.parts.values() for point in points.values())
    return float(min(profile.scan[point.scan] for point in points))


def format_seconds(value_s: float) -> str:
    """``0.31 s``, ``42 ms``."""
    if value_s < 0.0995:
        return f"{1000 * value_s:.2g} ms" if value_s >= 0.0005 else "0"
    return f"{value_s:.3g} s"


def render_plan(wire: PlannedBus, found: BusPlan | None) -> dict[str, Any]:
    """Return the plan of a bus for scripts."""
    head = {"name": wire.name, "kind": wire.section.kind, "devices": [spec.name for spec, _ in wire.devices]}
    if found is None:
        return {**head, "planned": False, "why": describe_unplanned_bus(wire)}
    classes = [
        {**asdict(one), "use_pct": one.use_pct, "late_s": found.late_s.get(one.period_s)}
        for one in found.load.classes
    ]
    return {
        **head,
        "planned": True,
        "answers_s": dict(found.answers_s),
        "cycle_s": found.load.cycle_s,
        "use_pct": found.load.use_pct,
        "busiest": {"device": found.load.busiest, "use_pct": found.load.busiest_pct},
        "classes": classes,
        "skipped_per_s": found.skipped_per_s,
        "silent": [asdict(one) for one in found.silent],
        "problem": found.problem,
        "remedies": list(found.remedies),
    }
