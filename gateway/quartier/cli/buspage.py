"""A plan of buses as people read it, and as scripts do."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from quartier.cli import output
from quartier.commissioning.bus_planning.bus_load import BusLoad
from quartier.commissioning.bus_planning.bus_plan import TIGHT_PCT, BusPlan, SilentResult
from quartier.commissioning.bus_planning.simulated_bus import AssumedAnswers, PlannedBus
from quartier_drivers.meter.mbus.link_layer import LineTiming

_BAR = 40
_CALM_PCT = 60.0
_NAMES = {
    "tic": "Linky TIC",
    "p1": "P1 port",
    "iec62056": "IEC 62056-21",
    "sml": "SML",
    "dlms": "DLMS/COSEM",
    "mbus": "M-Bus",
    "bacnet-ip": "BACnet/IP",
    "opcua": "OPC UA",
    "gpio": "GPIO",
}
_AT_ONCE = {
    "bacnet-ip": "its devices are asked at the same time over the network: no line to plan",
    "opcua": "its server is asked for all at once, or tells by itself: no line to plan",
    "gpio": "its inputs tell by themselves: nothing to plan",
}


def show(wires: Sequence[PlannedBus], plans: Mapping[str, BusPlan], assumed: AssumedAnswers) -> None:
    """Print all of it."""
    console = output.console()
    for number, wire in enumerate(wires):
        if number:
            console.print()
        found = plans.get(wire.name)
        if found is None:
            console.print(Text.assemble((wire.name, "bold"), f"  {other(wire)}"))
        else:
            _one(console, wire, found, assumed)
    tight = [found.name for found in plans.values() if found.is_tight]
    if tight:
        console.print(f"\nLittle is left on {', '.join(tight)} for orders and for what must be repeated.")
    for found in (found for found in plans.values() if found.is_delayed):
        hourly = f"{3600 * found.skipped_per_s:.2g} reads an hour"
        console.print(f"\nOn {found.name} {hourly} are left out: others hold them up for a whole period.")


def _one(console: Console, wire: PlannedBus, found: BusPlan, assumed: AssumedAnswers) -> None:
    load = found.load
    requests_count = sum(one.requests_count for one in load.classes)
    devices = output.counted(len(wire.devices), "device", "devices")
    requests = output.counted(requests_count, "request", "requests")
    head = f"  {line(wire.section)}, {devices}, {requests}, all of them once in {seconds(load.cycle_s)}"
    console.print(Text.assemble((wire.name, "bold"), head))
    console.print(bar(load.taken_pct) + Text(pauses(load)))
    console.print(_classes(found))
    if found.silent:
        console.print(_silent(found.silent))
    console.print(Text(answers(found, wire, assumed), style="dim"))
    if found.problem:
        console.print(Text(found.problem, style="bold red"))
        for remedy in found.remedies:
            console.print(f"  {remedy}")
        if not found.remedies:
            console.print("  no single remedy is enough: fewer devices, and longer periods")


def bar(use_pct: float) -> Text:
    """Return how much of its time a bus is used."""
    filled = min(_BAR, round(_BAR * use_pct / 100.0))
    style = "green" if use_pct <= _CALM_PCT else "yellow" if use_pct <= TIGHT_PCT else "red"
    over = "  more than there is" if use_pct > 100.0 else ""
    return Text.assemble(("█" * filled, style), ("░" * (_BAR - filled), "dim"), f" {percent(use_pct)}{over}")


def pauses(load: BusLoad) -> str:
    """Of what the bar is, where the pauses of a device are more than the work of its bus."""
    if load.busiest_pct <= load.use_pct:
        return ""
    return f" of the time of {load.busiest}, its pauses included; {percent(load.use_pct)} of the bus's time"


def percent(value_pct: float) -> str:
    """Whole percent; what is little is not nothing."""
    return "under 1 %" if 0 < value_pct < 1 else f"{value_pct:.0f} %"


def _classes(found: BusPlan) -> Any:
    columns = (">asked every", ">requests", ">work", ">of the time", ">room left", ">late at most")
    rows = (
        (
            seconds(one.period_s),
            str(one.requests_count),
            seconds(one.work_s),
            percent(one.use_pct),
            seconds(one.room_s) if one.room_s >= 0 else "none",
            seconds(found.late_s.get(one.period_s, 0.0)) if not found.problem else "–",
        )
        for one in found.load.classes
    )
    return output.table("", columns, rows)


def _silent(silent: Sequence[SilentResult]) -> Any:
    columns = ("silent", ">reads of the others", ">waited for in vain", ">late at most", ">set aside after")
    rows = (
        (
            ", ".join(one.dead),
            f"{one.kept_pct:.0f} %",
            f"{one.lost_pct:.1f} % of the time",
            seconds(one.late_s),
            "–" if one.aside_s is None else seconds(one.aside_s),
        )
        for one in silent
    )
    return output.table("", columns, rows)


def answers(found: BusPlan, wire: PlannedBus, assumed: AssumedAnswers) -> str:
    """Return what the plan takes for granted."""
    said: dict[tuple[float, str], list[str]] = {}
    for spec, profile in wire.devices:
        answer_s = found.answers_s[spec.name]
        said.setdefault((answer_s, source(spec.name, profile, assumed)), []).append(spec.name)
    parts = (
        f"{'' if len(said) == 1 else ', '.join(names) + ' '}after {1000 * answer_s:.3g} ms ({why})"
        for (answer_s, why), names in said.items()
    )
    return f"answers begin {'; '.join(parts)}"


def source(device: str, profile: Any, assumed: AssumedAnswers) -> str:
    """Return who says how long a device takes to answer."""
    if device in assumed.answers_s or assumed.answer_s is not None:
        return "as given"
    return "assumed" if getattr(profile.limits, "answer_s", None) is None else "its profile"


def line(section: Any) -> str:
    """Return what the bus is."""
    if section.kind == "modbus-rtu":
        return f"Modbus RTU, {section.baud} baud 8{section.parity}{section.stop_bits}"
    rtu = " with serial frames" if section.framing == "rtu" else ""
    return f"Modbus TCP{rtu}, {section.host}:{section.port}"


def other(wire: PlannedBus) -> str:
    """A bus that is not rehearsed: why, and what can be said all the same."""
    kind = wire.section.kind
    name = _NAMES[kind]
    if kind in _AT_ONCE:
        return f"{name}, {_AT_ONCE[kind]}"
    every = " and ".join(sorted({seconds(_period_s(profile)) for _, profile in wire.devices}))
    if getattr(wire.section, "asks", None) is None:
        return f"{name}, speaks by itself, every {every} by its profile: nothing is asked, nothing to plan"
    asked = f"{name}, {output.counted(len(wire.devices), 'meter', 'meters')} asked every {every}"
    return f"{asked}, {_mbus(wire)}" if kind == "mbus" else f"{asked}; how long it answers is its own affair"


def _mbus(wire: PlannedBus) -> str:
    """At most: how long a telegram is, only the meter knows."""
    timing = LineTiming(wire.section.baud or 2400)
    longest_s = [timing.reading_s(selects=bool(spec.address)) for spec, _ in wire.devices]
    pairs = zip(longest_s, wire.devices, strict=True)
    share = sum(reading_s / _period_s(profile) for reading_s, (_, profile) in pairs)
    longest = f"a telegram takes {seconds(max(longest_s))} at most at {timing.baud} baud"
    return f"{longest}: up to {100 * share:.0f} % of the time"


def _period_s(profile: Any) -> float:
    """Return how often a meter is asked: as often as any of its points wants."""
    points = (point for points in profile.parts.values() for point in points.values())
    return float(min(profile.scan[point.scan] for point in points))


def seconds(value_s: float) -> str:
    """``0.31 s``, ``42 ms``."""
    if value_s < 0.0995:
        return f"{1000 * value_s:.2g} ms" if value_s >= 0.0005 else "0"
    return f"{value_s:.3g} s"


def row(wire: PlannedBus, found: BusPlan | None) -> dict[str, Any]:
    """For scripts."""
    head = {"name": wire.name, "kind": wire.section.kind, "devices": [spec.name for spec, _ in wire.devices]}
    if found is None:
        return {**head, "planned": False, "why": other(wire)}
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
