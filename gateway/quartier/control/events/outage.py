"""After an outage of the public grid: wait until it is stable, wait at random, then rise slowly (pure).

What came back by itself with the voltage stays on; only what the gateway raises waits.
"""

from dataclasses import dataclass
from random import Random

from quartier.control.events import rows
from quartier.site.records import replace

_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRecovery:
    """The recovery from an outage; ``is_open``: there was an outage, and it is not yet over.

    ``normal_ns``: since when the grid is normal. ``rises_ns``: when the building begins to rise. ``from_w``:
    its import then, None until that is known.
    """

    is_open: bool = False
    normal_ns: int | None = None
    rises_ns: int | None = None
    from_w: float | None = None


def begin_recovery() -> OutageRecovery:
    """Return the recovery of a machine that was without power."""
    return OutageRecovery(is_open=True)


def update_recovery(
    before: OutageRecovery, seed: int, now_ns: int, *, gone: bool, well: bool
) -> OutageRecovery:
    """Advance the recovery: ``gone`` while there is no voltage, ``well`` while the grid is normal."""
    if gone:
        return OutageRecovery(is_open=True)
    if not before.is_open or (before.rises_ns is not None and now_ns >= before.rises_ns):
        return before
    if not well:
        return OutageRecovery(is_open=True)
    well_ns = now_ns if before.normal_ns is None else before.normal_ns
    rises_ns = before.rises_ns
    if rises_ns is None and now_ns - well_ns >= rows.OUTAGE_S * _S:
        # Spreading needs no secret; a seed makes it repeatable.
        wait_s = Random(f"{seed}:{now_ns}").random() * rows.RELEASE_SPREAD_S  # noqa: S311  see above
        rises_ns = now_ns + round(wait_s * _S)
    return replace(before, normal_ns=well_ns, rises_ns=rises_ns)


def is_waiting(one: OutageRecovery, now_ns: int) -> bool:
    """Return whether nothing may be raised yet."""
    return one.is_open and (one.rises_ns is None or now_ns < one.rises_ns)


def note_rise(one: OutageRecovery, grid_w: float | None, contract_w: float, now_ns: int) -> OutageRecovery:
    """Record the import when the building begins to rise; end the recovery at the contract power."""
    if not one.is_open or is_waiting(one, now_ns):
        return one
    if one.from_w is None:
        return one if grid_w is None else replace(one, from_w=max(0.0, grid_w))
    ceiling = find_import_ceiling_w(one, contract_w, now_ns)
    return OutageRecovery() if ceiling is not None and ceiling >= contract_w else one


def find_import_ceiling_w(one: OutageRecovery, contract_w: float, now_ns: int) -> float | None:
    """Return the import up to which something may be raised now, in W; None: no outage limits it."""
    if not one.is_open:
        return None
    if one.from_w is None or one.rises_ns is None:
        return 0.0
    passed_min = (now_ns - one.rises_ns) / _S / 60.0
    return one.from_w + rows.OUTAGE_RAMP_PER_MIN * contract_w * passed_min
