"""What probes found: kept in the state directory, two copies, and used by control (delay and ramp)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.runtime import statefile

FILE = "probes"
DELAY_MAX_S = 120.0
"""Beyond this nothing was measured that control could use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One asset as it was found.

    ``lag_s`` is how much later than the asset's own the grid meter shows a change.  ``ramp_w_per_s`` 0:
    faster than could be seen.  ``phases`` as ``l2`` or ``l1 l2 l3``; gains are seen over asked for.
    ``is_good``: nothing stood in the way of steering it.
    """

    when_utc_ms: int
    is_good: bool
    sentence: str
    delay_s: float | None = None
    lag_s: float | None = None
    ramp_w_per_s: float = 0.0
    gain: float = 0.0
    grid_gain: float = 0.0
    phases: str = ""
    serial: str = ""


def recalled(state_dir: Path) -> dict[str, Probed]:
    """Every asset's last probe; what cannot be read is left out."""
    found: dict[str, Probed] = {}
    for name, facts in (statefile.load(state_dir / FILE) or {}).items():
        one = _probed(facts)
        if one is not None:
            found[name] = one
    return found


def keep(state_dir: Path, name: str, one: Probed) -> None:
    """Add or replace an asset's probe.  Raises OSError."""
    facts = statefile.load(state_dir / FILE) or {}
    statefile.save(state_dir / FILE, {**facts, name: asdict(one)}, twice=True)


def _probed(facts: Any) -> Probed | None:
    if not isinstance(facts, Mapping):
        return None
    names = {one.name for one in fields(Probed)}
    try:
        one = Probed(**{key: value for key, value in facts.items() if key in names})
    except TypeError:
        return None
    numbers = (one.when_utc_ms, one.delay_s, one.lag_s, one.ramp_w_per_s, one.gain, one.grid_gain)
    sound = all(value is None or (isinstance(value, int | float) and isfinite(value)) for value in numbers)
    sound = sound and one.ramp_w_per_s >= 0 and (one.delay_s is None or 0 <= one.delay_s <= DELAY_MAX_S)
    return one if sound and (one.lag_s is None or abs(one.lag_s) <= DELAY_MAX_S) else None
