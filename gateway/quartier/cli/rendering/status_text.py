"""Describe a status in sentences: link state, limits, district link, store, one line each (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from quartier.cli.rendering.output import format_age, format_count, format_number, format_size
from quartier.site.alarm_types import ENDED_PATTERN, format_alarm_name

_ENDED_SHOWN_COUNT = 3
_HALF_DAY_S = 43_200
_LINK_STATE_STYLE = {
    "CONTROLLED": "green",
    "AUTONOMOUS": "cyan",
    "HOLD": "yellow",
    "INIT": "yellow",
    "FAILSAFE": "red",
}
_VERDICT_STYLE = {"done": "green", "refused": "red", "unknown": "red", "expired": "yellow"}


def describe_gateway(facts: Mapping[str, Any]) -> Text:
    """Return which house this is, since when it runs, and what is odd about its clock."""
    return Text.assemble(
        (f"{facts['site']} of {facts['district']}", "bold"),
        f"   up {format_age(facts['uptime_s'])}, {facts['engine']} engine, boot {facts['boot']}",
        "" if facts["synced"] else ("   clock not synchronised", "yellow"),
        ("   simulated", "magenta") if facts["simulated"] else "",
    )


def describe_link_state(control: Mapping[str, Any]) -> Text:
    """Describe the link state, since when, and why."""
    name = control["mode"]
    return Text.assemble(
        (name, f"bold {_LINK_STATE_STYLE.get(name, '')}"),
        f" for {format_age(control['mode_age_s'])}: {control['why']}",
    )


def describe_stage(control: Mapping[str, Any]) -> Iterator[Text]:
    """Describe the stage of the failsafe and its rules, when not all is well."""
    if control["stage"] != "NORMAL":
        words = ", ".join(map(_describe_rule, control["rules"]))
        yield Text.assemble((control["stage"], "bold red"), f": {words}")


def _describe_rule(rule: Mapping[str, Any]) -> str:
    """Describe a rule; where its cause is over, say that its stage still holds and for how long."""
    if rule.get("ends_in_s") is None:
        return str(rule["words"])
    left = format_age(rule["ends_in_s"])
    return f"{rule['words']} (over; the stage ends in {left} if the cause does not come back)"


def describe_grid(control: Mapping[str, Any]) -> Text:
    """Return the power at the connection in words."""
    facts = control["grid"]
    flow = _format_flow(facts["power_w"], facts["unit"])
    return Text(f"grid {flow}, {facts['state']}, {format_age(facts['age_s'])} old")


def _format_flow(power: float | None, unit: str) -> str:
    if power is None:
        return "–"
    return f"{format_number(abs(power), unit)} {'import' if power >= 0 else 'export'}"


def describe_limits(control: Mapping[str, Any]) -> Iterator[Text]:
    """Yield each active limit and its source."""
    for direction, cap in control["caps"].items():
        yield Text(f"{direction} at most {format_number(cap['max_w'], 'W')}: {cap['whose']}")


def describe_supplies(control: Mapping[str, Any]) -> Iterator[Text]:
    """Describe each meter of the grid operator: load of the subscription, tariff, colours, relays."""
    for name, facts in control["supplies"].items():
        parts = [_describe_subscription(facts)]
        if facts["warned"]:
            parts.append(f"warns: {' and '.join(facts['warned'])}")
        if facts["cut_w"] is not None:
            parts.append(f"import cut to {format_number(facts['cut_w'], 'W')}")
        if facts["tariff_index"] is not None:
            parts.append(f"tariff {facts['tariff_index']}")
        parts += [f"{day} {facts[day]}" for day in ("today", "tomorrow") if facts[day]]
        if facts["mobile_peak"]:
            parts.append(f"mobile peak {facts['mobile_peak']}")
        if facts["relays"] is not None:
            parts.append(f"relays closed: {', '.join(map(str, facts['relays'])) or 'none'}")
        style = "red" if facts["warned"] else ""
        yield Text(f"supply {name} {', '.join(parts)}", style=style)


def _describe_subscription(facts: Mapping[str, Any]) -> str:
    if facts["subscribed_va"] is None:
        return "has not yet said what is subscribed"
    flows = "–" if facts["apparent_va"] is None else format_number(facts["apparent_va"], "VA")
    return f"{flows} of {format_number(facts['subscribed_va'], 'VA')} subscribed"


def describe_alarms(status: Mapping[str, Any]) -> Iterator[Text]:
    """Yield how many alarms are active, how many nobody has acknowledged, and the newest of these."""
    facts = status.get("alarms")
    if facts and (newest := facts["newest"]):
        by_wall_s = max(0, status["gateway"]["utc_ms"] - newest["since_utc_ms"]) / 1000
        since_s = newest.get("raised_age_s", by_wall_s)
        name = format_alarm_name(newest["code"], newest["of"])
        unseen = (
            f"{facts['unacknowledged_count']} not acknowledged, the newest of these {format_age(since_s)} ago"
        )
        yield Text(
            f"alarms: {facts['active_count']} active; {unseen}: {name} (quartier alarms)", style="bold red"
        )


def describe_driver_packages(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Name the drivers of third parties, and why one of them is refused."""
    for one in facts.get("driver_packages", ()):
        name = f"driver package {one['name']} {one['version']}"
        if one["refusal"]:
            yield Text.assemble((f"{name} is refused", "red"), f": {one['refusal']}")
        else:
            yield Text(f"{name}: {', '.join(one['protocols'])}")


