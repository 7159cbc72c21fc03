"""A battery waits until the assets that make room for it have obeyed (pure).

An allocation counts what every asset does once it has obeyed.  A battery obeys within a second or two, a car
or an inverter only within 5 s to 10 s (IEC 61851-1).  Without this a battery that takes the place of a car
would exceed a limit until the car has answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier.control.players import Player
from quartier.control.scene import Scene
from quartier.house.assets import Battery

LEAST_W = 1.0


@dataclass(frozen=True, slots=True)
class Totals:
    """The power of the grid in W, import positive, once all have obeyed: at most and at least."""

    high_w: float
    low_w: float


def wait_for_others(
    scene: Scene, players: Sequence[Player], setpoints_w: tuple[float, ...], totals: Totals
) -> tuple[float, ...]:
    """Return the setpoints, in W, where no battery moves into room that another asset has not made yet.

    A battery stays where it was at most: it never moves the other way, and never outside its own room.
    """
    above_w = _pending_w(players, setpoints_w, 1.0) - max(0.0, scene.force.import_w - totals.high_w)
    below_w = _pending_w(players, setpoints_w, -1.0) - max(0.0, scene.force.export_w + totals.low_w)
    if above_w < LEAST_W and below_w < LEAST_W:
        return setpoints_w
    found = list(setpoints_w)
    for index, player in enumerate(players):
        if not isinstance(player.asset, Battery):
            continue
        move_w = found[index] - player.before_w
        if move_w > 0.0:
            kept_w = min(move_w, max(0.0, above_w))
            above_w -= kept_w
            found[index] = max(found[index] - kept_w, player.room.low_w)
        else:
            kept_w = min(-move_w, max(0.0, below_w))
            below_w -= kept_w
            found[index] = min(found[index] + kept_w, player.room.high_w)
    return tuple(found)


def _pending_w(players: Sequence[Player], setpoints_w: Sequence[float], sign: float) -> float:
    """Return by how much others still are above (``sign`` 1) or below (-1) what they were ordered, in W."""
    return sum(
        max(0.0, sign * (player.present_w - setpoint_w))
        for player, setpoint_w in zip(players, setpoints_w, strict=True)
        if not isinstance(player.asset, Battery) and not player.deaf
    )
