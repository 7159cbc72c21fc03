"""Signals of the district to all buildings: price, CO2, level, alert; and the effect of a level (pure).

``price`` and ``co2`` are for a planner, ``alert`` for people: these move nothing here. ``level`` is OpenADR's
SIMPLE: the tiers of a shed *without forcing* (spec/failsafe.md#shed-levels). A level gives way to people, to
schedules, to minimum times and to what each asset class protects. A charge point goes to its floor and does
not pause. An operation-mode asset goes as far down as its class allows. A CHP is not asked to run for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from quartier.control.orders import timeline
from quartier.control.participants import is_controllable
from quartier.control.records import Override, Overrides
from quartier.control.requests import Signal, SignalInterval
from quartier.site.asset_types import ChargePointAsset, ControllableAsset, Load, OperationModeAsset
from quartier.site.records import Now
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin

LEVEL_TIERS: Mapping[int, str] = {0: "", 1: "D", 2: "CD", 3: "BCD"}
LEVEL_SPREAD_S = 300.0
"""A level ends up to this much later, drawn by building, so that not all buildings return at once."""
_STANDS_S = 60

Signals = Mapping[str, Signal]
"""Signals by kind."""


def accept_signal(signals: Signals, signal: Signal, now: Now) -> Signals:
    """Accept a signal if it is the newest of its kind; an older one changes nothing."""
    held = signals.get(signal.kind)
    is_old = held is not None and signal.seq <= held.seq and not now.rejects_future(held.seq)
    return signals if is_old else {**signals, signal.kind: signal}


def drop_expired_signals(signals: Signals, utc_ms: int) -> Signals:
    """Return the signals that have not expired."""
    if all(utc_ms < one.exp_utc_ms for one in signals.values()):
        return signals
    return {kind: one for kind, one in signals.items() if utc_ms < one.exp_utc_ms}


def find_signal_now(
    signal: Signal, utc_ms: int, lost_ms: int | None = None
) -> tuple[SignalInterval, int] | None:
    """Return its present content, and until when; None in a gap, before its time and after it."""
    if utc_ms < signal.nbf_utc_ms:
        return None
    return timeline.find_running_span(signal.start_utc_ms, signal.exp_utc_ms, signal.spans, utc_ms, lost_ms)


def find_signalled_level(signals: Signals, utc_ms: int, lost_ms: int | None = None) -> int:
    """Return the level signalled now, 0..3; 0 if there is none."""
    signal = signals.get("level")
    found = None if signal is None else find_signal_now(signal, utc_ms, lost_ms)
    return 0 if found is None else int(found[0].values["level"])


@dataclass(frozen=True, slots=True)
class LevelInForce:
    """The level in force, when it was last signalled (monotonic), and by which signal."""

    level: int = 0
    signal_ns: int = 0
    id: str = ""
    seq: int = 0


def update_level(
    before: LevelInForce, signals: Signals, signalled: int, seed: int, now_ns: int
) -> LevelInForce:
    """Return the level in force: a higher one at once, a lower one up to 300 s later, drawn from ``seed``."""
    if signalled < before.level:
        # Spreading needs no secret; a seed makes it repeatable.
        late_s = Random(f"{seed}:{before.signal_ns}").random() * LEVEL_SPREAD_S  # noqa: S311  see above
        if now_ns - before.signal_ns < late_s * 1e9:
            return before
    signal = signals.get("level")
    return (
        LevelInForce(signalled, now_ns)
        if signal is None
        else LevelInForce(signalled, now_ns, signal.id, signal.seq)
    )


def find_level_orders(at: LevelInForce, site: Site, now: Now, utc_ms: int) -> Overrides:
    """Return the orders of the level in force, as overrides that everything else outranks."""
    if not at.level:
        return {}
    who = Origin("document", f"signal level {at.level}", at.id, at.seq)
    until_ns, until_utc_ms = now.ns + _STANDS_S * 1_000_000_000, utc_ms + _STANDS_S * 1000
    eased = _iterate_level_orders(site, LEVEL_TIERS[at.level])
    return {asset.name: Override(asset.name, value, until_ns, until_utc_ms, who) for asset, value in eased}


def _iterate_level_orders(site: Site, tiers: str) -> Iterator[tuple[ControllableAsset, float]]:
    for asset in site.assets:
        if asset.tier not in tiers:
            continue
        if isinstance(asset, ChargePointAsset) and is_controllable(asset):
            yield asset, asset.current_min_a
        elif isinstance(asset, Load) and is_controllable(asset):
            yield asset, 0.0
        elif isinstance(asset, OperationModeAsset) and asset.modes[-1].power_w >= 0:
            yield asset, float(len(asset.modes) - 1)


def only_tightens(signals: Signals, signal: Signal, utc_ms: int) -> bool:
    """Return whether a signal is a level never below the one signalled now: it may act in doubt too."""
    if signal.kind != "level":
        return False
    least = min(int(span.values["level"]) for span in signal.spans)
    return least >= find_signalled_level(signals, utc_ms)


def render_signals(signals: Signals, utc_ms: int, lost_ms: int | None = None) -> dict[str, Any]:
    """Render the signals for people, JSON-ready: present content, its end, and the end of the signal."""
    return {kind: _render_signal(one, utc_ms, lost_ms) for kind, one in sorted(signals.items())}


def _render_signal(signal: Signal, utc_ms: int, lost_ms: int | None) -> dict[str, Any]:
    found = find_signal_now(signal, utc_ms, lost_ms)
    values, until_ms = ({}, None) if found is None else (dict(found[0].values), found[1])
    return {"id": signal.id, **values, "until_utc_ms": until_ms, "exp_utc_ms": signal.exp_utc_ms}


def dump_signals(signals: Signals) -> list[dict[str, Any]]:
    """Return the signals as JSON-ready data."""
    return [asdict(signal) for signal in signals.values()]


def load_signals(data: object) -> Signals:
    """Load the result of ``dump_signals``; broken entries are left out."""
    found: dict[str, Signal] = {}
    for kept in data if isinstance(data, list) else []:
        try:
            spans = tuple(
                SignalInterval(float(one["duration_s"]), dict(one["values"])) for one in kept["spans"]
            )
            signal = Signal(**{**kept, "spans": spans})
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        found[signal.kind] = signal
    return found