def describe_troubles(status: Mapping[str, Any]) -> Iterator[Text]:
    """Contacts, alarms, refused orders, rules that act, damage found at start, what is disabled."""
    control = status["control"]
    for name, contact in control["contacts"].items():
        style = "yellow" if contact["acting"] else ""
        yield Text(f"contact {name} {contact['why']}, for {format_age(contact['age_s'])}", style=style)
    yield from _describe_standing_alarms(control["alarms"])
    for point, facts in status["written"].items():
        if facts["verdict"] == "refused":
            yield Text(f"refused: {point}: {facts['why'].removeprefix(f'{point}: ')}", style="red")
    for acted in control["acted"]:
        yield Text(f"acting: {acted}", style="yellow")
    for text in status["damaged"]:
        yield Text(f"damaged: {text}", style="yellow")
    for name, faults in status["disabled"].items():
        yield Text(f"disabled: {name}: {faults[0]}", style="red")


def _describe_standing_alarms(alarms: Sequence[str]) -> Iterator[Text]:
    """Yield each active alarm, then the newest ones whose cause has ended, and the number of the others."""
    active, ended = [], []
    for text in alarms:
        found = ENDED_PATTERN.search(text)
        if found is None:
            active.append(text)
        else:
            ended.append((_find_seconds(found[1]), text))
    for text in active:
        yield Text(f"alarm: {text}", style="red")
    if ended and max(ended)[0] - min(ended)[0] > _HALF_DAY_S:  # midnight lies between them
        ended = [(second + 2 * _HALF_DAY_S * (second < _HALF_DAY_S), text) for second, text in ended]
    ended.sort(key=lambda one: one[0], reverse=True)
    for _, text in ended[:_ENDED_SHOWN_COUNT]:
        yield Text(f"ended alarm: {text}", style="yellow")
    if (more := len(ended) - _ENDED_SHOWN_COUNT) > 0:
        yield Text(f"{format_count(more, 'more ended alarm')}: quartier alarms --all", style="yellow")


def _find_seconds(clock: str) -> int:
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def format_order(point: str, value: float | None) -> str:
    """Return a command's value with its unit."""
    quantity = point.rsplit("_", 1)[-1]
    if quantity == "on" and value is not None:
        return format_number(bool(value))
    return format_number(value, {"w": "W", "a": "A"}.get(quantity, ""))


def explain_asset(asset: Mapping[str, Any]) -> str:
    """Return why an asset has its order; a limit that holds back a request comes first."""
    override, command = asset.get("override"), asset.get("command")
    reason = str(command["reason"]) if command else ""
    if override is None or override.get("requested") is None:
        return reason
    requested = f"requested {format_order(override['point'], override['requested'])}, {override['words']}"
    if override["held_by"] is not None:
        return f"{override['held_by']['text']}; {requested}"
    return reason if command else f"{asset['state']}; {requested}"


