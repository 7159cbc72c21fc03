"""What stands on each page of ``quartier top``: sentences above, tables, sentences below (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from quartier.cli import rows, sentences
from quartier.cli.output import age, counted, number, unit
from quartier.cli.top import nodes
from quartier.cli.top.rates import Rates
from quartier.cli.top.sheet import Column, Row, Sheet, text
from quartier.site.ledger import LedgerEntry, load_entry

_BAD_STATES = {"good": 0, "opening": 1, "set aside": 2, "silent": 3}
_STATE_STYLE = {"good": "green", "opening": "yellow", "set aside": "yellow", "silent": "red"}
_VERDICT_WORRY = {"refused": 2, "unknown": 2, "expired": 1}
_TROUBLES = ("retries", "timeouts", "rubbish", "late", "exceptions", "foreign", "skipped")


@dataclass(frozen=True, slots=True)
class Page:
    """What one look at the daemon shows."""

    head: tuple[Text, ...]
    sheets: tuple[Sheet, ...]
    foot: tuple[Text, ...] = ()


def house(status: Mapping[str, Any], rates: Rates) -> Page:
    """The first page: the whole house."""
    control = status["control"]
    head = [sentences.gateway(status["gateway"])]
    if control:
        flows = [sentences.grid(control), *sentences.caps(control)]
        head += [sentences.mode(control), *sentences.stage(control), Text(" · ").join(flows)]
        head += [*sentences.supplies(control), *sentences.fallbacks(status.get("fallbacks", ()))]
        head += [*sentences.alarms(status), *sentences.troubles(status)]
    else:
        head.append(Text("starting: the first cycle has not ended yet"))
    sheets = [_buses(status["buses"], rates), _devices(status["buses"])]
    if control:
        sheets.insert(0, _assets(control["assets"], status["written"]))
        sheets[1:1] = [nodes.sheet(control["nodes"])] if control.get("nodes") else []
    foot = [*sentences.shares(status["buses"]), sentences.district(status["district"])]
    foot += sentences.store(status["store"])
    return Page(tuple(head), tuple(sheets), (*foot, sentences.cycles(status["cycles"])))


_ASSETS = (
    Column("asset"),
    Column("role", spare=6),
    Column("tier", spare=7),
    Column("power", right=True, whole=True),
    Column("age", right=True, spare=4),
    Column("quality", spare=2),
    Column("SoC", right=True, spare=3),
    Column("state", spare=5),
    Column("asked", right=True, spare=1),
    Column("outcome", whole=True),
    Column("because"),
)


def _assets(assets: Mapping[str, Any], written: Mapping[str, Any]) -> Sheet:
    return Sheet(_ASSETS, tuple(_asset(name, asset, written) for name, asset in assets.items()))


def _asset(name: str, asset: Mapping[str, Any], written: Mapping[str, Any]) -> Row:
    command = asset.get("command")
    outcome = written.get(command["point"]) if command else None
    good = asset["quality"] in {"good", "not measured"}
    cells = (
        text(name),
        text(asset["role"]),
        text(asset["tier"]),
        text(number(asset["power_w"], "W")),
        text(age(asset["age_s"])),
        text(asset["quality"], "" if good else "red"),
        text(f"{asset['soc_pct']:.0f} %" if asset.get("soc_pct") is not None else ""),
        text(asset["state"]),
        text(sentences.ordered(command["point"], command["value"]) if command else ""),
        sentences.verdict(outcome),
        text(sentences.because(asset)),
    )
    worry = (0 if good else 3) + _VERDICT_WORRY.get(outcome["verdict"] if outcome else "", 0)
    more = [asset["state"], sentences.because(asset), outcome["why"] if outcome else ""]
    return Row(f"asset:{name}", cells, worry, f"{name}: {'; '.join(filter(None, dict.fromkeys(more)))}")


_BUSES = (
    Column("bus"),
    Column("state"),
    Column("slack", right=True),
    Column("late", right=True),
    Column("req/s", right=True),
    Column("retries", right=True),
    Column("time-outs", right=True),
    Column("devices", right=True, spare=1),
    Column("why"),
)


def _buses(buses: Sequence[Mapping[str, Any]], rates: Rates) -> Sheet:
    return Sheet(_BUSES, tuple(_bus(bus, rates) for bus in buses))


def _bus(bus: Mapping[str, Any], rates: Rates) -> Row:
    name = bus["name"]
    good_count = sum(device["state"] == "good" for device in bus["devices"])
    works = bus["online"]  # a lost bus has no time to spare, and nobody waits for it
    cells = (
        text(name),
        _open(bus),
        text(f"{bus['slack_pct']:.0f} %" if works and bus["slack_pct"] is not None else "–"),
        text(_late(bus["lateness_s"] if works else None)),
        text(_rate(rates.per_s(name, "requests_count"))),
        _count(bus, "retries_count", rates),
        _count(bus, "timeouts_count", rates),
        text(f"{good_count} of {len(bus['devices'])}"),
        text(bus["why"]) if bus["why"] else text(bus.get("weakness", ""), "red"),
    )
    worry = 0 if bus["online"] else 3
    more = bus["why"] or f"{good_count} of {counted(len(bus['devices']), 'device')} good; Enter shows them"
    return Row(f"bus:{name}", cells, worry, f"{name}: {more}")


def _open(bus: Mapping[str, Any]) -> Text:
    if not bus["online"]:
        return text("lost", "red")
    return text("open, not secure", "red") if bus.get("weakness") else text("open", "green")


def _late(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1e3:.0f} ms" if seconds < 1 else age(seconds)


def _rate(per_s: float | None) -> str:
    return "–" if per_s is None else f"{per_s:.1f}"


def _count(bus: Mapping[str, Any], name: str, rates: Rates) -> Text:
    """A counter since the start; yellow while it rises."""
    if name not in bus["counts"]:
        return text("–")
    return text(number(bus["counts"][name]), "yellow" if rates.gained(bus["name"], name) else "")


_DEVICES = (
    Column("device"),
    Column("bus", spare=1),
    Column("state"),
    Column("errors", right=True),
    Column("last good", right=True),
    Column("who, or why"),
)


def _devices(buses: Sequence[Mapping[str, Any]]) -> Sheet:
    """``buses`` with their devices; where there is but one, its name stands above already."""
    named = len(buses) > 1
    return Sheet(
        _DEVICES, tuple(_device(device, bus, named=named) for bus in buses for device in bus["devices"])
    )


def _device(device: Mapping[str, Any], bus: Mapping[str, Any], *, named: bool) -> Row:
    state = device["state"]
    why = sentences.why_of(device, bus)
    cells = (
        text(device["name"]),
        text(bus["name"] if named else ""),
        text(state, _STATE_STYLE.get(state, "")),
        text(number(device["errors_count"])),
        text(age(device["age_s"])),
        text(why),
    )
    more = device["why"] or sentences.identity(device)
    return Row(f"device:{device['name']}", cells, _BAD_STATES.get(state, 1), f"{device['name']}: {more}")


def bus(told: Mapping[str, Any], rates: Rates) -> Page:
    """One bus: its counters, and its devices."""
    found = told["bus"]
    name = found["name"]
    facts = f": slack {number(found['slack_pct'], '%')}, at most {_late(found['lateness_s'])} late"
    rate = f", {_rate(rates.per_s(name, 'requests_count'))} requests a second"
    why = "" if found["online"] else f"   {found['why']}"
    counts = [
        Text.assemble(
            (
                f"{number(count)} {key.removesuffix('_count').replace('timeouts', 'time-outs')}",
                "yellow"
                if key.removesuffix("_count") in _TROUBLES and rates.gained(found["name"], key)
                else "",
            )
        )
        for key, count in found["counts"].items()
    ]
    head = (
        _where(told),
        Text.assemble((f"bus {name} ", "bold"), _open(found), facts, rate, (why, "red")),
        Text(" · ").join([Text("since the start"), *counts]),
    )
    return Page(head, (_devices([found]),))


def _where(told: Mapping[str, Any]) -> Text:
    """The first line of each further page: which house, and its mode."""
    gateway, control = told["gateway"], told["control"]
    house = Text(f"{gateway['site']} of {gateway['district']}", style="bold")
    return Text.assemble(house, "   ", sentences.mode(control)) if control else house


_POINTS = (
    Column("point"),
    Column("value", right=True),
    Column("unit"),
    Column("quality"),
    Column("age", right=True),
    Column("written"),
    Column("on release", spare=3),
    Column("address"),
)


def device(told: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Page:
    """One device: how it is doing, and its points."""
    found = told["device"]
    state = found["state"]
    who = sentences.identity(found)
    head = [
        _where(told),
        Text.assemble(
            (f"device {found['name']} ", "bold"),
            (state, _STATE_STYLE.get(state, "")),
            f" on {found['bus']}: last good {age(found['age_s'])} ago, ",
            counted(found["errors_count"], "error"),
        ),
    ]
    head += [Text(words, style=style) for words, style in ((who, ""), (found["why"], "red")) if words]
    return Page(tuple(head), (_points(points),))


def _points(points: Sequence[Mapping[str, Any]]) -> Sheet:
    return Sheet(_POINTS, tuple(map(_point, points)))


def _point(point: Mapping[str, Any]) -> Row:
    good = point["quality"] == "good"
    writable = point.get("writable", False)
    told = point.get("written")
    cells = (
        text(point["point"]),
        text(number(point["value"])),
        text(unit(point["unit"])),
        text(point["quality"], "" if good else "red"),
        text(age(point["age_s"])),
        _written(point),
        text(number(point["on_release"]) if writable else ""),
        text(point["address"]),
    )
    worry = (0 if good else 3) + _VERDICT_WORRY.get(told["verdict"] if told else "", 0)
    return Row(f"point:{point['point']}", cells, worry, f"{point['point']}: {'; '.join(_more(point))}")


def _written(point: Mapping[str, Any]) -> Text:
    told = point.get("written")
    if told is None:
        return text("")
    return Text.assemble(sentences.ordered(point["point"], told["value"]), " ", sentences.verdict(told))


def _more(point: Mapping[str, Any]) -> Iterator[str]:
    yield f"at {point['address']}" if point["address"] else "the gateway's own"
    if not point.get("writable"):
        yield "read only"
        return
    told, fallback, writes = point.get("written"), point.get("fallback"), point.get("writes")
    if told is not None:
        why = f" ({told['why']})" if told["why"] else ""
        value = sentences.ordered(point["point"], told["value"])
        yield f"{value} {told['verdict']}{why}, {age(told['age_s'])} ago, {told['reason']}"
    yield f"on release {number(point['on_release'])}"
    yield f"by itself {sentences.by_itself(point['point'], fallback)}"
    if fallback is not None and fallback.get("problem"):
        yield str(fallback["problem"])
    if writes is not None:
        budget = f" of {writes['budget']}" if writes["budget"] is not None else ""
        yield f"written {writes['today']}{budget} times today, {writes['total']} in all"


_LEDGER = (
    Column("ago", right=True),
    Column("asked", right=True),
    Column("orders", right=True, spare=2),
    Column("who", spare=1),
    Column("outcome", whole=True),
    Column("because"),
)


def asset(told: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> Page:
    """One asset: what is asked of it and why, its last orders, and its points."""
    found = told["asset"]
    command = found.get("command")
    soc = f", {number(found['soc_pct'], '%')} charged" if found.get("soc_pct") is not None else ""
    tier = f" of tier {found['tier']}" if found["tier"] else ""
    head = [
        _where(told),
        Text.assemble(
            (f"{found['role']} {found['name']}", "bold"),
            f"{tier}: {number(found['power_w'], 'W')}{soc}, ",
            f"{found['quality']}, {age(found['age_s'])} old; ",
            found["state"],
        ),
    ]
    if command:
        asked = sentences.ordered(command["point"], command["value"])
        outcome = found["written"]
        why = f" ({outcome['why']})" if outcome and outcome["why"] else ""
        verdict = sentences.verdict(outcome)
        head.append(Text.assemble(f"asked {asked}, ", verdict, f"{why}: {sentences.because(found)}"))
    elif words := [one for one in (sentences.because(found), sentences.unread(found)) if one]:
        head.append(Text("; ".join(words)))
    return Page(tuple(head), (_ledger(found["ledger"], told["gateway"]["utc_ms"]), _points(points)))


def _ledger(told: Sequence[Mapping[str, Any]], utc_ms: int) -> Sheet:
    entries = [load_entry(data) for data in told]
    return Sheet(_LEDGER, tuple(_order(entry, utc_ms) for entry in entries))


def _order(entry: LedgerEntry, utc_ms: int) -> Row:
    style = rows.OUTCOME_STYLE.get(entry.outcome, "")
    note = f" ({entry.note})" if entry.note else ""
    return Row(
        f"order:{entry.boot}:{entry.number}",
        (
            text(age((utc_ms - entry.utc_ms) / 1e3)),
            text(rows.value(entry)),
            text(number(entry.count)),
            text(rows.who(entry.who)),
            Text(rows.outcome(entry), style=style),
            text(entry.why),
        ),
        more=f"{entry.point}: {rows.whole(entry.who)}: {entry.why}; {entry.outcome}{note}",
    )
