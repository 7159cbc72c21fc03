from collections.abc import Sequence

from quartier_native.reference.fleet_columns import (
    Building,
    Columns,
    FleetInputs,
    FleetResult,
    FleetState,
    Unit,
)

class Fleet:
    building_count: int
    units: tuple[Unit, ...]
    unit_starts: tuple[int, ...]
    row_starts: tuple[int, ...]
    def __init__(self, buildings: Sequence[Building]) -> None: ...
    def columns(self, sheds_room: int = 256) -> Columns: ...

def step_many(
    fleet: Fleet,
    state: FleetState,
    inputs: FleetInputs,
    result: FleetResult,
    now_ns: int,
    dt_s: float,
    begin: int = 0,
    end: int | None = None,
) -> None: ...
