"""The public grid at the connection, and the power through each distribution board (pure).

The balance is a property: the power through a board is the sum of its assets and of the boards below it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

NOMINAL_V = 230.0
NOMINAL_HZ = 50.0
# A low-voltage feeder of some hundred metres: 0.1 ohm a phase lifts the voltage 1 V for each 2.3 kW.
FEEDER_OHM = 0.1
OUTAGE_VOLTAGE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class PublicGrid:
    """State of the grid that a scenario sets.

    The frequency is ``off_hz`` from a quiet day's and goes to ``to_hz`` off it by ``hz_per_s``; ``level_v``
    is the voltage of each phase before the feeder's drop.
    """

    frequency_offset_hz: float = 0.0
    target_offset_hz: float = 0.0
    hz_per_s: float = math.inf
    phase_voltages_v: tuple[float, float, float] = (NOMINAL_V, NOMINAL_V, NOMINAL_V)

    @property
    def is_gone(self) -> bool:
        """Return whether nothing runs: no phase has half its voltage."""
        return max(self.phase_voltages_v) < OUTAGE_VOLTAGE_SHARE * NOMINAL_V


def step_grid(mains: PublicGrid, dt_s: float) -> PublicGrid:
    """Go on by ``dt_s``."""
    way_hz = mains.hz_per_s * dt_s
    off_hz = min(
        max(mains.target_offset_hz, mains.frequency_offset_hz - way_hz), mains.frequency_offset_hz + way_hz
    )
    return replace(mains, frequency_offset_hz=off_hz)


def set_frequency(mains: PublicGrid, hz: float, hz_per_s: float | None) -> PublicGrid:
    """The frequency goes to ``hz`` from now, by ``hz_per_s``; at once where that is None."""
    return replace(
        mains, target_offset_hz=hz - NOMINAL_HZ, hz_per_s=math.inf if hz_per_s is None else hz_per_s
    )


def set_voltage(mains: PublicGrid, volts: float, phases: tuple[int, ...]) -> PublicGrid:
    """The voltage of ``phases`` (1..3) is ``volts`` from now."""
    return replace(
        mains,
        phase_voltages_v=tuple(volts if n in phases else v for n, v in enumerate(mains.phase_voltages_v, 1)),  # type: ignore[arg-type]  # three stay three
    )


def compute_frequency_hz(now_s: float) -> float:
    """Within 49.95..50.05 Hz: three slow waves, like a quiet day of the synchronous area."""
    waves = (
        0.020 * math.sin(now_s / 97.0) + 0.015 * math.sin(now_s / 311.0) + 0.010 * math.sin(now_s / 1_913.0)
    )
    return NOMINAL_HZ + waves


def compute_voltage_v(grid_power_w: float, phases_count: int = 3) -> float:
    """Voltage of a phase when the building imports ``grid_power_w`` evenly over its phases."""
    current_a = grid_power_w / phases_count / NOMINAL_V
    return NOMINAL_V - FEEDER_OHM * current_a


ROOT = "grid"
PhasePowers = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Board:
    """``under``: the board that feeds it.  Each of its three phases has a fuse of ``fuse_a``."""

    name: str
    under: str
    fuse_a: float


def compute_board_powers(
    boards: Sequence[Board], loads: Iterable[tuple[str, float, PhasePowers]]
) -> dict[str, PhasePowers]:
    """W on each phase of each board and the root; ``loads``: board, power and shares of each asset."""
    found: dict[str, PhasePowers] = {ROOT: (0.0, 0.0, 0.0)} | {
        board.name: (0.0, 0.0, 0.0) for board in boards
    }
    up = {board.name: board.under for board in boards}
    for home, power_w, parts in loads:
        here: str | None = home
        while here is not None:
            l1, l2, l3 = found[here]
            found[here] = (l1 + power_w * parts[0], l2 + power_w * parts[1], l3 + power_w * parts[2])
            here = up.get(here)
    return found


def compute_board_quantities(found: Mapping[str, PhasePowers], volts: float = NOMINAL_V) -> dict[str, float]:
    """Power, and power and current of each phase, of each board but the root: ``board.quantity``."""
    shown = {}
    for name, flow in found.items():
        if name == ROOT:
            continue
        shown[f"{name}.power_w"] = sum(flow)
        for phase, phase_w in enumerate(flow, 1):
            shown[f"{name}.power_l{phase}_w"] = phase_w
            shown[f"{name}.current_l{phase}_a"] = abs(phase_w) / volts
            shown[f"{name}.voltage_l{phase}_v"] = volts
    return shown
