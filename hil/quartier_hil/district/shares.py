"""Divide the transformer's power into caps, so that their sum never exceeds its limit (pure).

There are three results: the cap of each building by a plan (``caps``), the cap that may be sent now while
others may still hold older ones (``granted``), and the cap that no silence can break (``static``).
"""

from collections.abc import Mapping, Sequence

Series = tuple[float, ...]
# Below this many W two rounds of sharing are the same.
_LEAST_W = 0.01


def static(wanted_w: Mapping[str, float], limit_w: float) -> dict[str, float]:
    """Fail-safe shares that fit under a limit: as they are, or all made smaller alike."""
    total_w = sum(wanted_w.values())
    scale = 1.0 if total_w <= limit_w else limit_w / total_w
    return {name: watts * scale for name, watts in wanted_w.items()}


def caps(planned_w: Mapping[str, float], contract_w: Mapping[str, float], limit_w: float) -> dict[str, float]:
    """Caps of one step: what is planned, and what is left over dealt out by contract.

    Where the plans alone pass the limit, all are made smaller alike: then the buildings shed.
    """
    found = static({name: min(planned_w[name], contract_w[name]) for name in contract_w}, limit_w)
    left_w = limit_w - sum(found.values())
    open_ones = {name for name in found if contract_w[name] - found[name] > _LEAST_W}
    while left_w > _LEAST_W and open_ones:
        weight = sum(contract_w[name] for name in open_ones)
        dealt_w = 0.0
        for name in sorted(open_ones):
            more_w = min(left_w * contract_w[name] / weight, contract_w[name] - found[name])
            found[name] += more_w
            dealt_w += more_w
        left_w -= dealt_w
        open_ones = {name for name in open_ones if contract_w[name] - found[name] > _LEAST_W}
    return found


def granted(
    wanted_w: Mapping[str, Series], may_hold_w: Mapping[str, Series], limit_w: Sequence[float]
) -> dict[str, Series]:
    """Return the cap to send to each building now, step by step.

    ``may_hold_w`` is the highest cap that a building may be following, of all that was sent and not taken
    back. A lower cap is sent at once; a higher one only as far as the limit has room
    for the caps that the others may still hold.
    """
    names = sorted(wanted_w)
    told: dict[str, list[float]] = {name: [] for name in names}
    for step, most_w in enumerate(limit_w):
        room_w = max(most_w - sum(series[step] for series in may_hold_w.values()), 0.0)
        more_w = {name: max(wanted_w[name][step] - may_hold_w[name][step], 0.0) for name in names}
        total_w = sum(more_w.values())
        part = 1.0 if total_w <= room_w else room_w / total_w
        for name in names:
            told[name].append(min(wanted_w[name][step], may_hold_w[name][step]) + more_w[name] * part)
    return {name: tuple(series) for name, series in told.items()}
