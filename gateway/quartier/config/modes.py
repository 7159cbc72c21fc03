"""Keys of the assets that run in modes."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from quartier.config.placing import Ordered
from quartier.config.words import LightFrom, Watts


class Lights(Ordered):
    """A group of street lights: dimmed, never below half, never switched off by the gateway."""

    role: Literal["lights"]
    """Street lights that take a dim level."""
    tier: Literal["A", "B", "C", "D"] = "C"
    """Turn in which a cap dims them: D first, then C and B; A never."""
    rated_w: Watts
    """Power of the whole group at full light."""
    dim_min_pct: Annotated[float, Field(ge=50, le=100)] = 50.0
    """They are never dimmed further than this."""
    dim_step_pct: Annotated[float, Field(ge=5, le=50)] = 10.0
    """Size of a step of dimming."""
    evening: Annotated[tuple[LightFrom, ...], Strict(False)] = ()
    """From when how much of the light is enough, such as ["22:30 80 %", "00:30 60 %", "05:30 100 %"]."""


MODED = Lights
"""The roles of assets that run in modes."""
QUANTITIES = {"lights": "dim_pct"}
"""What is written to an asset of each such role."""
