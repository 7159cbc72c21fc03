"""The content of each page of ``quartier top``: sentences above, tables, sentences below (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from quartier.cli.rendering import ledger_text, status_text
from quartier.cli.rendering.output import format_age, format_count, format_number, format_unit
from quartier.cli.top import node_table
from quartier.cli.top.counter_rates import CounterRates
from quartier.cli.top.table_lines import TableColumn, TableRow, TableSheet, make_cell
from quartier.site.ledger import LedgerEntry, load_entry

_STATE_WORRY = {"good": 0, "opening": 1, "set aside": 2, "silent": 3}
_STATE_STYLE = {"good": "green", "opening": "yellow", "set aside": "yellow", "silent": "red"}
_VERDICT_WORRY = {"refused": 2, "unknown": 2, "expired": 1}
_TROUBLE_COUNTS = ("retries", "timeouts", "rubbish", "late", "exceptions", "foreign", "skipped")


@dataclass(frozen=True, slots=True)
class TopPage:
    """The content of one page: head lines, tables and foot lines."""

    head: tuple[Text, ...]
    sheets: tuple[TableSheet, ...]
    foot: tuple[Text, ...] = ()


def make_site_page(status: Mapping[str, Any], rates: CounterRates) -> TopPage:
    """Make the first page: the whole site."""
    control = status["control"]
    head = [status_text.describe_gateway(status["gateway"])]
    if control:
        flows = [status_text.describe_grid(control), *status_text.describe_limits(control)]
        head += [
            status_text.describe_link_state(control),
            *status_text.describe_stage(control),
            Text(" · ").join(flows),
        ]
        head += [
            *status_text.describe_supplies(control),
            *status_text.describe_fallbacks(status.get("fallbacks", ())),
        ]
        head += [*status_text.describe_alarms(status), *status_text.describe_troubles(status)]
    else:
        head.append(Text("starting: the first cycle has not ended yet"))
    sheets = [_make_bus_sheet(status["buses"], rates), _make_device_sheet(status["buses"])]
    if control:
        sheets.insert(0, _make_asset_sheet(control["assets"], status["written"]))
        sheets[1:1] = [node_table.make_node_sheet(control["nodes"])] if control.get("nodes") else []
    foot = [*status_text.describe_shares(status["buses"]), status_text.describe_district(status["district"])]
    foot += status_text.describe_store(status["store"])
    return TopPage(tuple(head), tuple(sheets), (*foot, status_text.describe_cycles(status["cycles"])))


_ASSET_COLUMNS = (
    TableColumn("asset"),
    TableColumn("role", drop_rank=6),
    TableColumn("tier", drop_rank=7),
    TableColumn("power", right=True, whole=True),
    TableColumn("age", right=True, drop_rank=4),
    TableColumn("quality", drop_rank=2),
    TableColumn("SoC", right=True, drop_rank=3),
    TableColumn("state", drop_rank=5),
    TableColumn("ordered", right=True, drop_rank=1),
    TableColumn("outcome", whole=True),
    TableColumn("because"),
)


def _make_asset_sheet(assets: Mapping[str, Any], written: Mapping[str, Any]) -> TableSheet:
    return TableSheet(
        _ASSET_COLUMNS, tuple(_make_asset_row(name, asset, written) for name, asset in assets.items())
    )


def _make_asset_row(name: str, asset: Mapping[str, Any], written: Mapping[str, Any]) -> TableRow:
    command = asset.get("command")
    outcome = written.get(command["point"]) if command else None
    good = asset["quality"] in {"good", "not measured"}
    cells = (
        make_cell(name),
        make_cell(asset["role"]),
        make_cell(asset["tier"]),
        make_cell(format_number(asset["power_w"], "W")),
        make_cell(format_age(asset["age_s"])),
        make_cell(asset["quality"], "" if good else "red"),
        make_cell(f"{asset['soc_pct']:.0f} %" if asset.get("soc_pct") is not None else ""),
        make_cell(asset["state"]),
        make_cell(status_text.format_order(command["point"], command["value"]) if command else ""),
        status_text.render_verdict(outcome),
        make_cell(status_text.explain_asset(asset)),
    )
    worry = (0 if good else 3) + _VERDICT_WORRY.get(outcome["verdict"] if outcome else "", 0)
    more = [asset["state"], status_text.explain_asset(asset), outcome["why"] if outcome else ""]
    return TableRow(f"asset:{name}", cells, worry, f"{name}: {'; '.join(filter(None, dict.fromkeys(more)))}")


_BUS_COLUMNS = (
    TableColumn("bus"),
    TableColumn("state"),
    TableColumn("slack", right=True),
    TableColumn("late", right=True),
    TableColumn("req/s", right=True),
    TableColumn("retries", right=True),
    TableColumn("time-outs", right=True),
    TableColumn("devices", right=True, drop_rank=1),
    TableColumn("why"),
)


def _make_bus_sheet(buses: Sequence[Mapping[str, Any]], rates: CounterRates) -> TableSheet:
    return TableSheet(_BUS_COLUMNS, tuple(_make_bus_row(bus, rates) for bus in buses))


def _make_bus_row(bus: Mapping[str, Any], rates: CounterRates) -> TableRow:
    name = bus["name"]
    good_count = sum(device["state"] == "good" for device in bus["devices"])
    cells = (
        make_cell(name),
        _render_bus_state(bus),
        make_cell(status_text.format_slack(bus)),
        make_cell(_format_lateness(status_text.find_lateness(bus))),
        make_cell(_format_rate(rates.find_rate_per_s(name, "requests_count"))),
        _render_count(bus, "retries_count", rates),
        _render_count(bus, "timeouts_count", rates),
        make_cell(f"{good_count} of {len(bus['devices'])}"),
        make_cell(bus["why"]) if bus["why"] else make_cell(bus.get("weakness", ""), "red"),
    )
    worry = 0 if bus["online"] else 3
    more = (
        bus["why"] or f"{good_count} of {format_count(len(bus['devices']), 'device')} good; Enter shows them"
    )
    return TableRow(f"bus:{name}", cells, worry, f"{name}: {more}")


def _render_bus_state(bus: Mapping[str, Any]) -> Text:
    if not bus["online"]:
        return make_cell("lost", "red")
    return make_cell("open, not secure", "red") if bus.get("weakness") else make_cell("open", "green")


def _format_lateness(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1e3:.0f} ms" if seconds < 1 else format_age(seconds)


def _format_rate(per_s: float | None) -> str:
    return "–" if per_s is None else f"{per_s:.1f}"


def _render_count(bus: Mapping[str, Any], name: str, rates: CounterRates) -> Text:
    """Render a counter since the start; yellow while it rises."""
    if name not in bus["counts"]:
        return make_cell("–")
    return make_cell(
        format_number(bus["counts"][name]), "yellow" if rates.find_increase(bus["name"], name) else ""
    )


_DEVICE_COLUMNS = (
    TableColumn("device"),
    TableColumn("bus", drop_rank=1),
    TableColumn("state"),
    TableColumn("errors", right=True),
    TableColumn("last good", right=True),
    TableColumn("who, or why"),
)


def _make_device_sheet(buses: Sequence[Mapping[str, Any]]) -> TableSheet:
    """``buses`` with their devices; where there is but one, its name stands above already."""
    named = len(buses) > 1
    return TableSheet(
        _DEVICE_COLUMNS,
        tuple(_make_device_row(device, bus, named=named) for bus in buses for device in bus["devices"]),
    )


def _make_device_row(device: Mapping[str, Any], bus: Mapping[str, Any], *, named: bool) -> TableRow:
    state = device["state"]
    why = status_text.explain_device(device, bus)
    cells = (
        make_cell(device["name"]),
        make_cell(bus["name"] if named else ""),
        make_cell(state, _STATE_STYLE.get(state, "")),
        make_cell(format_number(device["errors_count"])),
        make_cell(format_age(device["age_s"])),
        make_cell(why),
    )
    more = device["why"] or status_text.format_identity(device)
    return TableRow(
        f"device:{device['name']}", cells, _STATE_WORRY.get(state, 1), f"{device['name']}: {more}"
    )


def make_bus_page(answer: Mapping[str, Any], rates: CounterRates) -> TopPage:
    """Make the page of a bus: its counters, and its devices."""
    found = answer["bus"]
    name = found["name"]
    lateness = _format_lateness(status_text.find_lateness(found))
    facts = f": slack {status_text.format_slack(found)}, at most {lateness} late"
    rate = f", {_format_rate(rates.find_rate_per_s(name, 'requests_count'))} requests a second"
    why = "" if found["online"] else f"   {found['why']}"
    counts = [
        Text.assemble(
            (
                f"{format_number(count)} {key.removesuffix('_count').replace('timeouts', 'time-outs')}",
                "yellow"
                if key.removesuffix("_count") in _TROUBLE_COUNTS and rates.find_increase(found["name"], key)
                else "",
            )
        )
        for key, count in found["counts"].items()
    ]
    head = (
        _render_site_line(answer),
        Text.assemble((f"bus {name} ", "bold"), _render_bus_state(found), facts, rate, (why, "red")),
        Text(" · ").join([Text("since the start"), *counts]),
    )
    return TopPage(head, (_make_device_sheet([found]),))


def _render_site_line(answer: Mapping[str, Any]) -> Text:
    """Render the first line of each further page: the site and its link state."""
    gateway, control = answer["gateway"], answer["control"]
    title = Text(f"{gateway['site']} of {gateway['district']}", style="bold")
    return Text.assemble(title, "   ", status_text.describe_link_state(control)) if control else title


_POINT_COLUMNS = (
    TableColumn("point", whole=True),
    TableColumn("value", right=True),
    TableColumn("unit", drop_rank=3),
    TableColumn("quality"),
    TableColumn("age", right=True, drop_rank=2),
    TableColumn("written", drop_rank=1),
    TableColumn("on release", drop_rank=4),
    TableColumn("address", drop_rank=5),
)


def make_device_page(answer: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> TopPage:
    """Make the page of a device: its state, and its points."""
    found = answer["device"]
    state = found["state"]
    who = status_text.format_identity(found)
    head = [
        _render_site_line(answer),
        Text.assemble(
            (f"device {found['name']} ", "bold"),
            (state, _STATE_STYLE.get(state, "")),
            f" on {found['bus']}: last good {format_age(found['age_s'])} ago, ",
            format_count(found["errors_count"], "error"),
        ),
    ]
    head += [Text(words, style=style) for words, style in ((who, ""), (found["why"], "red")) if words]
    return TopPage(tuple(head), (_make_point_sheet(points),))


def _make_point_sheet(points: Sequence[Mapping[str, Any]]) -> TableSheet:
    """Make a row for each point; an owner that all have is not repeated in their names."""
    owners = {point["point"].partition(".")[0] for point in points}
    prefix = f"{owners.pop()}." if len(owners) == 1 else ""
    return TableSheet(_POINT_COLUMNS, tuple(_make_point_row(point, prefix) for point in points))


def _make_point_row(point: Mapping[str, Any], prefix: str) -> TableRow:
    good = point["quality"] == "good"
    writable = point.get("writable", False)
    written = point.get("written")
    cells = (
        make_cell(point["point"].removeprefix(prefix)),
        make_cell(format_number(point["value"])),
        make_cell(format_unit(point["unit"])),
        make_cell(point["quality"], "" if good else "red"),
        make_cell(format_age(point["age_s"])),
        _render_written(point),
        make_cell(format_number(point["on_release"]) if writable else ""),
        make_cell(point["address"]),
    )
    worry = (0 if good else 3) + _VERDICT_WORRY.get(written["verdict"] if written else "", 0)
    return TableRow(
        f"point:{point['point']}", cells, worry, f"{point['point']}: {'; '.join(_describe_point(point))}"
    )


def _render_written(point: Mapping[str, Any]) -> Text:
    written = point.get("written")
    if written is None:
        return make_cell("")
    return Text.assemble(
        status_text.format_order(point["point"], written["value"]), " ", status_text.render_verdict(written)
    )


def _describe_point(point: Mapping[str, Any]) -> Iterator[str]:
    yield f"at {point['address']}" if point["address"] else "the gateway's own"
    if not point.get("writable"):
        yield "read only"
        return
    written, fallback, writes = point.get("written"), point.get("fallback"), point.get("writes")
    if written is not None:
        why = f" ({written['why']})" if written["why"] else ""
        value = status_text.format_order(point["point"], written["value"])
        yield f"{value} {written['verdict']}{why}, {format_age(written['age_s'])} ago, {written['reason']}"
    yield f"on release {format_number(point['on_release'])}"
    yield f"by itself {status_text.describe_fallback(point['point'], fallback)}"
    if fallback is not None and fallback.get("problem"):
        yield str(fallback["problem"])
    if writes is not None:
        budget = f" of {writes['budget']}" if writes["budget"] is not None else ""
        yield f"written {writes['today']}{budget} times today, {writes['total']} in all"


_LEDGER_COLUMNS = (
    TableColumn("ago", right=True),
    TableColumn("ordered", right=True),
    TableColumn("orders", right=True, drop_rank=2),
    TableColumn("who", drop_rank=1),
    TableColumn("outcome", whole=True),
    TableColumn("because"),
)


def make_asset_page(answer: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> TopPage:
    """Make the page of an asset: its order and reason, its last orders, and its points."""
    found = answer["asset"]
    command = found.get("command")
    soc = f", {format_number(found['soc_pct'], '%')} charged" if found.get("soc_pct") is not None else ""
    tier = f" of tier {found['tier']}" if found["tier"] else ""
    head = [
        _render_site_line(answer),
        Text.assemble(
            (f"{found['role']} {found['name']}", "bold"),
            f"{tier}: {format_number(found['power_w'], 'W')}{soc}, ",
            f"{found['quality']}, {format_age(found['age_s'])} old; ",
            found["state"],
        ),
    ]
    if command:
        value = status_text.format_order(command["point"], command["value"])
        outcome = found["written"]
        why = f" ({outcome['why']})" if outcome and outcome["why"] else ""
        verdict = status_text.render_verdict(outcome)
        head.append(
            Text.assemble(f"ordered {value}, ", verdict, f"{why}: {status_text.explain_asset(found)}")
        )
    elif words := [
        one for one in (status_text.explain_asset(found), status_text.describe_unread(found)) if one
    ]:
        head.append(Text("; ".join(words)))
    return TopPage(
        tuple(head),
        (_make_ledger_sheet(found["ledger"], answer["gateway"]["utc_ms"]), _make_point_sheet(points)),
    )


def _make_ledger_sheet(rows: Sequence[Mapping[str, Any]], utc_ms: int) -> TableSheet:
    entries = [load_entry(data) for data in rows]
    return TableSheet(_LEDGER_COLUMNS, tuple(_make_order_row(entry, utc_ms) for entry in entries))


def _make_order_row(entry: LedgerEntry, utc_ms: int) -> TableRow:
    style = ledger_text.OUTCOME_STYLE.get(entry.outcome, "")
    note = f" ({entry.note})" if entry.note else ""
    return TableRow(
        f"order:{entry.boot}:{entry.number}",
        (
            make_cell(format_age((utc_ms - entry.utc_ms) / 1e3)),
            make_cell(ledger_text.format_value(entry)),
            make_cell(format_number(entry.count)),
            make_cell(ledger_text.format_who(entry.who)),
            Text(ledger_text.format_outcome(entry), style=style),
            make_cell(entry.why),
        ),
        more=f"{entry.point}: {ledger_text.describe_who(entry.who)}: {entry.why}; {entry.outcome}{note}",
    )
