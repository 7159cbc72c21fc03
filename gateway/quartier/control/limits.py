"""The caps in force for one cycle, whose they are, and what they leave to a battery."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

from quartier.control.caps import LinkCaps, Powers, tightest
from quartier.control.failsafe import Stage, slow
from quartier.control.reason import Reason, make, rule
from quartier.house.assets import House

SLOW_METER = 0.9
HARD = rule("limit.hard", "hard limit")
LINK = rule("limit.link", "link")
METER_LOST = rule("limit.failsafe_meter_lost", "fail-safe value, grid meter lost")
METER_IMPLAUSIBLE = rule("limit.failsafe_meter_implausible", "fail-safe value, grid meter implausible")
_CODES = {
    "import": "cap.import",
    "export": "cap.export",
    "generation": "cap.generation",
    "consumption": "cap.consumption",
}
WAYS = {code: way for way, code in _CODES.items()}
"""Of which limit a code is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """Caps in W as control keeps them, and whose each is (``import``, ``export`` …)."""

    import_w: float
    export_w: float
    generation_w: float | None = None
    consumption_w: float | None = None
    whose: Mapping[str, Reason] = field(default_factory=dict)

    def reason(self, direction: str) -> Reason:
        """``import cap 5000 W (hard limit)``, and who is behind it."""
        limit_w, source = round(getattr(self, f"{direction}_w")), self.whose[direction]
        return make(_CODES[direction], source.who, source.until_utc_ms, source, limit_w=limit_w)


def in_force(
    house: House,
    link: LinkCaps,
    stage: Stage,
    others: Iterable[tuple[Reason, Powers]] = (),
    failsafe: Reason = METER_LOST,
) -> Force:
    """The minimum of the hard limits, ``others``, the link's caps and, in SAFE, the fail-safe values.

    ``others`` are contacts and supplies; ``failsafe`` says what made it SAFE.

    Never above a hard limit.  With a grid meter slower than 2 s all of them keep 10 % margin.
    """
    limits = house.limits
    sources = [
        (HARD, Powers(limits.import_hard_w, limits.export_hard_w)),
        *others,
        (LINK, _link(link)),
    ]
    if stage is Stage.SAFE:
        sources.append((failsafe, Powers(limits.import_failsafe_w, limits.export_failsafe_w)))
    powers, whose = tightest(sources)
    named = {way: link.whose.get(way, LINK) if one is LINK else one for way, one in whose.items()}
    part = SLOW_METER if slow(house.grid) else 1.0
    return Force(
        import_w=powers.import_w * part,
        export_w=powers.export_w * part,
        generation_w=powers.generation_w * part if isfinite(powers.generation_w) else None,
        consumption_w=powers.consumption_w * part if isfinite(powers.consumption_w) else None,
        whose=named,
    )


def _link(link: LinkCaps) -> Powers:
    none = float("inf")
    return Powers(
        max(0.0, link.import_max_w),
        max(0.0, link.export_max_w),
        none if link.generation_max_w is None else max(0.0, link.generation_max_w),
        none if link.consumption_max_w is None else max(0.0, link.consumption_max_w),
    )
