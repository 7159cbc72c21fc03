"""What a scenario's house can be told, and what was declared for each output: from the scenario alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from quartier_hil.house import House

Sort = Literal["setpoint", "cap", "switch", "current", "steps"]
LEASE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output: ``order`` is its column in the course, ``point`` its name in the gateway.

    ``sort`` tells how it is judged: a setpoint in W, a cap, a two-state switch, a charging current with its
    floor, or steps of which less is less.  ``released`` is what `quartier release` leaves there, ``fallen``
    what its device takes by itself ``after_s`` after the last word of the gateway (None: it holds).
    """

    asset: str
    point: str
    order: str
    device: str
    sort: Sort
    tier: str = "D"
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    floor: float | None = None
    released: float | None = None
    fallen: float | None = None
    after_s: float = LEASE_S


def outputs(house: House) -> list[Output]:
    """Every output of the house."""
    return list(_usual(house))


def _usual(house: House) -> Iterator[Output]:
    yield Output(
        asset="bat1",
        point="bat1.setpoint_w",
        order="order.battery_w",
        device="gx" if house.battery == "gx" else "storage",
        sort="setpoint",
        released=0.0,
        fallen=0.0,
    )
    yield Output(
        asset="ev1",
        point="ev1.current_max_a",
        order="order.current_max_a",
        device="charger",
        sort="current",
        min_on_s=60.0,
        min_off_s=180.0,
        released=0.0,
        fallen=0.0,
    )
    yield Output(
        asset="hp1",
        point="hp1.relay_on",
        order="order.relay_on",
        device="relays",
        sort="switch",
        tier="C",
        min_on_s=300.0,
        min_off_s=180.0,
        released=0.0,
    )
