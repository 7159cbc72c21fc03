"""Digest of the inputs of a verdict: the present code, the scenario's file, the options of the run."""

import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = ("quartier", "quartier_drivers", "quartier_native", "quartier_hil")
# Each scenario is digested by itself; what a build or a run leaves is no source, what it compiled is.
_ASIDE = ("scenarios", "__pycache__")
_PASSED_OVER = (".pyc", ".c", ".md")


def digest(scenario: Path, asked: Mapping[str, Any], code: str) -> str:
    """Sixteen digits: another scenario file, other code or another wish gives others.  Raises OSError."""
    made = hashlib.sha256(f"{code} {sorted(asked.items())}".encode())
    made.update(scenario.read_bytes())
    return made.hexdigest()[:16]


@cache
def code() -> str:
    """Sixteen digits of every file of gateway, drivers, kernels and rig, and of the Python that runs them.

    No version and no commit: neither knows of a line that was changed a moment ago.
    """
    made = hashlib.sha256(sys.version.encode())
    for folder in _folders():
        for path in sorted(_files(folder)):
            made.update(f"{folder.name}/{path.relative_to(folder)}\0".encode())
            made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()[:16]


def _folders() -> Iterator[Path]:
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None:
            raise RuntimeError(f"the package {name} is not installed")
        yield from (Path(place) for place in spec.submodule_search_locations or ())


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.suffix in _PASSED_OVER or set(_ASIDE) & set(path.relative_to(folder).parts):
            continue
        if path.is_file():
            yield path
