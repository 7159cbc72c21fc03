"""Keys of the assets that run in modes."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from quartier.config.placing import Ordered
from quartier.config.words import LightFrom, Watts

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Celsius = Annotated[float, Field(ge=-30, le=120)]
Kelvin = Annotated[float, Field(ge=0, le=10)]


class Switched(Ordered):
    """An asset whose orders another device may take than the one it is measured by."""

    switch_device: str | None = None
    """The device that takes its orders, if another one."""
    switch_part: str = ""
    """Which part of switch_device."""


class Lights(Switched):
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


class Heat(Switched):
    """A heat pump or a water heater, with the store that it fills."""

    role: Literal["heat"]
    """A heat pump or hot water; takes sg_ready_state (SG Ready 1 to 4), setpoint_shift_k or relay_on."""
    tier: Literal["A", "B", "C", "D"] = "C"
    """Turn in which a cap lowers and blocks it; below comfort_min_c it stands in B; A never."""
    rated_w: Watts
    """Most power it takes."""
    normal_w: Watts | None = None
    """Power it takes in normal running; absent: three quarters of rated_w."""
    comfort_min_c: Celsius | None = None
    """Below this tank_c (or room_c) it is blocked last; absent: its turn is always that of tier."""
    comfort_max_c: Celsius | None = None
    """Above this tank_c (or room_c) it is never boosted; absent: it is not boosted at all."""
    preheat: bool = True
    """Whether it stores own generation that is left over, up to comfort_max_c."""
    force_on: bool = False
    """Whether an export cap may use state 4 of SG Ready, in which some pumps switch their heating rod on."""
    shift_up_k: Kelvin = 2.0
    """How far a boost raises the setpoint, where it takes setpoint_shift_k."""
    shift_down_k: Kelvin = 2.0
    """How far a cap lowers the setpoint, where it takes setpoint_shift_k."""
    min_on_s: Seconds = 300.0
    """Once it was let run, or boosted, that lasts at least this long."""
    min_off_s: Seconds = 180.0
    """Once it was blocked, or lowered, that lasts at least this long."""


MODED = Lights | Heat
"""The roles of assets that run in modes."""
QUANTITIES = {
    "lights": ("dim_pct",),
    "heat": ("sg_ready_state", "setpoint_shift_k", "relay_on"),
}
"""What may be written to an asset of each such role; the first that its device takes."""


def quantity(role: str, takes: Callable[[str], bool]) -> str:
    """What is written to an asset of this role; ``takes`` says whether its device lets that be written."""
    return next((one for one in QUANTITIES[role] if takes(one)), QUANTITIES[role][0])


def switched(asset: Any) -> bool:
    """Whether another device takes its orders than the one it is measured by."""
    return isinstance(asset, Switched) and asset.switch_device is not None
