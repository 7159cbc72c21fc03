"""The grid operator's meter as a source of limits: subscribed power and warnings (pure).

Source: spec/failsafe.md#section-5. Subscribed power is apparent power; control moves active power. While both
are measured, their ratio over five minutes says how many W fit into it; else 0.9 W per VA.

A warning of the meter cuts the limit at once below the present power, and further every 10 s until the
warning ends. This works also before the meter reported the subscribed power. A value that is no longer read
neither raises a limit nor ends a warning, whatever another meter measures meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import exp, floor, inf
from typing import Any

from quartier.control.observe import observations
from quartier.control.observe.observations import LastGood, LastGoodValues
from quartier.control.reason import Reason, make_reason
from quartier.control.records import PowerLimits
from quartier.site.alarm_types import Alarm
from quartier.site.records import replace
from quartier.site.site_layout import MOBILE_PEAKS, SUPPLY_RELAYS, Site, SupplyMeter
from quartier_drivers.contract import Origin

ALARM_SHARE, CALM_SHARE = 0.95, 0.9
W_PER_VA, W_PER_VA_MIN = 0.9, 0.7
W_PER_VA_STEP = 0.05
LOADED_SHARE = 0.3
"""Below this share of the subscribed power the ratio of W to VA is not representative near the limit."""
SUPPLY_MEAN_S = 300.0
CUT_EVERY_S = 10.0
CUT_SHARE = 0.05
VA_PER_A = 200.0
"""The VA per A of a French contract in amperes, per phase: 30 A are 6 kVA."""
SUPPLY_GONE_S = 600.0
"""A current older than the rest by this time, in s, is no longer one of the meter's phases."""

SUBSCRIBED_VA, SUBSCRIBED_A, CUT_OFF_VA = "subscribed_power_va", "subscribed_current_a", "cut_off_power_va"
APPARENT_VA, THREE_PHASES = "apparent_power_va", "current_l2_a"
WARNINGS = {"over_current_on": "over-current", "over_power_on": "over-power"}
"""Points that warn, and their texts."""
COLOURED_TARIFFS = ("colour_state", "colour_index")
"""How the two modes of a meter report a Tempo colour: in the status word, or in a label of its own."""
NOTICES = ("peak_notice_s", "peak_notice_state")
"""How the two modes of a meter announce a mobile peak that is about to begin."""
PEAK, DATED = "peak_state", tuple(f"{peak}_begin_in_s" for peak in MOBILE_PEAKS)
"""Whether a mobile peak runs, and the time until those announced by date."""
COLOURS = {1: "blue", 2: "white", 3: "red"}
_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyState:
    """The state of one supply meter: its power, its ratio and its warnings.

    ``subscribed_va``: None until the meter reported it. ``apparent_va``: None while it is not known.
    ``w_per_va`` is the ratio in use; ``mean_w`` and ``mean_va`` are its means. ``warned``: texts of the
    active warnings; ``calm_ns``: since when there is none.

    ``cut_w``: the limit that answers the warnings. ``is_blind``: this limit was set without knowing the
    present power. ``is_meters``: it answers a warning of the meter itself, and then only that meter ends it.
    ``is_own``: this meter is the one that measures the present power.
    """

    subscribed_va: float | None = None
    apparent_va: float | None = None
    w_per_va: float = W_PER_VA
    mean_w: float | None = None
    mean_va: float = 0.0
    mean_s: float = 0.0
    warned: tuple[str, ...] = ()
    calm_ns: int | None = None
    cut_w: float | None = None
    cut_ns: int = 0
    is_blind: bool = False
    is_meters: bool = False
    is_own: bool = False
    is_near: bool = False


def update_supplies(
    site: Site,
    before: Mapping[str, SupplyState],
    last_good: LastGoodValues,
    grid: LastGood | None,
    dt_s: float,
    now_ns: int,
) -> dict[str, SupplyState]:
    """Update every supply of a site; ``grid`` is the import now, None while it is not known."""
    measured_va = observations.find_fresh_value(
        last_good, f"{site.grid.name}.{APPARENT_VA}", site.grid.period_s, now_ns
    )
    found = {}
    for supply in site.supplies:
        supply_va = observations.find_fresh_value(
            last_good, f"{supply.name}.{APPARENT_VA}", supply.period_s, now_ns
        )
        apparent_va = measured_va if supply_va is None else supply_va
        if apparent_va is not None and grid is not None and grid.value < 0 and not supply.is_grid:
            apparent_va = 0.0  # VA have no sign, and export is not drawn
        load = replace(before.get(supply.name, SupplyState()), apparent_va=apparent_va, is_own=supply.is_grid)
        default_subscribed_va = site.limits.import_hard_w / W_PER_VA
        found[supply.name] = _update_supply(
            supply, load, last_good, default_subscribed_va, grid, dt_s, now_ns
        )
    return found


