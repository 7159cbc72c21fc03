"""Who may sign what: the key list of the district (pure).

A JSON list of ``{kid, public_key, types, nbf?, exp?}``: the raw Ed25519 key in base64url, the
document types it may sign, its validity in Unix milliseconds.  A later entry is the newer key.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from quartier_drivers.errors import ConfigError, Fault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_KEYS_MAX = 64


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kid: str = Field(min_length=1, max_length=64)
    public_key: str = Field(max_length=64)
    types: list[str] = Field(min_length=1, max_length=16)
    nbf: int | None = Field(default=None, ge=0)
    exp: int | None = Field(default=None, ge=0)


_LIST = TypeAdapter(list[_Entry])


@dataclass(frozen=True, slots=True)
class Issuer:
    """One key.  ``age`` rises with its place in the list: the newest key has the largest."""

    kid: str
    key: "Ed25519PublicKey"
    types: frozenset[str]
    age: int
    nbf_utc_ms: int | None = None
    exp_utc_ms: int | None = None

    def is_valid(self, utc_ms: int) -> bool:
        """Whether the key may sign at this time."""
        started = self.nbf_utc_ms is None or self.nbf_utc_ms <= utc_ms
        return started and (self.exp_utc_ms is None or utc_ms < self.exp_utc_ms)


def read(text: str, file: str = "issuers_file") -> Mapping[str, Issuer]:
    """The key list by ``kid``.  Raises ConfigError with every fault; never shows a key."""
    try:
        entries = _LIST.validate_python(json.loads(text))
    except ValidationError as error:
        raise ConfigError([_fault(file, item["loc"], item["msg"]) for item in error.errors()]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([Fault(file, None, "", f"no JSON list of keys: {error}")]) from None
    faults: list[Fault] = []
    if len(entries) > _KEYS_MAX:
        faults.append(Fault(file, None, "", f"{len(entries)} keys; expected at most {_KEYS_MAX}"))
    found: dict[str, Issuer] = {}
    for place, entry in enumerate(entries):
        faults.extend(_faults(file, place, entry, found))
        if (key := _key(entry.public_key)) is None:
            faults.append(
                Fault(file, None, f"{place}.public_key", "no Ed25519 key; expected 32 bytes in base64url")
            )
            continue
        found[entry.kid] = Issuer(entry.kid, key, frozenset(entry.types), place, entry.nbf, entry.exp)
    if faults:
        raise ConfigError(faults)
    return found


def _faults(file: str, place: int, entry: _Entry, before: Mapping[str, Issuer]) -> Iterator[Fault]:
    if entry.kid in before:
        yield Fault(file, None, f"{place}.kid", f"{entry.kid!r} stands twice")
    if entry.nbf is not None and entry.exp is not None and entry.exp <= entry.nbf:
        yield Fault(file, None, f"{place}.exp", "not after nbf")


def _fault(file: str, place: tuple[int | str, ...], what: str) -> Fault:
    return Fault(file, None, ".".join(str(part) for part in place), what)


def _key(text: str) -> "Ed25519PublicKey | None":
    from quartier.district import seal  # noqa: PLC0415 - 8 MiB that nobody needs before the first key

    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return seal.key(raw)
    except (ValueError, binascii.Error):
        return None
