"""The key list in use; decide whether a new list may replace it (pure)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from quartier.district.documents import key_list
from quartier.district.documents.key_list import Issuer, KeyList
from quartier.site.records import Now
from quartier_drivers.errors import ConfigError, Fault


class OlderList(ConfigError):  # noqa: N818 - as Unsigned
    """A list that is older than the one in use, or a different one with the same number."""


class SwappedKey(ConfigError):  # noqa: N818 - as Unsigned
    """A list that gives a known kid to another key: its signatures would be trusted under a known name."""


class Keyring:
    """The key list in use.

    ``roots`` are the public keys (base64url) that may sign a list. Without any root, a plain file is trusted
    and no job can bring a list. ``kept`` is what ``facts`` returned in an earlier run.
    """

    def __init__(self, district: str, roots: Sequence[str], kept: Mapping[str, Any] | None = None) -> None:
        self.list = KeyList()
        self.source = ""
        self.roots = tuple(roots)
        self._district = district
        self._text = ""
        self._seq_min = -1
        self._load(kept or {})

    @property
    def issuers(self) -> Mapping[str, Issuer]:
        """Return the keys in use by ``kid``."""
        return self.list.issuers

    def facts(self) -> dict[str, Any]:
        """Return what must be on disk before a list is used, JSON-ready: no older list may come back."""
        return {"seq": self._seq_min, "list": self._text, "source": self.source}

    def check_list(self, text: str, file: str, *, signed: bool = False) -> KeyList | None:
        """Return the list in ``text`` if it replaces the one in use; None if it is the same.

        ``signed``: a plain list is not trusted, whoever brought it. Raises UnsignedList, OlderList,
        SwappedKey, or ConfigError with every fault.
        """
        if not self.roots and not signed:
            return self._check_names(KeyList(key_list.parse_plain_list(text, file)), file)
        found = key_list.open_signed_list(text, file, self.roots, self._district)
        seq = found.seq or 0
        if text.strip() == self._text:
            return None
        if seq < self._seq_min:
            raise OlderList([Fault(file, None, "seq", f"{seq} is older than {self._seq_min}, which counts")])
        if seq == self._seq_min:
            raise OlderList([Fault(file, None, "seq", f"{seq} was used for another list")])
        return self._check_names(found, file)

    def _check_names(self, found: KeyList, file: str) -> KeyList:
        what = "names another key than the list in use; expected a new kid for a new key"
        known = self.issuers
        faults = [
            Fault(file, None, kid, what)
            for kid, issuer in found.issuers.items()
            if kid in known and known[kid].fingerprint != issuer.fingerprint
        ]
        if faults:
            raise SwappedKey(faults)
        return found

    def take(self, found: KeyList, text: str, source: str) -> None:
        """Use a list that ``check_list`` returned from now on."""
        self.list = found
        self.source = source
        if found.seq is not None:
            self._text = text.strip()
            self._seq_min = found.seq

    def render_keys(self, used: Mapping[str, int], now: Now) -> dict[str, Any]:
        """Return the list for people, JSON-ready; ``used`` is when each key was last used (Unix ms)."""
        return {
            "roots": [
                key_list.make_fingerprint(raw)
                for root in self.roots
                if (raw := key_list.decode_raw_key(root))
            ],
            "signed_by": self.list.root,
            "seq": self.list.seq,
            "source": self.source,
            "keys": [_render_key(issuer, used.get(kid), now) for kid, issuer in self.issuers.items()],
        }

    def _load(self, kept: Mapping[str, Any]) -> None:
        """Load the list of an earlier run if a present root signed it; its number counts in any case."""
        match kept:
            case {"seq": int(seq), "list": str(text), "source": str(source)} if self.roots:
                pass
            case _:
                return
        with suppress(ConfigError):
            self.take(key_list.open_signed_list(text, "kept list", self.roots, self._district), text, source)
        self._seq_min = max(self._seq_min, seq)


def _render_key(issuer: Issuer, used_ms: int | None, now: Now) -> dict[str, Any]:
    return {
        "kid": issuer.kid,
        "types": sorted(issuer.types),
        "programs": None if issuer.programs is None else sorted(issuer.programs),
        "nbf_utc_ms": issuer.nbf_utc_ms,
        "exp_utc_ms": issuer.exp_utc_ms,
        "state": _find_state(issuer, now),
        "used_utc_ms": used_ms,
        "fingerprint": issuer.fingerprint,
    }


def _find_state(issuer: Issuer, now: Now) -> str:
    if issuer.exp_utc_ms is not None and now.utc_ms >= issuer.exp_utc_ms:
        return "expired"
    return "valid" if issuer.is_valid(now.utc_ms) else "not yet valid"
