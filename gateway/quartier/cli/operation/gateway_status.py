"""``quartier status``, with its overview of the whole site, and ``quartier points``."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from quartier.cli.operation.override import find_exit_code
from quartier.cli.rendering import output, planning_text, status_text
from quartier.cli.rendering.output import format_age, format_number, make_table
from quartier.config.checks.similar_names import suggest_names
from quartier.runtime.local_socket.questions import NoDaemon, NotPermitted, ask


def render_overview(status: Mapping[str, Any]) -> Group:
    """Render one answer to ``status``, the most important first."""
    control = status["control"]
    parts: list[RenderableType] = [status_text.describe_gateway(status["gateway"])]
    if ordered := status["gateway"].get("site_file"):
        parts.append(f"The site file came by {ordered}; a change of the file here ends that.")
    parts += status_text.describe_driver_packages(status["gateway"])
    if control:
        parts += [
            status_text.describe_link_state(control),
            *status_text.describe_stage(control),
            status_text.describe_grid(control),
        ]
        parts += [
            *status_text.describe_limits(control),
            *status_text.describe_supplies(control),
            *status_text.describe_fallbacks(status.get("fallbacks", ())),
            *status_text.describe_probes(status.get("probes", {})),
            *planning_text.describe_plan(status),
            *planning_text.describe_surcharges(status.get("plan")),
            *planning_text.describe_forecast((status.get("plan") or {}).get("forecast_points")),
            *status_text.describe_alarms(status),
            *status_text.describe_troubles(status),
            "",
            _AssetTable(status),
            *_make_node_table(control),
        ]
    else:
        parts.append("starting: the first cycle has not ended yet")
    parts += [
        "",
        _BusTable(status["buses"]),
        *status_text.describe_shares(status["buses"]),
        "",
        status_text.describe_district(status["district"]),
        *planning_text.describe_district_requests(status["district"], status["gateway"]["utc_ms"]),
    ]
    parts += [*status_text.describe_store(status["store"]), status_text.describe_cycles(status["cycles"])]
    return Group(*parts)


_COLUMNS = (
    "asset",
    "role",
    "tier",
    ">power",
    ">age",
    "quality",
    ">SoC",
    "state",
    ">ordered",
    "outcome",
    "because",
)
# On a narrow terminal the reasons stand below, and what the site file says anyway is left out.
WIDE_CHARS, MEDIUM_CHARS = 120, 76
_NARROW_COLUMNS = tuple(
    index for index, column in enumerate(_COLUMNS) if column not in {"role", "tier", "because"}
)
_NARROWEST_COLUMNS = tuple(_COLUMNS.index(one) for one in ("asset", ">power", ">ordered", "outcome"))
_STATE_COLUMN = _COLUMNS.index("state")


class _AssetTable:
    """The table of assets, as wide as the terminal allows."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        assets = status["control"]["assets"]
        self._rows = [_make_asset_row(name, asset, status["written"]) for name, asset in assets.items()]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= WIDE_CHARS:
            yield make_table("", _COLUMNS, self._rows)
            return
        shown = _NARROW_COLUMNS if options.max_width >= MEDIUM_CHARS else _NARROWEST_COLUMNS
        yield make_table("", [_COLUMNS[i] for i in shown], ([row[i] for i in shown] for row in self._rows))
        for row in self._rows:
            # A state that is not in the table stands before the reason.
            words = [*([] if shown is _NARROW_COLUMNS else [row[_STATE_COLUMN]]), row[-1]]
            if any(words):
                yield Text(f"{row[0]}: {'; '.join(filter(None, dict.fromkeys(words)))}")


def _make_asset_row(name: str, asset: Mapping[str, Any], written: Mapping[str, Any]) -> tuple[Any, ...]:
    command = asset.get("command")
    return (
        name,
        asset["role"],
        asset["tier"],
        format_number(asset["power_w"], "W"),
        format_age(asset["age_s"]),
        Text(asset["quality"], style="" if asset["quality"] == "good" else "red"),
        format_number(asset["soc_pct"], "%") if "soc_pct" in asset else "",
        asset["state"],
        status_text.format_order(command["point"], command["value"]) if command else "",
        status_text.render_verdict(written.get(command["point"]) if command else None),
        status_text.explain_asset(asset),
    )


_NODE_COLUMNS = ("node", "under", "load by", ">fuse", ">load", ">L1", ">L2", ">L3", ">least room")


def _make_node_table(control: Mapping[str, Any]) -> list[RenderableType]:
    """Make the table of the connection tree: what flows, and what the tightest of its limits leaves."""
    nodes = control.get("nodes")
    return ["", make_table("", _NODE_COLUMNS, map(_make_node_row, nodes))] if nodes else []


def _make_node_row(node: Mapping[str, Any]) -> tuple[Any, ...]:
    room_w = min((watts for watts in node["headroom_w"] if watts is not None), default=None)
    style = "red" if node["basis"] == "silent" else ""
    return (
        node["name"],
        node["under"] or "",
        Text(node["basis"], style=style),
        format_number(node["fuse_a"], "A"),
        *(format_number(round(watts), "W") for watts in node["load_w"]),
        Text(
            "–" if room_w is None else format_number(round(room_w), "W"),
            style="red" if (room_w or 0) < 0 else "",
        ),
    )


