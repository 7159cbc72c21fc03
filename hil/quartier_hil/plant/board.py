"""The tree of boards: what flows through each, in all and on each phase (pure).

The balance is a property: the flow through a board is the sum of its assets and of the boards below it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_hil.plant.mains import NOMINAL_V

ROOT = "grid"
Flow = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Board:
    """``under``: the board that feeds it.  Each of its three phases has a fuse of ``fuse_a``."""

    name: str
    under: str
    fuse_a: float


def flows(boards: Sequence[Board], loads: Iterable[tuple[str, float, Flow]]) -> dict[str, Flow]:
    """W on each phase of each board and the root; ``loads``: board, power and shares of each asset."""
    found: dict[str, Flow] = {ROOT: (0.0, 0.0, 0.0)} | {board.name: (0.0, 0.0, 0.0) for board in boards}
    up = {board.name: board.under for board in boards}
    for home, power_w, parts in loads:
        here: str | None = home
        while here is not None:
            l1, l2, l3 = found[here]
            found[here] = (l1 + power_w * parts[0], l2 + power_w * parts[1], l3 + power_w * parts[2])
            here = up.get(here)
    return found


def values(found: Mapping[str, Flow], volts: float = NOMINAL_V) -> dict[str, float]:
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
