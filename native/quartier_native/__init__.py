"""The arithmetic: compiled kernels, each with a pure-Python twin that is its specification."""

from quartier_native.reference.allocation import Allocation, allocate

__all__ = ["Allocation", "allocate"]
