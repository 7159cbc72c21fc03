"""Let a battery wait until the assets that make room for it have obeyed (pure).

An allocation counts what every asset does once it has obeyed.  A battery obeys within a second or two.  A car
may take 5 s (IEC 61851-1), an inverter longer.  If the battery moved at once into the room that a car leaves,
both together would exceed a limit until the car has obeyed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier.control.inputs import CycleInputs
from quartier.control.participants import Participant
from quartier.site.asset_types import Battery

_PENDING_MIN_W = 1.0
"""A battery does not wait for less than this, in W."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The power at the connection in W, import positive, once all have obeyed: the most and the least."""

    high_w: float
    low_w: float


def wait_for_others(
    inputs: CycleInputs, participants: Sequence[Participant], setpoints_w: tuple[float, ...], totals: Totals
) -> tuple[float, ...]:
    """Return the setpoints, in W, with which no battery moves into room that another asset has yet to make.

    A battery that waits keeps its last setpoint or moves part of the way. It never moves in the other
    direction, and never leaves its own range.
    """
    # What others have still to do, less the room below the limit: batteries must wait only for the rest.
    above_w = _pending_w(participants, setpoints_w, 1.0) - max(
        0.0, inputs.active_limits.import_w - totals.high_w
    )
    below_w = _pending_w(participants, setpoints_w, -1.0) - max(
        0.0, inputs.active_limits.export_w + totals.low_w
    )
    if above_w < _PENDING_MIN_W and below_w < _PENDING_MIN_W:
        return setpoints_w
    found = list(setpoints_w)
    for index, participant in enumerate(participants):
        if not isinstance(participant.asset, Battery):
            continue
        move_w = found[index] - participant.before_w
        if move_w > 0.0:
            kept_w = min(move_w, max(0.0, above_w))
            above_w -= kept_w
            found[index] = max(found[index] - kept_w, participant.headroom.low_w)
        else:
            kept_w = min(-move_w, max(0.0, below_w))
            below_w -= kept_w
            found[index] = min(found[index] + kept_w, participant.headroom.high_w)
    return tuple(found)


def _pending_w(participants: Sequence[Participant], setpoints_w: Sequence[float], sign: float) -> float:
    """Return how far other assets still are above (``sign`` 1) or below (-1) their setpoints, in W."""
    return sum(
        max(0.0, sign * (participant.present_w - setpoint_w))
        for participant, setpoint_w in zip(participants, setpoints_w, strict=True)
        if not isinstance(participant.asset, Battery) and not participant.is_unresponsive
    )
