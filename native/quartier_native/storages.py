"""The kernels of a storage's plan and of many sites': loaded where somebody plans, by the engine chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native
from quartier_native.reference.portfolio import SITES_MAX, TOLD_COLUMNS
from quartier_native.reference.sampled import (
    MEAN_COLUMNS,
    ROWS_MAX,
    SAMPLE_COLUMNS,
    SAMPLED_COLUMNS,
    SAMPLES_MAX,
    TIERS_MAX,
    WEIGHT_MAX,
)
from quartier_native.reference.slopes import Step
from quartier_native.reference.storage import (
    PLAN_COLUMNS,
    REFUSALS,
    STEP_COLUMNS,
    STEPS_MAX,
    STORE_FIELDS,
    TARGET_BREACH,
    Planned,
)

if TYPE_CHECKING:
    from quartier_native.reference.portfolio import plan_many
    from quartier_native.reference.sampled import plan_sampled
    from quartier_native.reference.storage import plan_storage
else:
    plan_many = import_module(quartier_native.engine().kernels["portfolio"]).plan_many
    plan_sampled = import_module(quartier_native.engine().kernels["sampled"]).plan_sampled
    plan_storage = import_module(quartier_native.engine().kernels["storage"]).plan_storage

__all__ = [
    "MEAN_COLUMNS",
    "PLAN_COLUMNS",
    "REFUSALS",
    "ROWS_MAX",
    "SAMPLED_COLUMNS",
    "SAMPLES_MAX",
    "SAMPLE_COLUMNS",
    "SITES_MAX",
    "STEPS_MAX",
    "STEP_COLUMNS",
    "STORE_FIELDS",
    "TARGET_BREACH",
    "TIERS_MAX",
    "TOLD_COLUMNS",
    "WEIGHT_MAX",
    "Planned",
    "Step",
    "plan_many",
    "plan_sampled",
    "plan_storage",
]