def _update_supply(
    supply: SupplyMeter,
    load: SupplyState,
    last_good: LastGoodValues,
    default_subscribed_va: float,
    grid: LastGood | None,
    dt_s: float,
    now_ns: int,
) -> SupplyState:
    """Update one supply.

    ``default_subscribed_va`` is used if the meter warns before it reported the subscribed power.
    """
    subscribed_va = _find_subscribed_va(supply, last_good) or load.subscribed_va
    if subscribed_va is not None:
        load = _update_ratio(replace(load, subscribed_va=subscribed_va), subscribed_va, grid, dt_s)
    warnings = {
        words: observations.find_fresh_value(last_good, f"{supply.name}.{name}", supply.period_s, now_ns)
        for name, words in WARNINGS.items()
    }
    warned = [words for words, value in warnings.items() if value]
    is_heard = any(value is not None for value in warnings.values())
    load = replace(load, is_meters=bool(warned) or (load.is_meters and load.cut_w is not None))
    share = None if subscribed_va is None else _share(load, subscribed_va, grid)
    if share is not None:
        load = replace(load, is_near=share >= (CALM_SHARE if load.is_near else ALARM_SHARE))
        if share > 1.0 and load.apparent_va is not None:
            warned.append("more than subscribed")
    if warned:
        return _cut(load, tuple(warned), subscribed_va or default_subscribed_va, grid, now_ns)
    if not is_heard and (load.apparent_va is None or load.is_meters):
        return replace(load, calm_ns=None)  # not known: the limit stays, and the time of calm does not run
    calm_ns = now_ns if load.calm_ns is None else load.calm_ns
    is_over = now_ns - calm_ns >= supply.release_s * _S
    return replace(load, warned=(), calm_ns=calm_ns, cut_w=None if is_over else load.cut_w)


def _share(load: SupplyState, subscribed_va: float, grid: LastGood | None) -> float | None:
    """Return the share of the subscribed power that is drawn, by VA if measured, else by W."""
    if load.apparent_va is not None:
        return load.apparent_va / subscribed_va
    return None if grid is None else grid.value / (load.w_per_va * subscribed_va)


def _find_subscribed_va(supply: SupplyMeter, last_good: LastGoodValues) -> float | None:
    """Return the smallest subscribed power last reported, in VA.

    A meter whose mode changed since may report it in amperes. It is a contract, so its age does not matter.
    """

    def find_last_good(name: str) -> LastGood | None:
        memory = last_good.get(f"{supply.name}.{name}")
        return None if memory is None or memory.value <= 0 else memory

    powers = [memory for name in (SUBSCRIBED_VA, CUT_OFF_VA) if (memory := find_last_good(name)) is not None]
    amperes = find_last_good(SUBSCRIBED_A)
    if amperes is not None and all(amperes.taken_ns > power.taken_ns for power in powers):
        phases = 1 if _is_gone(find_last_good(THREE_PHASES), amperes) else 3
        return amperes.value * VA_PER_A * phases
    return min((power.value for power in powers), default=None)


def _is_gone(memory: LastGood | None, newest: LastGood) -> bool:
    """Return whether the meter no longer reports it; one noisy frame after a long silence is no proof."""
    return memory is None or (newest.taken_ns - memory.taken_ns) / _S > SUPPLY_GONE_S


def _update_ratio(load: SupplyState, subscribed_va: float, grid: LastGood | None, dt_s: float) -> SupplyState:
    """Update the W per VA from long means, because the two meters are never read at the same moment."""
    if load.apparent_va is not None and grid is not None and grid.value <= 0:
        return load
    if load.apparent_va is None or grid is None:
        return replace(load, w_per_va=min(load.w_per_va, W_PER_VA), mean_w=None, mean_s=0.0)
    if load.mean_w is None:
        return replace(load, mean_w=grid.value, mean_va=load.apparent_va, mean_s=0.0)
    part = 1.0 - exp(-dt_s / SUPPLY_MEAN_S)
    mean_w = load.mean_w + part * (grid.value - load.mean_w)
    mean_va = load.mean_va + part * (load.apparent_va - load.mean_va)
    w_per_va = load.w_per_va
    if load.mean_s >= SUPPLY_MEAN_S and mean_va >= LOADED_SHARE * subscribed_va:
        ratio = min(1.0, max(W_PER_VA_MIN, mean_w / mean_va))
        if not -0.5 <= (ratio - w_per_va) / W_PER_VA_STEP < 1.5:
            w_per_va = round(floor(ratio / W_PER_VA_STEP + 1e-9) * W_PER_VA_STEP, 2)
    return replace(load, mean_w=mean_w, mean_va=mean_va, mean_s=load.mean_s + dt_s, w_per_va=w_per_va)


