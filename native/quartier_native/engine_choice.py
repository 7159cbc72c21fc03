"""Chooses the engine that computes, compiled or reference: once, at import; the choice is always reported."""

import importlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType

KERNELS = ("allocation", "gates", "metrics", "questions", "registers", "series", "strands", "tails", "tree")
"""Modules in two versions: compiled here, and in ``reference/`` as their specification."""
LATER_KERNELS = (
    "datagrams",
    "fleet",
    "interior",
    "levels",
    "properties",
    "sampled",
    "scales",
    "storage",
)
"""More of them, for fleets, plans, BACnet and SunSpec: loaded when they are asked for first."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The choice, for ``quartier engines`` and the log."""

    name: str
    """``cython`` or ``reference``."""
    why: str
    """One sentence for a person."""
    kernels: Mapping[str, str]
    """Each kernel's name and the module that computes it."""


def choose_engine(requested: str) -> tuple[Engine, Mapping[str, ModuleType]]:
    """Return the engine for a request (``auto``, ``cython``, ``reference``) and its modules, not ``LATER``.

    ``auto`` takes the compiled kernels, or all references if one of them cannot be imported.  Raises
    ImportError if ``cython`` is requested and not available, ValueError for another request.
    """
    if requested not in {"auto", "cython", "reference"}:
        raise ValueError(f"QUARTIER_ENGINE={requested!r}: expected auto, cython or reference")
    if requested == "reference":
        return _make_engine("reference", "QUARTIER_ENGINE=reference asks for the plain Python twins")
    asked = (
        "QUARTIER_ENGINE=cython asks for them" if requested == "cython" else "all compiled kernels are there"
    )
    try:
        return _make_engine("cython", asked)
    except ImportError as error:
        if requested == "cython":
            raise ImportError(f"QUARTIER_ENGINE=cython, but a compiled kernel is missing: {error}") from error
        return _make_engine(
            "reference", f"SLOW: plain Python twins, as a compiled kernel is missing ({error})"
        )


def _make_engine(name: str, why: str) -> tuple[Engine, Mapping[str, ModuleType]]:
    package = "quartier_native" if name == "cython" else "quartier_native.reference"
    modules = {kernel: importlib.import_module(f"{package}.{kernel}") for kernel in KERNELS}
    for kernel in LATER_KERNELS:
        if importlib.util.find_spec(f"{package}.{kernel}") is None:
            raise ImportError(f"no module named {package}.{kernel}")
    kernels = MappingProxyType({kernel: f"{package}.{kernel}" for kernel in (*KERNELS, *LATER_KERNELS)})
    return Engine(name, why, kernels), modules


def choose_by_environment() -> tuple[Engine, Mapping[str, ModuleType]]:
    """Return the engine that the environment variable ``QUARTIER_ENGINE`` requests; ``auto`` if not set.

    Raises ImportError that names this package if the request cannot be met.
    """
    try:
        return choose_engine(os.environ.get("QUARTIER_ENGINE") or "auto")
    except (ImportError, ValueError) as error:
        raise ImportError(str(error), name="quartier_native") from error
