"""Keys of meters that encrypt: from a file or a systemd credential, never printed.

The file is TOML: ``encryption_key`` and ``authentication_key`` in hex (32 digits for AES-128), ``password``
as text, or in hex after ``hex:``.
"""

import contextlib
import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier_drivers.errors import ConfigError, Fault

CREDENTIAL = "credential:"
_HEX_KEYS = ("encryption_key", "authentication_key")
_SIZE = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys for a meter's messages; empty where none is needed.  The repr reveals nothing."""

    encryption_key: bytes = field(default=b"", repr=False)
    authentication_key: bytes = field(default=b"", repr=False)
    password: bytes = field(default=b"", repr=False)


NO_KEYS = Keys()


def load(reference: str, environ: Mapping[str, str] = os.environ) -> Keys:
    """Read the keys from a path, or from ``credential:NAME``; none for an empty reference.

    Raises ConfigError that says what is wrong, never what the file contains.
    """
    if not reference:
        return NO_KEYS
    try:
        data = tomllib.loads(_path(reference, environ).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Fault(reference, None, "file", f"cannot be read: {error.strerror}")]) from None
    except ValueError:  # no TOML, no UTF-8: what it is may be the key itself
        raise ConfigError([Fault(reference, None, "file", "is not TOML in UTF-8")]) from None
    return _checked(reference, data)


def openness(reference: str) -> Iterator[str]:
    """Yield why a key file is not secret, in words; nothing for a credential or a secret file."""
    if not reference or reference.startswith(CREDENTIAL):
        return
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(Path(reference).stat().st_mode)
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield f"{reference} is open to others (mode {mode:04o}); expected chmod 0640 or tighter"


def _path(reference: str, environ: Mapping[str, str]) -> Path:
    if not reference.startswith(CREDENTIAL):
        return Path(reference)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        what = "systemd gave no credentials; expected LoadCredential= in the unit, or a path"
        raise ConfigError([Fault(reference, None, "file", what)])
    return Path(folder) / reference.removeprefix(CREDENTIAL)


def _checked(reference: str, data: Mapping[str, Any]) -> Keys:
    faults, found = [], {}
    for key, text in data.items():
        what = ""
        if key not in (*_HEX_KEYS, "password"):
            what = f"is no known key; expected {', '.join(_HEX_KEYS)} or password"
        elif not isinstance(text, str):
            what = "is no text"
        elif key == "password":
            found[key] = _password(text)
        else:
            found[key] = _bytes(text)
            if len(found[key]) != _SIZE:
                what = "is no key, expected 32 hex digits (AES-128)"
        if what:
            faults.append(Fault(reference, None, key, what))
    if faults:
        raise ConfigError(faults)
    return Keys(**found)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _password(text: str) -> bytes:
    return _bytes(text.removeprefix("hex:")) if text.startswith("hex:") else text.encode()
