"""The caps in force for one cycle, whose they are, and what they leave to a battery."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

from quartier.control import reason
from quartier.control.caps import LinkCaps, Powers, tightest
from quartier.control.failsafe import Stage, slow
from quartier.house.assets import House
from quartier_drivers.who import Who

SLOW_METER = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """Caps in W as control keeps them, and whose each is (``import``, ``export`` …).

    ``whose`` are words that know who is behind them (``reason.Reason``) where that is not the gateway.
    """

    import_w: float
    export_w: float
    generation_w: float | None = None
    consumption_w: float | None = None
    whose: Mapping[str, str] = field(default_factory=dict)

    def words(self, direction: str) -> reason.Reason:
        """``import cap 5000 W (hard limit)``, and who is behind it."""
        watts, whose = getattr(self, f"{direction}_w"), self.whose[direction]
        who = whose.who if isinstance(whose, reason.Reason) else Who("rule", str(whose))
        return reason.Reason(f"{direction} cap {watts:.0f} W ({whose})", who, reason.until_utc_ms(whose))


def in_force(
    house: House,
    link: LinkCaps,
    stage: Stage,
    others: Iterable[tuple[str, Powers]] = (),
    why: str = "grid meter lost",
) -> Force:
    """The minimum of the hard limits, ``others``, the link's caps and, in SAFE, the fail-safe values.

    ``others`` are contacts and supplies; ``why`` is what made it SAFE.

    Never above a hard limit.  With a grid meter slower than 2 s all of them keep 10 % margin.
    """
    limits = house.limits
    sources = [
        ("hard limit", Powers(limits.import_hard_w, limits.export_hard_w)),
        *others,
        ("link", _link(link)),
    ]
    if stage is Stage.SAFE:
        sources.append(
            (f"fail-safe value, {why}", Powers(limits.import_failsafe_w, limits.export_failsafe_w))
        )
    powers, whose = tightest(sources)
    names = {way: link.whose.get(way, "link") if name == "link" else name for way, name in whose.items()}
    part = SLOW_METER if slow(house.grid) else 1.0
    return Force(
        import_w=powers.import_w * part,
        export_w=powers.export_w * part,
        generation_w=powers.generation_w * part if isfinite(powers.generation_w) else None,
        consumption_w=powers.consumption_w * part if isfinite(powers.consumption_w) else None,
        whose=names,
    )


def _link(link: LinkCaps) -> Powers:
    none = float("inf")
    return Powers(
        max(0.0, link.import_max_w),
        max(0.0, link.export_max_w),
        none if link.generation_max_w is None else max(0.0, link.generation_max_w),
        none if link.consumption_max_w is None else max(0.0, link.consumption_max_w),
    )
