"""Built-in profiles and their test vectors; each file is read once per process."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.loading import Profile

VECTORS = Path(__file__).parent / "vectors"
NAMES = tuple(loading.list_profiles())


@cache
def load_builtin(name: str) -> Profile:
    """Return the built-in profile ``name``, such as ``eastron/sdm630``; all tests share it."""
    return loading.load_profile(name)


@cache
def load_vectors(name: str) -> dict[str, Any]:
    """Return the content of ``vectors/<name>.toml``: cases typed from the manual, not from a program."""
    return tomllib.loads((VECTORS / f"{name}.toml").read_text(encoding="utf-8"))


def list_names(kind: type[Profile]) -> list[str]:
    """Return the names of all built-in profiles of a class, such as ``MeterProfile``."""
    return [name for name in NAMES if isinstance(load_builtin(name), kind)]