def _cut(
    load: SupplyState, warned: tuple[str, ...], subscribed_va: float, grid: LastGood | None, now_ns: int
) -> SupplyState:
    """Set the limit below the present power; again after 10 s if the warning did not end.

    ``grid`` is None while the present power is not known. A meter that measures the power itself reports it
    only after its warning. So the first cut does not trust the power from before, and the next cut follows
    with the new value.
    """
    is_read_after_cut = load.is_blind and grid is not None and grid.taken_ns > load.cut_ns
    if load.warned and not is_read_after_cut and now_ns - load.cut_ns < CUT_EVERY_S * _S:
        return replace(load, warned=warned, calm_ns=None)
    most_w = subscribed_va * load.w_per_va if load.cut_w is None else load.cut_w
    flows_w = most_w if grid is None else grid.value
    is_blind = load.is_own and load.cut_w is None
    if is_blind:
        flows_w = max(flows_w, W_PER_VA_MIN * subscribed_va)
    excess_va = 0.0 if load.apparent_va is None else max(0.0, load.apparent_va - subscribed_va)
    cut_w = max(0.0, min(most_w, flows_w - excess_va - CUT_SHARE * subscribed_va))
    return replace(load, warned=warned, calm_ns=None, cut_w=cut_w, cut_ns=now_ns, is_blind=is_blind)


def dump_supplies(loads: Mapping[str, SupplyState]) -> dict[str, float]:
    """Return the subscribed power in VA by name, JSON-ready: a restart raises no silent meter's limit."""
    return {name: load.subscribed_va for name, load in loads.items() if load.subscribed_va is not None}


def load_supplies(supplies: Iterable[SupplyMeter], facts: object) -> dict[str, SupplyState]:
    """Load the result of ``dump_supplies`` after a restart, until each meter is read; skip invalid values."""
    known = facts if isinstance(facts, Mapping) else {}
    stored = {supply.name: known.get(supply.name) for supply in supplies}
    return {
        name: SupplyState(subscribed_va=float(value))
        for name, value in stored.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 < value < observations.ABSURD_W
    }


def find_supply_limits(loads: Mapping[str, SupplyState]) -> Iterator[tuple[Reason, PowerLimits]]:
    """Yield the import limits of each meter, with their reasons."""
    for name, load in loads.items():
        if load.subscribed_va is not None:
            kva = load.subscribed_va / 1000
            reason = make_reason("supply.subscribed", _who(name), supply=name, subscribed_kva=kva)
            yield reason, PowerLimits(load.subscribed_va * load.w_per_va, inf)
        if load.cut_w is not None:
            reason = make_reason("supply.warned", _who(name), supply=name)
            if load.warned:
                reason = make_reason(
                    "supply.warns", _who(name), supply=name, warnings=" and ".join(load.warned)
                )
            yield reason, PowerLimits(load.cut_w, inf)


def _who(name: str) -> Origin:
    return Origin("grid", f"meter {name}")


def _kva(load: SupplyState) -> str:
    return "what is" if load.subscribed_va is None else f"{load.subscribed_va / 1000:g} kVA"


def _allow(load: SupplyState) -> str:
    return "allows" if load.subscribed_va is None else "allow"


def find_supply_alarms(loads: Mapping[str, SupplyState]) -> list[Alarm]:
    """Return the alarms: warnings, and an apparent power close to the subscribed power."""
    found = []
    for name, load in loads.items():
        if load.warned or load.cut_w is not None:
            words = f"{name} warns, or did until now: more flows than {_kva(load)} subscribed {_allow(load)}"
            found.append(Alarm("supply.warns", name, words))
        elif load.is_near:
            words = f"{name}: more than {ALARM_SHARE:.0%} of {_kva(load)} subscribed is drawn"
            found.append(Alarm("supply.near", name, words))
    return found


def render_supplies(
    supplies: Iterable[SupplyMeter], loads: Mapping[str, SupplyState], last_good: LastGoodValues, now_ns: int
) -> dict[str, Any]:
    """Render for people, JSON-ready: power, limit, warnings, tariff, colours and closed relays by name."""
    return {
        supply.name: _render_supply(supply, loads.get(supply.name, SupplyState()), last_good, now_ns)
        for supply in supplies
    }


def _render_supply(
    supply: SupplyMeter, load: SupplyState, last_good: LastGoodValues, now_ns: int
) -> dict[str, Any]:
    def fresh(quantity: str) -> float | None:
        return observations.find_fresh_value(last_good, f"{supply.name}.{quantity}", supply.period_s, now_ns)

    def colour(day: str) -> str:
        states = (fresh(f"{day}_{name}") for name in COLOURED_TARIFFS)
        return next((COLOURS[int(one)] for one in states if one in COLOURS), "")

    is_announced = any((fresh(name) or 0.0) > 0.0 for name in (*NOTICES, *DATED))
    peak = "runs" if fresh(PEAK) else "announced" if is_announced else ""
    tariff = fresh("tariff_index")
    relays = [fresh(name) for name in SUPPLY_RELAYS]
    return {
        "subscribed_va": load.subscribed_va,
        "apparent_va": load.apparent_va,
        "w_per_va": load.w_per_va,
        "warned": list(load.warned),
        "cut_w": None if load.cut_w is None else round(load.cut_w, 1),
        "tariff_index": None if tariff is None else int(tariff),
        "today": colour("today"),
        "tomorrow": colour("tomorrow"),
        "mobile_peak": peak,
        "relays": None
        if all(relay is None for relay in relays)
        else [number for number, relay in enumerate(relays) if relay],
    }
