"""The kernel of SunSpec models: loaded if a site has any, from the engine that the package has chosen."""

from importlib import import_module
from typing import TYPE_CHECKING

import quartier_native

if TYPE_CHECKING:
    from quartier_native.reference.scales import scale_numbers
else:
    scale_numbers = import_module(quartier_native.engine().kernels["scales"]).scale_numbers

__all__ = ["scale_numbers"]
