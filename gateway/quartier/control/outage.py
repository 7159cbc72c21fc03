"""After an outage of the public grid: wait until it is well, then a random while, then rise slowly (pure).

What came back by itself with the voltage is not opened; only what is ours to raise waits.
"""

from dataclasses import dataclass
from random import Random

from quartier.control import gridrows
from quartier.house.records import replace

_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """``is_open``: an outage was, and is not yet over.

    ``well_ns``: since when the grid is well, ``rises_ns``: from when on the building rises, ``from_w``: what
    it took then, None until that is known.
    """

    is_open: bool = False
    well_ns: int | None = None
    rises_ns: int | None = None
    from_w: float | None = None


def begun() -> Outage:
    """The machine was without power."""
    return Outage(is_open=True)


def judged(before: Outage, seed: int, now_ns: int, *, gone: bool, well: bool) -> Outage:
    """One look: ``gone`` while there is no voltage, ``well`` when the grid is as it should be."""
    if gone:
        return Outage(is_open=True)
    if not before.is_open or (before.rises_ns is not None and now_ns >= before.rises_ns):
        return before
    if not well:
        return Outage(is_open=True)
    well_ns = now_ns if before.well_ns is None else before.well_ns
    rises_ns = before.rises_ns
    if rises_ns is None and now_ns - well_ns >= gridrows.OUTAGE_S * _S:
        # Spreading needs no secret; a seed makes it repeatable.
        wait_s = Random(f"{seed}:{now_ns}").random() * gridrows.SPREAD_S  # noqa: S311  see above
        rises_ns = now_ns + round(wait_s * _S)
    return replace(before, well_ns=well_ns, rises_ns=rises_ns)


def is_waiting(one: Outage, now_ns: int) -> bool:
    """Whether nothing is raised yet."""
    return one.is_open and (one.rises_ns is None or now_ns < one.rises_ns)


def risen(one: Outage, grid_w: float | None, contract_w: float, now_ns: int) -> Outage:
    """Take note of what the building takes as it begins to rise; over when it may take its contract."""
    if not one.is_open or is_waiting(one, now_ns):
        return one
    if one.from_w is None:
        return one if grid_w is None else replace(one, from_w=max(0.0, grid_w))
    ceiling = ceiling_w(one, contract_w, now_ns)
    return Outage() if ceiling is not None and ceiling >= contract_w else one


def ceiling_w(one: Outage, contract_w: float, now_ns: int) -> float | None:
    """Up to which import something may be raised now, in W; None: no outage limits it."""
    if not one.is_open:
        return None
    if one.from_w is None or one.rises_ns is None:
        return 0.0
    passed_min = (now_ns - one.rises_ns) / _S / 60.0
    return one.from_w + gridrows.OUTAGE_RAMP_PER_MIN * contract_w * passed_min
