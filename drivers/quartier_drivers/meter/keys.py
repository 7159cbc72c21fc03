"""Keys of encrypted meters, and the invocation counters of their telegrams.

The file is TOML: ``encryption_key`` and ``authentication_key`` in hex (32 digits for AES-128), ``password``
as text, or in hex after ``hex:``.

IEC 62056-5-3 (Green Book 9.2.7.2.2): the counter rises with each telegram while a key is in use; a telegram
whose counter does not rise was sent again.  A meter may still restart its counter, after a repair or a power
cut: it is accepted after enough telegrams in a row without a gap, or it would be silent for years.
"""

import contextlib
import os
import stat
import tomllib
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quartier_drivers.errors import ConfigError, Fault

CREDENTIAL = "credential:"
_HEX_KEYS = ("encryption_key", "authentication_key")
_SIZE = 16


@dataclass(frozen=True, slots=True)
class MeterKeys:
    """The keys for a meter's messages; empty where none is needed.  The repr reveals nothing."""

    encryption_key: bytes = field(default=b"", repr=False)
    authentication_key: bytes = field(default=b"", repr=False)
    password: bytes = field(default=b"", repr=False)


NO_KEYS = MeterKeys()


def load_keys(reference: str, environ: Mapping[str, str] = os.environ) -> MeterKeys:
    """Read the keys from a path, or from ``credential:NAME``; none for an empty reference.

    Raises ConfigError that says what is wrong, never what the file contains.
    """
    if not reference:
        return NO_KEYS
    try:
        data = tomllib.loads(_find_path(reference, environ).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Fault(reference, None, "file", f"cannot be read: {error.strerror}")]) from None
    except ValueError:  # no TOML, no UTF-8: what it is may be the key itself
        raise ConfigError([Fault(reference, None, "file", "is not TOML in UTF-8")]) from None
    return _check_keys(reference, data)


def find_open_access(reference: str) -> Iterator[str]:
    """Yield why a key file is not secret, in words; nothing for a credential or a secret file."""
    if not reference or reference.startswith(CREDENTIAL):
        return
    with contextlib.suppress(OSError):
        mode = stat.S_IMODE(Path(reference).stat().st_mode)
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield f"{reference} is open to others (mode {mode:04o}); expected chmod 0640 or tighter"


def _find_path(reference: str, environ: Mapping[str, str]) -> Path:
    if not reference.startswith(CREDENTIAL):
        return Path(reference)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        what = "systemd gave no credentials; expected LoadCredential= in the unit, or a path"
        raise ConfigError([Fault(reference, None, "file", what)])
    return Path(folder) / reference.removeprefix(CREDENTIAL)


def _check_keys(reference: str, data: Mapping[str, Any]) -> MeterKeys:
    faults, found = [], {}
    for key, text in data.items():
        what = ""
        if key not in (*_HEX_KEYS, "password"):
            what = f"is an unknown key; expected {', '.join(_HEX_KEYS)} or password"
        elif not isinstance(text, str):
            what = "is no text"
        elif key == "password":
            found[key] = _parse_password(text)
        else:
            found[key] = _parse_bytes(text)
            if len(found[key]) != _SIZE:
                what = "is no key, expected 32 hex digits (AES-128)"
        if what:
            faults.append(Fault(reference, None, key, what))
    if faults:
        raise ConfigError(faults)
    return MeterKeys(**found)


def _parse_bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _parse_password(text: str) -> bytes:
    return _parse_bytes(text.removeprefix("hex:")) if text.startswith("hex:") else text.encode()


SENDERS_MAX = 16
ANEW_COUNT = 16
"""This many telegrams in a row, each counted one further, show a restarted counter."""


class InvocationCounters:
    """The last counter per sender; at most ``SENDERS_MAX`` senders are remembered."""

    def __init__(self) -> None:
        self._last: OrderedDict[Hashable, int] = OrderedDict()
        self._anew: dict[Hashable, tuple[int, int]] = {}

    def take(self, sender: Hashable, counter: int) -> int | None:
        """Count a valid telegram and return None.

        For a repeated one, which does not count, the last counter.
        """
        last = self._last.get(sender)
        if last is not None and counter <= last and not self._begins_anew(sender, counter):
            return last
        self._anew.pop(sender, None)
        self._last[sender] = counter
        self._last.move_to_end(sender)
        while len(self._last) > SENDERS_MAX:
            gone, _ = self._last.popitem(last=False)
            self._anew.pop(gone, None)
        return None

    def _begins_anew(self, sender: Hashable, counter: int) -> bool:
        before, count = self._anew.get(sender, (counter, 0))
        count = count + 1 if counter == before + 1 else 1
        self._anew[sender] = counter, count
        return count >= ANEW_COUNT
