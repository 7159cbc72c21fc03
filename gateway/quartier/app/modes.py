"""Assets that run in modes, from what the site file says of them (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quartier.config import modes as sections
from quartier.house import assets, modes

_NOON_S, _DAY_S = 43_200.0, 86_400.0


def moded(section: sections.MODED, shared: Mapping[str, Any]) -> assets.Moded:
    """The asset as control sees it; ``shared`` is what all assets have, and how its point is written."""
    return modes.Lights(
        **shared,
        tier=section.tier,
        rated_w=section.rated_w,
        quantity=sections.QUANTITIES[section.role],
        modes=tuple(_dimmed(section)),
        evening=tuple(_from_noon(section.evening)),
    )


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
    steps = [(_seconds(text[:5]), float(text[5:].rstrip(" %"))) for text in evening]
    return sorted(steps, key=lambda step: (step[0] - _NOON_S) % _DAY_S)


def _seconds(time_of_day: str) -> float:
    hours, minutes = time_of_day.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
