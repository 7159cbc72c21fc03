"""The one screen that answers: what does the house do, and why (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from quartier.cli import circumstances, sentences
from quartier.cli.output import age, number, table


def overview(status: Mapping[str, Any]) -> Group:
    """Everything of one answer to ``status``, the most important first."""
    control = status["control"]
    parts: list[RenderableType] = [sentences.gateway(status["gateway"])]
    if ordered := status["gateway"].get("site_file"):
        parts.append(f"The site file came by {ordered}; a change of the file here ends that.")
    if control:
        parts += [sentences.mode(control), *sentences.stage(control), sentences.grid(control)]
        parts += [
            *sentences.caps(control),
            *sentences.supplies(control),
            *sentences.fallbacks(status.get("fallbacks", ())),
            *sentences.probes(status.get("probes", {})),
            *sentences.plan(status),
            *circumstances.tolls(status.get("plan")),
            *circumstances.foretold((status.get("plan") or {}).get("foretold")),
            *sentences.alarms(status),
            *sentences.troubles(status),
            "",
            _Assets(status),
            *_nodes(control),
        ]
    else:
        parts.append("starting: the first cycle has not ended yet")
    parts += [
        "",
        _Buses(status["buses"]),
        *sentences.shares(status["buses"]),
        "",
        sentences.district(status["district"]),
        *sentences.planned(status["district"], status["gateway"]["utc_ms"]),
    ]
    parts += [*sentences.store(status["store"]), sentences.cycles(status["cycles"])]
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
    ">asked",
    "outcome",
    "because",
)
# On a narrow terminal the reasons stand below, and what the site file says anyway is left out.
WIDE_CHARS, MEDIUM_CHARS = 120, 76
_NARROW = tuple(index for index, column in enumerate(_COLUMNS) if column not in {"role", "tier", "because"})

_NARROWEST = tuple(_COLUMNS.index(one) for one in ("asset", ">power", ">asked", "outcome"))
_STATE = _COLUMNS.index("state")


class _Assets:
    """The table of assets, as wide as the terminal allows."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        assets = status["control"]["assets"]
        self._rows = [_asset(name, asset, status["written"]) for name, asset in assets.items()]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= WIDE_CHARS:
            yield table("", _COLUMNS, self._rows)
            return
        shown = _NARROW if options.max_width >= MEDIUM_CHARS else _NARROWEST
        yield table("", [_COLUMNS[i] for i in shown], ([row[i] for i in shown] for row in self._rows))
        for row in self._rows:
            # A state that is not in the table stands before the reason.
            words = [*([] if shown is _NARROW else [row[_STATE]]), row[-1]]
            if any(words):
                yield Text(f"{row[0]}: {'; '.join(filter(None, dict.fromkeys(words)))}")


def _asset(name: str, asset: Mapping[str, Any], written: Mapping[str, Any]) -> tuple[Any, ...]:
    command = asset.get("command")
    return (
        name,
        asset["role"],
        asset["tier"],
        number(asset["power_w"], "W"),
        age(asset["age_s"]),
        Text(asset["quality"], style="" if asset["quality"] == "good" else "red"),
        number(asset["soc_pct"], "%") if "soc_pct" in asset else "",
        asset["state"],
        sentences.ordered(command["point"], command["value"]) if command else "",
        sentences.verdict(written.get(command["point"]) if command else None),
        sentences.because(asset),
    )


_NODE_COLUMNS = ("node", "under", "load by", ">fuse", ">load", ">L1", ">L2", ">L3", ">least room")


def _nodes(control: Mapping[str, Any]) -> list[RenderableType]:
    """The connection tree, where there is one: what flows, and what the tightest of its caps leaves."""
    told = control.get("nodes")
    return ["", table("", _NODE_COLUMNS, map(_node, told))] if told else []


def _node(node: Mapping[str, Any]) -> tuple[Any, ...]:
    room_w = min((watts for watts in node["headroom_w"] if watts is not None), default=None)
    style = "red" if node["basis"] == "silent" else ""
    return (
        node["name"],
        node["under"] or "",
        Text(node["basis"], style=style),
        number(node["fuse_a"], "A"),
        *(number(round(watts), "W") for watts in node["load_w"]),
        Text("–" if room_w is None else number(round(room_w), "W"), style="red" if (room_w or 0) < 0 else ""),
    )


class _Buses:
    """The table of buses and their devices; on a narrow terminal devices and reasons stand below it."""

    def __init__(self, buses: Sequence[Mapping[str, Any]]) -> None:
        self._buses = buses

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_narrow = options.max_width < MEDIUM_CHARS
        rows: list[Sequence[RenderableType]] = []
        below: list[Text] = []
        for bus in self._buses:
            *head, why = _bus(bus)
            devices = [_device(device, bus) for device in bus["devices"]]
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
        yield table("", heads if is_narrow else (*heads, "device", "state", "why"), rows)
        yield from below


def _bus(bus: Mapping[str, Any]) -> tuple[Any, ...]:
    state = Text("open", style="green") if bus["online"] else Text("lost", style="red")
    weak = bus.get("weakness", "")
    why = bus["why"] or (Text(f"not secure: {weak}", style="red") if weak else "")
    late = "–" if bus["lateness_s"] is None else age(bus["lateness_s"])
    return bus["name"], state, number(bus["slack_pct"], "%"), late, why


def _device(device: Mapping[str, Any], bus: Mapping[str, Any]) -> tuple[Any, ...]:
    style = "green" if device["state"] == "good" else "red"
    return device["name"], Text(device["state"], style=style), sentences.why_of(device, bus)
