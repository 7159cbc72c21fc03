"""The one screen that answers: what does the house do, and why (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from quartier.cli.output import age, number, table

_MODE_STYLE = {
    "CONTROLLED": "green",
    "AUTONOMOUS": "cyan",
    "HOLD": "yellow",
    "INIT": "yellow",
    "FAILSAFE": "red",
}
_VERDICT_STYLE = {"done": "green", "refused": "red", "unknown": "red", "expired": "yellow"}


def overview(status: Mapping[str, Any]) -> Group:
    """Everything of one answer to ``status``, the most important first."""
    parts: list[RenderableType] = [_gateway(status)]
    if status["control"]:
        parts += [*_control(status), "", _Assets(status)]
    else:
        parts.append("starting: the first cycle has not ended yet")
    parts += ["", _buses(status), "", *_foot(status)]
    return Group(*parts)


def _gateway(status: Mapping[str, Any]) -> Text:
    gateway = status["gateway"]
    return Text.assemble(
        (f"{gateway['site']} of {gateway['district']}", "bold"),
        f"   up {age(gateway['uptime_s'])}, {gateway['engine']} engine, boot {gateway['boot']}",
        "" if gateway["synced"] else ("   clock not synchronised", "yellow"),
        ("   simulated", "magenta") if gateway["simulated"] else "",
    )


def _control(status: Mapping[str, Any]) -> Iterator[Text]:
    control = status["control"]
    mode = control["mode"]
    yield Text.assemble(
        (mode, f"bold {_MODE_STYLE.get(mode, '')}"), f" for {age(control['mode_age_s'])}: {control['why']}"
    )
    if control["stage"] != "WELL":
        words = ", ".join(rule["words"] for rule in control["rules"])
        yield Text.assemble((control["stage"], "bold red"), f": {words}")
    grid = control["grid"]
    yield Text(f"grid {_flow(grid['power_w'])}, {grid['state']}, {age(grid['age_s'])} old")
    for direction, cap in control["caps"].items():
        yield Text(f"{direction} at most {number(cap['max_w'], 'W')}: {cap['whose']}")
    for name, contact in control["contacts"].items():
        style = "yellow" if contact["acting"] else ""
        yield Text(f"contact {name} {contact['why']}, for {age(contact['age_s'])}", style=style)
    for alarm in control["alarms"]:
        yield Text(f"alarm: {alarm}", style="red")
    for acted in control["acted"]:
        yield Text(f"acting: {acted}", style="yellow")
    for name, faults in status["disabled"].items():
        yield Text(f"disabled: {name}: {faults[0]}", style="red")


def _flow(power_w: float | None) -> str:
    if power_w is None:
        return "–"
    return f"{number(abs(power_w), 'W')} {'import' if power_w >= 0 else 'export'}"


_COLUMNS = (
    "asset",
    "role",
    "tier",
    ">power",
    ">age",
    "quality",
    ">SoC",
    "state",
    ">asked",
    "outcome",
    "because",
)
# On a narrow terminal the reasons stand below, and what the site file says anyway is left out.
WIDE_CHARS = 120
_NARROW = tuple(index for index, column in enumerate(_COLUMNS) if column not in {"role", "tier", "because"})


class _Assets:
    """The table of assets, as wide as the terminal allows."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        assets = status["control"]["assets"]
        self._rows = [_asset(name, asset, status["written"]) for name, asset in assets.items()]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= WIDE_CHARS:
            yield table("", _COLUMNS, self._rows)
            return
        yield table("", [_COLUMNS[i] for i in _NARROW], ([row[i] for i in _NARROW] for row in self._rows))
        for name, *_, reason in self._rows:
            if reason:
                yield Text(f"{name}: {reason}")


def _asset(name: str, asset: Mapping[str, Any], written: Mapping[str, Any]) -> tuple[Any, ...]:
    command = asset.get("command")
    outcome = written.get(command["point"]) if command else None
    verdict = outcome["verdict"] if outcome else ""
    return (
        name,
        asset["role"],
        asset["tier"],
        number(asset["power_w"], "W"),
        age(asset["age_s"]),
        Text(asset["quality"], style="" if asset["quality"] == "good" else "red"),
        number(asset["soc_pct"], "%") if "soc_pct" in asset else "",
        asset["state"],
        number(command["value"], _unit(command["point"])) if command else "",
        Text(verdict, style=_VERDICT_STYLE.get(verdict, "")),
        command["reason"] if command else "",
    )


def _unit(point: str) -> str:
    return {"w": "W", "a": "A"}.get(point.rsplit("_", 1)[-1], "")


def _buses(status: Mapping[str, Any]) -> RenderableType:
    rows: list[Sequence[RenderableType]] = []
    for bus in status["buses"]:
        state = Text("open", style="green") if bus["online"] else Text("lost", style="red")
        slack = number(bus["slack_pct"], "%")
        late = "–" if bus["lateness_s"] is None else age(bus["lateness_s"])
        rows.append((bus["name"], state, slack, late, "", "", "" if bus["online"] else bus["why"]))
        rows += [("", "", "", "", *_device(device, bus)) for device in bus["devices"]]
    return table("", ("bus", "state", ">slack", ">late", "device", "state", "why"), rows)


def _device(device: Mapping[str, Any], bus: Mapping[str, Any]) -> tuple[Any, ...]:
    style = "green" if device["state"] == "good" else "red"
    why = (
        # What the bus has said already stands one line above.
        ("" if not bus["online"] and device["why"] == bus["why"] else device["why"])
        if device["state"] != "good"
        else " ".join(device["identity"].get(key, "") for key in ("maker", "model", "serial"))
    )
    return device["name"], Text(device["state"], style=style), why


def _foot(status: Mapping[str, Any]) -> Iterator[Text]:
    store, cycles = status["store"], status["cycles"]
    yield _district(status["district"])
    yield Text(
        f"history {store['size_bytes'] / 1e6:.1f} MB, {number(store['gaps_count'])} gaps, "
        f"{number(store['backlog_count'])} samples not yet delivered"
    )
    if store.get("error"):
        yield Text(f"history: {store['error']}", style="red")
    yield Text(
        f"{number(cycles['count'])} cycles, {number(cycles['skipped_count'])} skipped, "
        f"99.9 % began within {cycles['late_p999_s']:.3g} s"
    )


def _district(link: Mapping[str, Any] | None) -> Text:
    if link is None:
        return Text("no district in the site file: the house stands alone")
    if link["data_on"] and link["control_on"]:
        beat_s = link["heartbeat_age_s"]
        beat = "no heartbeat yet" if beat_s is None else f"heartbeat {age(beat_s)} ago"
        late = ", catching up" if link["catching_up"] else ""
        return Text.assemble("district ", ("connected", "green"), f", {link['phase']}, {beat}{late}")
    why = link["data_fault"] or link["control_fault"] or "connecting"
    return Text.assemble("district ", ("not connected", "red"), f": {why}")
