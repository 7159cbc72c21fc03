"""The kernels of plans: loaded on first use, from the engine that the package has chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native
from quartier_native.reference.interior import ROUNDS_MAX, Solved
from quartier_native.reference.levels import FLOW_COLUMNS, NEED_FIELDS, UNITS_MAX, Levelled
from quartier_native.reference.sampled import (
    MEAN_COLUMNS,
    ROWS_MAX,
    SAMPLE_COLUMNS,
    SAMPLED_COLUMNS,
    SAMPLES_MAX,
    TIERS_MAX,
    WEIGHT_MAX,
)
from quartier_native.reference.step_costs import Piece, Step, Wiring, flow, pieces
from quartier_native.reference.storage import (
    EFFICIENCY_MIN,
    PLAN_COLUMNS,
    REFUSALS,
    STEP_COLUMNS,
    STEPS_MAX,
    STORE_FIELDS,
    TARGET_BREACH,
    Planned,
)

if TYPE_CHECKING:
    from quartier_native.reference.interior import solve_interior
    from quartier_native.reference.levels import plan_levels, tell_flows
    from quartier_native.reference.sampled import plan_sampled
    from quartier_native.reference.storage import plan_storage
else:
    _levels = import_module(quartier_native.engine().kernels["levels"])
    plan_levels, tell_flows = _levels.plan_levels, _levels.tell_flows
    solve_interior = import_module(quartier_native.engine().kernels["interior"]).solve_interior
    plan_sampled = import_module(quartier_native.engine().kernels["sampled"]).plan_sampled
    plan_storage = import_module(quartier_native.engine().kernels["storage"]).plan_storage

__all__ = [
    "EFFICIENCY_MIN",
    "FLOW_COLUMNS",
    "MEAN_COLUMNS",
    "NEED_FIELDS",
    "PLAN_COLUMNS",
    "REFUSALS",
    "ROUNDS_MAX",
    "ROWS_MAX",
    "SAMPLED_COLUMNS",
    "SAMPLES_MAX",
    "SAMPLE_COLUMNS",
    "STEPS_MAX",
    "STEP_COLUMNS",
    "STORE_FIELDS",
    "TARGET_BREACH",
    "TIERS_MAX",
    "UNITS_MAX",
    "WEIGHT_MAX",
    "Levelled",
    "Piece",
    "Planned",
    "Solved",
    "Step",
    "Wiring",
    "flow",
    "pieces",
    "plan_levels",
    "plan_sampled",
    "plan_storage",
    "solve_interior",
    "tell_flows",
]
