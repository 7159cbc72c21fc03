"""Read the TOML files of the rig, and append to its files of JSON lines.
A file of JSON lines is never rewritten, so that interrupted work can continue.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from quartier_drivers.device_profile.toml_files import read_text, read_toml
from quartier_drivers.errors import ConfigError, Fault


def read_toml_file(path: Path) -> dict[str, Any]:
    """The tables of a file.  Raises ConfigError where it cannot be read or is not valid TOML."""
    try:
        return read_toml(str(path), read_text(path))
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from error


class JsonLinesFile:
    """A file that several processes may append to; what cannot be read is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one down, on the disk before this returns; a line that a kill cut off spoils none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            torn = False
            if end:
                file.seek(end - 1)
                torn = file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> Iterator[dict[str, Any]]:
        """All there are, oldest first; none where there is no file."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield found
