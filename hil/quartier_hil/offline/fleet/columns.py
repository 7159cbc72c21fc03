"""The kernel's columns as numpy sees them: the same memory, under both names."""

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quartier_hil.offline.fleet.stock import Floats
from quartier_native.fleets import FleetInputs, FleetResult, FleetState

Whole = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]
Flags = npt.NDArray[np.uint8]
SHEDS = 8
"""That are remembered of a unit: memory is what a large fleet waits for."""


@dataclass(frozen=True)
class Seen:
    """Columns of the kernel that plant, restore and verdicts read and write; ``sheds_ns`` is unit by shed."""

    on: Flags
    since_ns: Whole
    limit_w: Floats
    before_w: Floats
    raised_ns: Whole
    setpoint_w: Floats
    shed_count: Small
    sheds_ns: Whole
    present_w: Floats
    soc_pct: Floats
    plugged: Flags
    rest_w: Floats
    high_w: Floats
    low_w: Floats
    import_max_w: Floats
    export_max_w: Floats
    cap_row: Small


def seen(state: FleetState, inputs: FleetInputs, result: FleetResult) -> Seen:
    """Views of the columns; rows have four places a building, of which the total is shown alone."""
    rows = ("high_w", "low_w", "import_max_w", "export_max_w")
    found: dict[str, Any] = {}
    for part in (state, inputs, result):
        for name in Seen.__dataclass_fields__:
            column = getattr(part, name, None)
            if isinstance(column, array):
                found[name] = np.frombuffer(column, dtype=column.typecode)
    for name in rows:
        found[name] = found[name].reshape(-1, 4)[:, 0]
    found["sheds_ns"] = found["sheds_ns"].reshape(-1, state.sheds_room)
    return Seen(**found)
