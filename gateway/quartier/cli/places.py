"""Where things lie: what systemd says in the environment, else the usual places."""

import os
from pathlib import Path

CONFIG = Path("/etc/quartier/site.toml")


def runtime_dir() -> Path:
    """Socket, lock, journal and release table; a tmpfs on a gateway."""
    return Path(os.environ.get("RUNTIME_DIRECTORY", "/run/quartier"))


def state_dir() -> Path:
    """History, link state and boot numbers."""
    return Path(os.environ.get("STATE_DIRECTORY", "/var/lib/quartier"))
