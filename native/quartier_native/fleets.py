"""The kernel of whole fleets: loaded on first use, from the engine that the package has chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native
from quartier_native.reference.fleet_columns import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    LONG_AGO_NS,
    MODED,
    NONE_W,
    PV_LIMIT,
    PV_RELAY,
    TIER_A,
    TIER_B,
    TIER_C,
    TIER_D,
    Building,
    Columns,
    FleetInputs,
    FleetResult,
    FleetState,
    Unit,
)

if TYPE_CHECKING:
    from quartier_native.reference.fleet import Fleet, step_many
else:
    _module = import_module(quartier_native.engine().kernels["fleet"])
    Fleet = _module.Fleet
    step_many = _module.step_many

__all__ = [
    "BATTERY",
    "DIVISIBLE",
    "EV",
    "LOAD",
    "LONG_AGO_NS",
    "MODED",
    "NONE_W",
    "PV_LIMIT",
    "PV_RELAY",
    "TIER_A",
    "TIER_B",
    "TIER_C",
    "TIER_D",
    "Building",
    "Columns",
    "Fleet",
    "FleetInputs",
    "FleetResult",
    "FleetState",
    "Unit",
    "step_many",
]
