"""The kernel of a storage's plan: loaded where somebody plans, by the engine that the package has chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native
from quartier_native.reference.slopes import Step
from quartier_native.reference.storage import (
    PLAN_COLUMNS,
    STEP_COLUMNS,
    STEPS_MAX,
    STORE_FIELDS,
    TARGET_BREACH,
    Planned,
)

if TYPE_CHECKING:
    from quartier_native.reference.storage import plan_storage
else:
    plan_storage = import_module(quartier_native.engine().kernels["storage"]).plan_storage

__all__ = [
    "PLAN_COLUMNS",
    "STEPS_MAX",
    "STEP_COLUMNS",
    "STORE_FIELDS",
    "TARGET_BREACH",
    "Planned",
    "Step",
    "plan_storage",
]
