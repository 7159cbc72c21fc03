"""Minimum times and sheds outlive a restart: who was switched when, by the wall clock.

A compressor does not know that the gateway was restarted.  Where nobody can tell how long that took, every
time begins anew: it is kept longer than it need be, never shorter.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from quartier.control.shed import Turn
from quartier.house.assets import House, Moded
from quartier.house.now import Now

_NS_PER_MS = 1_000_000
_COUNT_MAX = 256


def kept(turns: Mapping[str, Turn], now: Now) -> dict[str, Any]:
    """JSON-ready, by asset, of those that were ever switched: the same until one is switched again."""
    return {name: _facts(turn, now) for name, turn in turns.items() if turn.since_ns is not None}


def _facts(turn: Turn, now: Now) -> dict[str, Any]:
    def utc_ms(then_ns: int) -> int:
        # Whole seconds: the wall clock drifts against ours, and a file is not worth writing for that.  The
        # next one, so that no time is over early.
        return -(-(now.utc_ms - (now.ns - then_ns) // _NS_PER_MS) // 1000) * 1000

    assert turn.since_ns is not None
    return {
        "on": turn.on,
        "since_utc_ms": utc_ms(turn.since_ns),
        "sheds_utc_ms": [utc_ms(then) for then in turn.sheds_ns],
        "turns_utc_ms": [utc_ms(then) for then in turn.turns_ns],
        "before_w": turn.before_w,
        "mode": turn.mode,
        "is_held": turn.is_held,
    }


def recalled(house: House, facts: object, now: Now, *, dark: bool = False) -> dict[str, Turn]:
    """The turns of assets that are still there; what is no such fact is left out.

    ``dark``: the power was gone meanwhile, so that what was wanted above normal is no longer (failsafe.md
    section 1, rule 6); what a cap had lowered stays so.
    """
    if not isinstance(facts, Mapping):
        return {}
    found = {}
    for asset in house.assets:
        known = facts.get(asset.name)
        if isinstance(known, Mapping):
            try:
                found[asset.name] = _turn(asset, known, now, dark=dark)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return found


def _turn(asset: object, known: Mapping[str, Any], now: Now, *, dark: bool) -> Turn:
    mode = known["mode"]
    if mode is not None:
        mode = int(mode)
        if not isinstance(asset, Moded) or not 0 <= mode < len(asset.modes):
            raise ValueError("a mode that it does not have")
        mode = max(mode, asset.normal) if dark else mode
    before_w = float(known["before_w"])
    if not isfinite(before_w):
        raise ValueError("a power that is no number")
    return Turn(
        on=bool(known["on"]),
        since_ns=_ns(known["since_utc_ms"], now),
        before_w=before_w,
        sheds_ns=tuple(_ns(then, now) for then in known["sheds_utc_ms"][-_COUNT_MAX:]),
        mode=mode,
        is_held=bool(known["is_held"]),
        turns_ns=tuple(_ns(then, now) for then in known["turns_utc_ms"][-_COUNT_MAX:]),
    )


def _ns(then_utc_ms: Any, now: Now) -> int:
    ago_ms = now.utc_ms - int(then_utc_ms)
    return now.ns - ago_ms * _NS_PER_MS if now.synced and ago_ms >= 0 else now.ns
