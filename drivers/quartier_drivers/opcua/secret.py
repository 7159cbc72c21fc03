"""Passwords and keys that a section of the site file names: read when needed, never printed."""

import os
from collections.abc import Mapping
from pathlib import Path

from quartier_drivers.errors import LinkLost

CREDENTIAL = "credential:"


def read(reference: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """Return what stands in the file of a path, or of ``credential:NAME`` of systemd.

    Raises LinkLost that says what is wrong, never what stands there.
    """
    path = Path(reference)
    if reference.startswith(CREDENTIAL):
        folder = environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise LinkLost(
                f"{reference}: systemd gave no credentials; expected LoadCredential= in the unit, or a path"
            )
        path = Path(folder) / reference.removeprefix(CREDENTIAL)
    try:
        return path.read_bytes()
    except OSError as error:
        raise LinkLost(f"{reference} cannot be read: {error.strerror}") from None


def password(reference: str, environ: Mapping[str, str] = os.environ) -> str:
    """A password: the first line of its file.  Raises LinkLost as ``read`` does."""
    try:
        return read(reference, environ).decode("utf-8").splitlines()[0]
    except (UnicodeDecodeError, IndexError):
        raise LinkLost(f"{reference} holds no password: it is empty, or not UTF-8") from None