def describe_override_effect(asset: Mapping[str, Any]) -> str:
    """Return what is ordered for a request, and the limit that holds it back; empty in maintenance."""
    override = asset["override"]
    if override["requested"] is None:
        return ""
    if override["done"] is None:
        return f"no order is written yet: {asset['state'].removeprefix('no order yet: ')}"
    ordered, requested = (format_order(override["point"], override[key]) for key in ("done", "requested"))
    if override["held_by"] is not None:
        return f"set to {ordered}, not {requested}: {override['held_by']['text']}"
    way = "on its way to" if override["ramps"] else "not yet"
    return f"set to {ordered}" + ("" if ordered == requested else f", {way} {requested}")


def describe_unread(asset: Mapping[str, Any]) -> str:
    """Return why the last order of a device is not known, and what follows; empty where it is known."""
    facts = asset.get("unread")
    if facts is None:
        return ""
    if facts["read_back"]:
        return f"{facts['point']} was not read yet: `quartier points {asset['name']}` shows why"
    return (
        f"its device does not show {facts['point']}: orders that reduce it are sent at once, orders that "
        "start or raise it wait until the limits leave room"
    )


def format_fallback(point: str, value: float | None, *, holds: bool) -> str:
    """Return what a device does by itself with a point when nobody writes it."""
    if holds:
        return "holds"
    return "own control" if value is None else format_order(point, value)


def describe_fallback(point: str, fallback: Mapping[str, Any] | None) -> str:
    """Return it with its time, and whether it was read back: ``0 W after 60 s, verified 3 h ago``."""
    if fallback is None:
        return "nothing"
    holds = bool(fallback.get("holds"))
    text = format_fallback(point, fallback["value"], holds=holds)
    if not holds:
        text += f" after {format_age(fallback['after_s'])}"
    words = {
        "verified": f"verified {format_age(fallback.get('age_s'))} ago",
        "armed": "armed, not proven",
        "declared": "by the manual",
        "different": "NOT as declared",
    }
    return ", ".join(filter(None, (text, words.get(fallback.get("state", "")))))


