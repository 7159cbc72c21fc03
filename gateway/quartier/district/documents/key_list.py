"""Parse the district's key list: who may sign what (pure).

A key is ``{kid, public_key, types, programs?, nbf?, exp?}``: the raw Ed25519 key in base64url, the document
types that it may sign, the programs whose envelopes it may sign, and its validity in Unix milliseconds. A
later entry is the newer key. If the site file names the root of the district, the list is ``{district, seq,
keys}`` as a compact JWS of that root; else it is the plain JSON list of the keys. Source: spec/sync.md#keys.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from quartier_drivers.errors import ConfigError, Fault

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_LIST_TYPE = "quartier-keys"
"""``typ`` in the header of a signed list: a token that a root signed for another purpose is not a list."""
KEY_LIST_MAX_BYTES = 48 * 1024
_KEYS_MAX = 64
_TIME_MAX_MS = 2**53

KeyTimeMs = Annotated[int, Field(ge=0, le=_TIME_MAX_MS)]


class _StrictForm(BaseModel):
    model_config = ConfigDict(
        defer_build=True, extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class KeyForm(_StrictForm):
    """One key, and what it may sign."""

    kid: str = Field(min_length=1, max_length=64)
    """Its name, as the header of a signature carries it."""
    public_key: str = Field(max_length=64)
    """The raw Ed25519 key, 32 bytes in base64url."""
    types: list[str] = Field(min_length=1, max_length=16)
    """Documents that it may sign: heartbeat, envelope, job …"""
    programs: list[str] | None = Field(default=None, min_length=1, max_length=16)
    """Programs whose envelopes it may sign, which no key may that does not name them; absent: all others."""
    nbf: KeyTimeMs | None = None
    """Valid from then on, Unix milliseconds."""
    exp: KeyTimeMs | None = None
    """Valid until before then, Unix milliseconds."""


class ListForm(_StrictForm):
    """Key list that the root key of the district signs."""

    district: str = Field(min_length=1, max_length=63)
    """The district whose gateways take it."""
    seq: int = Field(ge=0, le=2**64 - 1)
    """Rises with every list; an older one is refused.  Take it from Unix milliseconds."""
    keys: list[KeyForm] = Field(min_length=1, max_length=_KEYS_MAX)
    """The keys; of two the later one is newer."""


_PLAIN_LIST = TypeAdapter(list[KeyForm])


@dataclass(frozen=True, slots=True)
class Issuer:
    """One key. ``age`` rises with its position in the list: the newest key has the largest."""

    kid: str
    key: "Ed25519PublicKey"
    types: frozenset[str]
    age: int
    nbf_utc_ms: int | None = None
    exp_utc_ms: int | None = None
    programs: frozenset[str] | None = None
    fingerprint: str = ""

    def is_valid(self, utc_ms: int) -> bool:
        """Return whether the key may sign at this time."""
        started = self.nbf_utc_ms is None or self.nbf_utc_ms <= utc_ms
        return started and (self.exp_utc_ms is None or utc_ms < self.exp_utc_ms)


@dataclass(frozen=True, slots=True)
class KeyList:
    """A completely parsed list. ``seq`` and ``root`` (its fingerprint) are set for a signed list."""

    issuers: Mapping[str, Issuer] = field(default_factory=dict)
    seq: int | None = None
    root: str = ""


class UnsignedList(ConfigError):  # noqa: N818 - a state of the list, named as the house names it
    """A list that none of the roots signed for this district."""


def may_sign(issuer: Issuer, kind: str, program: str, among: Mapping[str, Issuer]) -> bool:
    """Return whether the key may sign this type of document, and of an envelope this program.

    A program that some key of the list names belongs to the keys that name it: so nobody else can replace the
    limits of the grid operator.
    """
    if kind not in issuer.types:
        return False
    if kind != "envelope":
        return True
    if issuer.programs is not None:
        return program in issuer.programs
    owned = (other.programs or frozenset() for other in among.values() if kind in other.types)
    return not any(program in programs for programs in owned)


def parse_plain_list(text: str, file: str = "issuers_file") -> Mapping[str, Issuer]:
    """Return the keys of a plain list by ``kid``. Raises ConfigError with every fault; never shows a key."""
    try:
        entries = _PLAIN_LIST.validate_python(json.loads(text))
    except ValidationError as error:
        raise ConfigError([_make_fault(file, item["loc"], item["msg"]) for item in error.errors()]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError([Fault(file, None, "", f"no JSON list of keys: {error}")]) from None
    return _make_issuers(entries, file)


def open_signed_list(text: str, file: str, roots: Sequence[str], district: str) -> KeyList:
    """Return a list that one of the ``roots`` (base64url) signed for the ``district``.

    Raises UnsignedList if none did, ConfigError with every fault of its content.
    """
    payload, root = _verify_list(text.strip(), file, roots)
    try:
        found = ListForm.model_validate_json(payload)
    except ValidationError as error:
        raise ConfigError([_make_fault(file, item["loc"], item["msg"]) for item in error.errors()]) from None
    if found.district != district:
        raise UnsignedList([Fault(file, None, "district", f"is {found.district!r}; expected {district!r}")])
    return KeyList(_make_issuers(found.keys, file), found.seq, root)


def _verify_list(text: str, file: str, roots: Sequence[str]) -> tuple[bytes, str]:
    from quartier.district.documents import (  # noqa: PLC0415 - 8 MiB that nobody needs before the first key
        signatures,
    )

    if len(text) > KEY_LIST_MAX_BYTES:
        raise ConfigError(
            [Fault(file, None, "", f"{len(text)} bytes; expected at most {KEY_LIST_MAX_BYTES}")]
        )
    why = "the site file names no root (district_link.root_keys)"
    for root in roots:
        raw = decode_raw_key(root)
        if raw is None:
            continue
        try:
            if signatures.read_header(text).get("typ") != KEY_LIST_TYPE:
                why = f"it is no signed key list; expected typ {KEY_LIST_TYPE!r} in its header"
                break
            return signatures.open_token(text, signatures.make_public_key(raw)), make_fingerprint(raw)
        except signatures.BrokenSignature as error:
            why = f"no root of the site file signed it: {error}"
    raise UnsignedList([Fault(file, None, "", why)])


def _make_issuers(entries: Sequence[KeyForm], file: str) -> Mapping[str, Issuer]:
    faults: list[Fault] = []
    if len(entries) > _KEYS_MAX:
        faults.append(Fault(file, None, "", f"{len(entries)} keys; expected at most {_KEYS_MAX}"))
    found: dict[str, Issuer] = {}
    for place, entry in enumerate(entries):
        faults.extend(_find_faults(file, place, entry, found))
        if (issuer := _make_issuer(entry, place)) is None:
            what = "no Ed25519 key; expected 32 bytes in base64url"
            faults.append(Fault(file, None, f"{place}.public_key", what))
            continue
        found[entry.kid] = issuer
    if faults:
        raise ConfigError(faults)
    return found


def _make_issuer(entry: KeyForm, place: int) -> Issuer | None:
    from quartier.district.documents import signatures  # noqa: PLC0415 - as above

    raw = decode_raw_key(entry.public_key)
    if raw is None:
        return None
    return Issuer(
        entry.kid,
        signatures.make_public_key(raw),
        frozenset(entry.types),
        place,
        entry.nbf,
        entry.exp,
        None if entry.programs is None else frozenset(entry.programs),
        make_fingerprint(raw),
    )


def _find_faults(file: str, place: int, entry: KeyForm, before: Collection[str]) -> Iterator[Fault]:
    if entry.kid in before:
        yield Fault(file, None, f"{place}.kid", f"{entry.kid!r} is listed twice")
    if entry.nbf is not None and entry.exp is not None and entry.exp <= entry.nbf:
        yield Fault(file, None, f"{place}.exp", "not after nbf")
    if entry.programs is not None and "envelope" not in entry.types:
        yield Fault(file, None, f"{place}.programs", "is set without the type envelope; expected both")


def _make_fault(file: str, place: tuple[int | str, ...], what: str) -> Fault:
    return Fault(file, None, ".".join(str(part) for part in place), what)


def decode_raw_key(text: str) -> bytes | None:
    """Return the 32 bytes of an Ed25519 key in base64url; None if it is invalid."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == 32 else None


def make_fingerprint(raw: bytes) -> str:
    """Return the thumbprint of an Ed25519 key (RFC 7638, members as of RFC 8037 appendix A.3)."""
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": x}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(members.encode()).digest()).rstrip(b"=").decode()
