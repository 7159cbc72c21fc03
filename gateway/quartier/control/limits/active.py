"""The limits in force and their sources (pure).

Limits combine by minimum, and the binding one keeps its name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

from quartier.control.observe.health import ControlStage, is_slow_meter
from quartier.control.reason import Reason, make_reason, make_rule_reason
from quartier.control.records import DIRECTIONS, LinkLimits, PowerLimits
from quartier.site.site_layout import Site


def combine_limits(sources: Iterable[tuple[Reason, PowerLimits]]) -> tuple[PowerLimits, dict[str, Reason]]:
    """Return the minimum per direction over the sources, and the source of each; the first of equals wins."""
    best = [inf, inf, inf, inf]
    whose: dict[str, Reason] = {}
    for source, powers in sources:
        for place, watts in enumerate(powers.list_directions()):
            if watts < best[place]:
                best[place] = watts
                whose[DIRECTIONS[place]] = source
    return PowerLimits(*best), whose


SLOW_METER_MARGIN = 0.9
HARD = make_rule_reason("limit.hard", "hard limit")
LINK = make_rule_reason("limit.link", "link")
METER_LOST = make_rule_reason("limit.failsafe_meter_lost", "fail-safe value, grid meter lost")
METER_IMPLAUSIBLE = make_rule_reason(
    "limit.failsafe_meter_implausible", "fail-safe value, grid meter implausible"
)
_CODES = {
    "import": "cap.import",
    "export": "cap.export",
    "generation": "cap.generation",
    "consumption": "cap.consumption",
}
LIMITED_DIRECTIONS = {code: way for way, code in _CODES.items()}
"""The direction of each limit by its reason code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLimits:
    """The limits in force in W, with the source of each (``import``, ``export`` …)."""

    import_w: float
    export_w: float
    generation_w: float | None = None
    consumption_w: float | None = None
    sources: Mapping[str, Reason] = field(default_factory=dict)

    def reason(self, direction: str) -> Reason:
        """Return the limit with its source, as in ``import cap 5000 W (hard limit)``."""
        limit_w, source = round(getattr(self, f"{direction}_w")), self.sources[direction]
        return make_reason(_CODES[direction], source.who, source.until_utc_ms, source, limit_w=limit_w)


def find_active_limits(
    site: Site,
    link: LinkLimits,
    stage: ControlStage,
    others: Iterable[tuple[Reason, PowerLimits]] = (),
    failsafe: Reason = METER_LOST,
) -> ActiveLimits:
    """Return the minimum of the hard limits, ``others``, the link's limits and in SAFE the fail-safe ones.

    ``others`` are contacts and supplies; ``failsafe`` is the reason of SAFE. The result is never above a hard
    limit. With a grid meter slower than 2 s all limits keep a margin of 10 %.
    """
    limits = site.limits
    sources = [
        (HARD, PowerLimits(limits.import_hard_w, limits.export_hard_w)),
        *others,
        (LINK, _link(link)),
    ]
    if stage is ControlStage.SAFE:
        sources.append((failsafe, PowerLimits(limits.import_failsafe_w, limits.export_failsafe_w)))
    powers, whose = combine_limits(sources)
    named = {way: link.sources.get(way, LINK) if one is LINK else one for way, one in whose.items()}
    part = SLOW_METER_MARGIN if is_slow_meter(site.grid) else 1.0
    return ActiveLimits(
        import_w=powers.import_w * part,
        export_w=powers.export_w * part,
        generation_w=powers.generation_w * part if isfinite(powers.generation_w) else None,
        consumption_w=powers.consumption_w * part if isfinite(powers.consumption_w) else None,
        sources=named,
    )


def _link(link: LinkLimits) -> PowerLimits:
    none = float("inf")
    return PowerLimits(
        max(0.0, link.import_max_w),
        max(0.0, link.export_max_w),
        none if link.generation_max_w is None else max(0.0, link.generation_max_w),
        none if link.consumption_max_w is None else max(0.0, link.consumption_max_w),
    )
