"""Assets that run in modes, from what the site file says of them (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quartier.config import modes as sections
from quartier.house import assets, modes

SENSES = {"heat": ("tank_c", "room_c")}
"""What a role looks at beside its power, the first that is served."""
_NOON_S, _DAY_S = 43_200.0, 86_400.0
_NORMAL_SHARE, _LOWERED_SHARE = 0.75, 0.5


def moded(section: sections.MODED, shared: Mapping[str, Any]) -> assets.Moded:
    """The asset as control sees it; ``shared`` is what all assets have, and how its point is written."""
    said = {**shared, "tier": section.tier, "rated_w": section.rated_w}
    if isinstance(section, sections.Heat):
        return _heat(section, said)
    return modes.Lights(**said, modes=tuple(_dimmed(section)), evening=tuple(_from_noon(section.evening)))


def _heat(heat: sections.Heat, said: Mapping[str, Any]) -> modes.Heat:
    steps = _heat_modes(heat, said["quantity"])
    names = [step.name for step in steps]
    return modes.Heat(
        **said,
        modes=tuple(steps),
        normal=names.index("normal"),
        boosts=names.index("boost") if "boost" in names else names.index("normal"),
        comfort_min_c=heat.comfort_min_c,
        comfort_max_c=heat.comfort_max_c,
        preheat=heat.preheat and "boost" in names,
        min_on_s=heat.min_on_s,
        min_off_s=heat.min_off_s,
    )


def _heat_modes(heat: sections.Heat, quantity: str) -> list[assets.Mode]:
    """From the most to the least; a lowered setpoint is expected to halve what it takes."""
    most_w = heat.rated_w
    normal_w = _NORMAL_SHARE * most_w if heat.normal_w is None else min(heat.normal_w, most_w)
    if quantity == "relay_on":
        return [assets.Mode("normal", 1, most_w), assets.Mode("blocked", 0, 0.0)]
    if quantity == "setpoint_shift_k":
        return [
            assets.Mode("boost", heat.shift_up_k, most_w),
            assets.Mode("normal", 0, normal_w),
            assets.Mode("lowered", -heat.shift_down_k, _LOWERED_SHARE * normal_w),
        ]
    boost_w = (most_w + normal_w) / 2 if heat.force_on else most_w
    forced = [assets.Mode("forced on", 4, most_w)] if heat.force_on else []
    return [
        *forced,
        assets.Mode("boost", 3, boost_w),
        assets.Mode("normal", 2, normal_w),
        assets.Mode("blocked", 1, 0.0),
    ]


def _dimmed(lights: sections.Lights) -> Iterator[assets.Mode]:
    """Full light, and each step below it down to the least."""
    share_pct = 100.0
    while share_pct > lights.dim_min_pct:
        yield _light(lights, share_pct)
        share_pct -= lights.dim_step_pct
    yield _light(lights, lights.dim_min_pct)


def _light(lights: sections.Lights, share_pct: float) -> assets.Mode:
    return assets.Mode(f"{share_pct:g} % light", share_pct, lights.rated_w * share_pct / 100.0)


def _from_noon(evening: Iterable[str]) -> list[tuple[float, float]]:
    """Seconds of the local day and the share of the light from then on, in %; from noon to noon."""
    steps = [(seconds(text[:5]), float(text[5:].rstrip(" %"))) for text in evening]
    return sorted(steps, key=lambda step: (step[0] - _NOON_S) % _DAY_S)


def seconds(time_of_day: str) -> float:
    """``"07:30"`` as seconds of the day."""
    hours, minutes = time_of_day.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
