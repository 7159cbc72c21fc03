"""Reads the rig's TOML files: scenarios, benches, sites, events."""

from pathlib import Path
from typing import Any

from quartier_drivers.device_profile.toml_files import read_text, read_toml
from quartier_drivers.errors import ConfigError, Fault


def read(path: Path) -> dict[str, Any]:
    """The tables of a file.  Raises ConfigError where it cannot be read or is not valid TOML."""
    try:
        return read_toml(str(path), read_text(path))
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error
