"""Results of probes, and the site with the measured delay and ramp (pure)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from quartier.control.observe.meter_check.steps import GAIN_MAX, GAIN_MIN
from quartier.site.asset_types import Battery
from quartier.site.site_layout import Site

PROBE_DELAY_MAX_S = 25.0
"""Control keeps no history to compare with beyond this delay."""


TRUSTED_GAINS = (0.5, 1.6)
"""An asset with a measured gain between these follows its orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Result of the probe of one asset.

    ``lag_s`` is how much later than the asset's own meter the grid meter shows a change. ``ramp_w_per_s`` 0:
    faster than could be measured. ``phases`` is like ``l2`` or ``l1 l2 l3``. Gains are measured over
    commanded. ``is_good``: nothing prevents control of the asset.
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


def add_probe_results(site: Site, probes: Mapping[str, ProbeResult]) -> Site:
    """Return the site with the response of each battery that a probe proved at asset and grid meter."""
    return replace(
        site,
        assets=tuple(
            _add_response(one, probes.get(one.name)) if isinstance(one, Battery) else one
            for one in site.assets
        ),
    )


def _add_response(battery: Battery, found: ProbeResult | None) -> Battery:
    if found is None or found.delay_s is None or found.lag_s is None:
        return battery
    if max(found.delay_s, abs(found.lag_s)) > PROBE_DELAY_MAX_S:
        return battery
    if not TRUSTED_GAINS[0] < found.gain < TRUSTED_GAINS[1]:
        return battery
    if not GAIN_MIN <= found.grid_gain / found.gain <= GAIN_MAX:  # the meter does not show it correctly
        return battery
    ramp_w = found.ramp_w_per_s or battery.ramp_max_w_per_s
    return replace(
        battery,
        delay_s=found.delay_s,
        lag_s=found.lag_s,
        response_w_per_s=found.ramp_w_per_s,
        ramp_max_w_per_s=min(battery.ramp_max_w_per_s, ramp_w),
    )


def render_probe_results(probes: Mapping[str, ProbeResult], site: Site, utc_ms: int) -> dict[str, Any]:
    """Return the results for the assets of ``site``, JSON-ready; ``used``: control uses the result."""
    used = {one.name for one in site.assets if isinstance(one, Battery) and one.delay_s is not None}
    return {
        asset.name: {
            **asdict(probes[asset.name]),
            "age_s": round((utc_ms - probes[asset.name].when_utc_ms) / 1000, 1),
            "used": asset.name in used,
        }
        for asset in site.assets
        if asset.name in probes
    }
