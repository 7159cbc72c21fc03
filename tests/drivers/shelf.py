"""The built-in profiles and what was typed from the manuals for them, each file read once."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from quartier_drivers import profile
from quartier_drivers.profile import Profile

VECTORS = Path(__file__).parent / "vectors"
NAMES = tuple(profile.names())


@cache
def shelved(name: str) -> Profile:
    """A built-in profile; it never changes."""
    return profile.load(name)


@cache
def vectors(name: str) -> dict[str, Any]:
    """The cases of a built-in profile."""
    return tomllib.loads((VECTORS / f"{name}.toml").read_text(encoding="utf-8"))


def names_of(kind: type[Profile]) -> list[str]:
    """The built-in profiles of a kind."""
    return [name for name in NAMES if isinstance(shelved(name), kind)]