def describe_fallbacks(facts: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """Yield how many devices forget their orders by themselves, and each that would not."""
    by_state: dict[str, list[Mapping[str, Any]]] = {}
    for row in facts:
        by_state.setdefault(
            "accepted" if row["state"] == "none" and row["accepted"] else row["state"], []
        ).append(row)
    texts = {
        "verified": "verified",
        "armed": "armed, not proven",
        "declared": "by the manual",
        "unseen": "not looked at yet",
        "accepted": "accepted without",
    }
    counts = [f"{len(by_state[state])} {text}" for state, text in texts.items() if state in by_state]
    if counts:
        yield Text(f"fallbacks: {', '.join(counts)}")
    for row in by_state.get("different", ()):
        yield Text(f"fallback of {row['point']} is lost: {row['problem']}", style="red")
    for row in by_state.get("none", ()):
        yield Text(f"{row['asset']} is given no orders: {row['point']} has no fallback", style="yellow")


def describe_probes(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[Text]:
    """Yield what small steps proved of each asset that was ever probed, and when."""
    for found in facts.values():
        use = ", control reckons with it" if found["used"] else ""
        text = f"probed {format_age(found['age_s'])} ago: {found['sentence']}{use}"
        yield Text(text, style="" if found["is_good"] else "yellow")


def describe_probed_answer(probed: Mapping[str, Any] | None) -> str:
    """Return how a point's asset answered when it was probed; empty where it never was."""
    if probed is None:
        return ""
    late = "" if probed["delay_s"] is None else f" after {probed['delay_s']:.1f} s"
    ramp = f", {format_number(probed['ramp_w_per_s'], 'W/s')}" if probed["ramp_w_per_s"] else ""
    return f"{100 * probed['gain']:.0f} %{late}{ramp}"


def render_verdict(facts: Mapping[str, Any] | None) -> Text:
    """Return the outcome of a command in words."""
    verdict = "" if facts is None else facts["verdict"]
    return Text(verdict, style=_VERDICT_STYLE.get(verdict, ""))


def format_identity(device: Mapping[str, Any]) -> str:
    """Return maker, model and serial number, as far as the device states them."""
    facts = device["identity"]
    return " ".join(facts[key] for key in ("maker", "model", "serial") if facts.get(key))


def format_device_state(state: str) -> str:
    """Return the state of a device in words that need no glossary."""
    return "no answer, asked less often" if state == "set aside" else state


def explain_device(device: Mapping[str, Any], bus: Mapping[str, Any]) -> str:
    """Name a good device, or what is wrong with another; what its bus has said is not repeated."""
    if device["state"] == "good":
        return format_identity(device)
    return "" if not bus["online"] and device["why"] == bus["why"] else str(device["why"])


def format_slack(bus: Mapping[str, Any]) -> str:
    """Return the idle share of a bus; a dash while its line is down, when it has no time to spare."""
    slack_pct = bus["slack_pct"] if bus["online"] else None
    return "–" if slack_pct is None else f"{slack_pct:.0f} %"


def find_lateness(bus: Mapping[str, Any]) -> float | None:
    """Return by how much a bus was late, in s; None while its line is down, when nobody waits for it."""
    lateness_s: float | None = bus["lateness_s"] if bus["online"] else None
    return lateness_s


def describe_shares(buses: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """Yield who else uses a bus, and what came of what they asked."""
    for bus in buses:
        for share in bus.get("shares", ()):
            yield _describe_share(bus["name"], share)


def _describe_share(bus: str, share: Mapping[str, Any]) -> Text:
    head = f"share {share['name']} of {bus}"
    if not share["listens"]:
        return Text(f"{head} {share['why'] or 'is being opened'}", style="red" if share["why"] else "")
    counts = share["counts"]
    who = ", ".join(share["addresses"]) or "nobody"
    facts = [
        f"asked {format_count(counts['requests'], 'time')} ({format_number(counts['held'])} without the wire)"
    ]
    facts += [f"{format_number(counts[key])} {text}" for key, text in _SHARE_WORDS if counts[key]]
    if share["strangers"]:
        facts.append(f"{format_number(share['strangers'])} sent away as strangers, last {share['stranger']}")
    style = "yellow" if counts["refused_writes"] or share["strangers"] else ""
    return Text(f"{head} at {share['listen']}: {who}; {', '.join(facts)}", style=style)


_SHARE_WORDS = (
    ("writes", "written"),
    ("refused", "refused"),
    ("busy", "too many"),
    ("absent", "to a silent device"),
    ("unanswered", "not answered"),
    ("turned_away", "turned away, too many connections"),
)


def describe_district(link: Mapping[str, Any] | None) -> Text:
    """Return whether the district is there, or why not."""
    if link is None:
        return Text("no district in the site file: the site works alone")
    if link["data_on"] and link["control_on"]:
        beat_s = link["heartbeat_age_s"]
        beat = "no heartbeat yet" if beat_s is None else f"heartbeat {format_age(beat_s)} ago"
        late = ", catching up" if link["catching_up"] else ""
        where = f" to {link['server']}" if "server" in link else ""
        return Text.assemble("district ", ("connected", "green"), f"{where}, {link['phase']}, {beat}{late}")
    why = link["data_fault"] or link["control_fault"] or "connecting"
    return Text.assemble("district ", ("not connected", "red"), f": {why}")


def describe_store(facts: Mapping[str, Any]) -> Iterator[Text]:
    """Describe the history: size, what is missing, what waits, and what is wrong."""
    yield Text(
        f"history {format_size(facts['size_bytes'])}, {format_count(facts['commits_count'], 'commit')}, "
        f"{format_number(facts['pending_count'])} pending, {format_count(facts['gaps_count'], 'gap')}, "
        f"{format_count(facts['backlog_count'], 'sample')} not yet delivered"
    )
    lost = [
        f"{format_number(facts[f'{key}_count'])} {words}"
        for key, words in (
            ("evicted", "evicted to stay within the size"),
            ("dropped", "dropped"),
            ("commits_failed", "commits failed"),
            ("journal_failed", "writes of the journal failed"),
        )
        if facts.get(f"{key}_count")
    ]
    if lost:
        yield Text(f"history: {', '.join(lost)}", style="yellow")
    if facts.get("error"):
        yield Text(f"history: {facts['error']}", style="red")


def describe_cycles(facts: Mapping[str, Any]) -> Text:
    """Return how punctual the cycle is; 99.9 % of fewer than a thousand cycles says nothing."""
    is_known = facts["count"] >= _SHARE_FROM_CYCLES
    return Text.assemble(
        f"{format_count(facts['count'], 'cycle')}, ",
        (f"{format_number(facts['skipped_count'])} skipped", "yellow" if facts["skipped_count"] else ""),
        f", 99.9 % began within {facts['late_p999_s'] * 1e3:.3g} ms" if is_known else "",
    )


_SHARE_FROM_CYCLES = 1000
