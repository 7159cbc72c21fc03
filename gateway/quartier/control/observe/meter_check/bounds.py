"""The lower bound of the import, by everything that is measured below the connection (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier.control.observe import observations
from quartier.control.observe.meter_check.samples import is_generator
from quartier.control.observe.observations import LastGoodValues
from quartier.site.asset_types import ROOT_NODE, Asset, Battery
from quartier.site.site_layout import Site

EXCEEDS_W, EXCEEDS_SHARE = 500.0, 0.1
"""A reading below the bound by more than this, in W or as share of the bound, contradicts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerBound:
    """``import_w`` is the least import in W (minus: export); ``slowest_s`` the period of its slowest meter.

    ``measured_w`` is the measured consumption in it: without any the bound says nothing.
    """

    import_w: float
    measured_w: float
    slowest_s: float

    def is_contradicted(self, reading_w: float) -> bool:
        """Return whether a reading of the grid meter is below the bound by more than meters differ."""
        if self.measured_w <= 0.0:
            return False
        return reading_w < self.import_w - max(EXCEEDS_W, EXCEEDS_SHARE * abs(self.import_w))


def find_lower_bound(site: Site, last_good: LastGoodValues, now_ns: int) -> LowerBound:
    """Sum the power measured below the connection; unmeasured power counts at its least.

    A sub-board with a meter of its own counts by that meter, whatever is below it. Generation and discharge
    that are not measured now count at their rating; ``unlisted_generation_w`` stands for devices that the
    site file does not name. Source: spec/failsafe.md#sub-measurements.
    """
    under = {node.name: node.under for node in site.nodes}
    metered: dict[str, float] = {}
    periods_s = [site.grid.period_s]
    for node in site.nodes:
        seen_w = (
            observations.find_fresh_value(last_good, f"{node.name}.power_w", node.period_s, now_ns)
            if node.measured
            else None
        )
        if seen_w is not None:
            metered[node.name] = seen_w
    sum_w = measured_w = 0.0
    for name, watts in metered.items():
        if not _is_below(under[name], under, metered):
            sum_w += watts
            measured_w += max(0.0, watts)
            periods_s.append(next(node.period_s for node in site.nodes if node.name == name))
    for asset in site.assets:
        if _is_below(asset.node, under, metered):
            continue
        seen_w = observations.find_power_w(last_good, asset, now_ns) if asset.measured else None
        if seen_w is None:
            sum_w += _least_w(asset)
            continue
        sum_w += seen_w
        measured_w += max(0.0, seen_w)
        periods_s.append(asset.period_s)
    return LowerBound(
        import_w=sum_w - site.unlisted_generation_w, measured_w=measured_w, slowest_s=max(periods_s)
    )


def _is_below(node: str, under: Mapping[str, str], metered: Mapping[str, float]) -> bool:
    """Return whether ``node`` is measured, or below one that is."""
    while node != ROOT_NODE and node in under:
        if node in metered:
            return True
        node = under[node]
    return False


def _least_w(asset: Asset) -> float:
    """Return the least that an asset can take while its power is not known, in W."""
    if isinstance(asset, Battery):
        return -asset.discharge_max_w
    return -asset.rated_w if is_generator(asset) else 0.0
