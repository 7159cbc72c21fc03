"""What probes found: kept in the state directory, two copies, and used by control (delay and ramp)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.control.observe.meter_check.steps import GAIN_MAX, GAIN_MIN
from quartier.house.assets import Battery, House
from quartier.runtime import statefile

FILE = "probes"
DELAY_MAX_S = 25.0
"""Beyond this control keeps no past to compare with."""
GAINS = (0.5, 1.6)
"""An asset whose measured gain is between these follows its orders."""


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
    point: str = ""
    delay_s: float | None = None
    lag_s: float | None = None
    ramp_w_per_s: float = 0.0
    gain: float = 0.0
    grid_gain: float = 0.0
    phases: str = ""
    serial: str = ""


def known(house: House, probes: Mapping[str, Probed]) -> House:
    """The house with the response of each battery that a probe proved to answer, and the grid to show it."""
    return replace(
        house,
        assets=tuple(
            _responding(one, probes.get(one.name)) if isinstance(one, Battery) else one
            for one in house.assets
        ),
    )


def _responding(battery: Battery, found: Probed | None) -> Battery:
    if found is None or found.delay_s is None or found.lag_s is None:
        return battery
    if max(found.delay_s, abs(found.lag_s)) > DELAY_MAX_S:
        return battery
    if not GAINS[0] < found.gain < GAINS[1]:
        return battery
    if not GAIN_MIN <= found.grid_gain / found.gain <= GAIN_MAX:  # the meter does not show it rightly
        return battery
    ramp_w = found.ramp_w_per_s or battery.ramp_max_w_per_s
    return replace(
        battery,
        delay_s=found.delay_s,
        lag_s=found.lag_s,
        response_w_per_s=found.ramp_w_per_s,
        ramp_max_w_per_s=min(battery.ramp_max_w_per_s, ramp_w),
    )


def shown(probes: Mapping[str, Probed], house: House, utc_ms: int) -> dict[str, Any]:
    """What people see of the assets of ``house``, JSON-ready; ``used``: control steers by it."""
    used = {one.name for one in house.assets if isinstance(one, Battery) and one.delay_s is not None}
    return {
        asset.name: {
            **asdict(probes[asset.name]),
            "age_s": round((utc_ms - probes[asset.name].when_utc_ms) / 1000, 1),
            "used": asset.name in used,
        }
        for asset in house.assets
        if asset.name in probes
    }


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
    sound = sound and one.ramp_w_per_s >= 0 and (one.delay_s is None or one.delay_s >= 0)
    return one if sound else None
