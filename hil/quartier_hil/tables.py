"""Reads the rig's TOML files: scenarios, benches, sites, events."""

import tomllib
from pathlib import Path
from typing import Any

from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.place import syntax_fault


def read(path: Path) -> dict[str, Any]:
    """The tables of a file.  Raises ConfigError where it cannot be read, or with the line that is no TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise ConfigError([syntax_fault(str(path), error)]) from error