class _BusTable:
    """The table of buses and their devices; on a narrow terminal devices and reasons stand below it."""

    def __init__(self, buses: Sequence[Mapping[str, Any]]) -> None:
        self._buses = buses

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_narrow = options.max_width < MEDIUM_CHARS
        rows: list[Sequence[RenderableType]] = []
        below: list[Text] = []
        for bus in self._buses:
            *head, why = _make_bus_row(bus)
            devices = [_make_device_row(device, bus) for device in bus["devices"]]
            rows.append((*head, *(() if is_narrow else ("", "", why))))
            if is_narrow:
                below += [Text.assemble(f"{bus['name']}: ", why)] if why else []
                below += [
                    Text.assemble(f"{name} ", state, f": {words}" if words else "")
                    for name, state, words in devices
                ]
            else:
                rows += [("", "", "", "", *device) for device in devices]
        heads = ("bus", "state", ">slack", ">late")
        yield make_table("", heads if is_narrow else (*heads, "device", "state", "why"), rows)
        yield from below


def _make_bus_row(bus: Mapping[str, Any]) -> tuple[Any, ...]:
    state = Text("open", style="green") if bus["online"] else Text("lost", style="red")
    weak = bus.get("weakness", "")
    why = bus["why"] or (Text(f"not secure: {weak}", style="red") if weak else "")
    return bus["name"], state, status_text.format_slack(bus), format_age(status_text.find_lateness(bus)), why


def _make_device_row(device: Mapping[str, Any], bus: Mapping[str, Any]) -> tuple[Any, ...]:
    style = "green" if device["state"] == "good" else "red"
    return (
        device["name"],
        Text(status_text.format_device_state(device["state"]), style=style),
        status_text.explain_device(device, bus),
    )


def run_status(options: argparse.Namespace) -> int:
    """Ask the daemon what it does; exit 69 when none answers, 77 when this user may not ask."""
    try:
        found = ask(options.runtime_dir, "status")
    except NoDaemon as closed:
        return report_no_daemon(closed)
    if options.json:
        output.print_json(found)
    else:
        output.make_console().print(render_overview(found))
    return 0


def report_no_daemon(closed: NoDaemon) -> int:
    """Print that no daemon answers at its address, or not to this user, and the remedy."""
    print(f"{closed}; {suggest_remedy(closed)}", file=sys.stderr)
    return find_exit_code(closed)


def suggest_remedy(closed: NoDaemon) -> str:
    """Return the remedy for a daemon socket that does not answer."""
    if isinstance(closed, NotPermitted):
        return "join the group quartier, or ask with sudo"
    return "start it with systemctl start quartier, or name its --runtime-dir"


def run_points(options: argparse.Namespace) -> int:
    """List points; exit 1 when no point has such a name."""
    try:
        found = ask(options.runtime_dir, "points")
    except NoDaemon as closed:
        return report_no_daemon(closed)
    wanted = [point for point in found if any(fnmatchcase(point["point"], p) for p in options.pattern)]
    if not wanted:
        near = suggest_names(
            options.pattern[0].strip("*"), [point["point"] for point in found], "quartier points"
        )
        print(f"no point is called {' or '.join(options.pattern)}; {near}", file=sys.stderr)
        return 1
    if options.writes:
        wanted = [point for point in wanted if "writes" in point]
    if options.json:
        output.print_json(wanted)
        return 0
    if options.writes:
        heads = ("point", ">today", ">budget", ">total", "memory", "last written", "on release", "address")
        output.make_console().print(output.make_table("", heads, map(_make_writes_row, wanted)))
        return 0
    columns = (
        "point",
        ">value",
        "unit",
        "quality",
        ">age",
        "last written",
        "on release",
        "by itself",
        "answers",
        "address",
    )
    output.make_console().print(output.make_table("", columns, map(_make_row, wanted)))
    return 0


def _make_row(point: dict[str, Any]) -> tuple[str, ...]:
    fallback = point.get("fallback")
    return (
        point["point"],
        output.format_number(point["value"]),
        output.format_unit(point["unit"]),
        point["quality"],
        output.format_age(point["age_s"]),
        _format_written(point.get("written")),
        "" if not point.get("writable") else output.format_number(point["on_release"]),
        "" if not point.get("writable") else status_text.describe_fallback(point["point"], fallback),
        status_text.describe_probed_answer(point.get("probed")),
        _format_place(point["address"]),
    )


def _make_writes_row(point: dict[str, Any]) -> tuple[str, ...]:
    writes = point["writes"]
    return (
        point["point"],
        str(writes["today"]),
        "–" if writes["budget"] is None else str(writes["budget"]),
        str(writes["total"]),
        "wears" if writes["persistent"] else "volatile",
        _format_written(point.get("written")),
        output.format_number(point["on_release"]),
        _format_place(point["address"]),
    )


def _format_place(address: str) -> str:
    """Return where a point stands, on one line: of alternatives the first, and how many there are."""
    first, *others = address.split("|")
    return f"{first} or {len(others)} more" if others else first


def _format_written(written: dict[str, Any] | None) -> str:
    if written is None:
        return ""
    why = f" ({written['why']})" if written["why"] else ""
    return f"{output.format_number(written['value'])} {written['verdict']}{why}"
