"""The district's keys in a folder: an offline root, keys by role, and the list that the root signs.

``root.pem`` belongs on a machine without a network; here it lies beside the others, for trials.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from jwt.api_jws import PyJWS

from quartier_district.signed_documents import SigningKey, encode_base64url

KEY_ROLES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "optimiser": {
        "types": ["heartbeat", "envelope", "schedule", "failsafe", "signal", "command", "watermark"]
    },
    "dso": {"types": ["envelope"], "programs": ["dso"]},
    "jobs": {"types": ["job"]},
}
"""Document types that each role may sign; the grid operator signs envelopes of its own program only."""
DAY_MS = 86_400_000
YEAR_MS = 366 * DAY_MS
KEY_LIST_FILE = "keys.jws"
_LIST_BODY_FILE = "list.json"


def sign_key_list(root: SigningKey, body: Mapping[str, Any]) -> str:
    """A key list as a compact JWS of the root; its ``kid`` is a name for people only."""
    payload = json.dumps(body, separators=(",", ":")).encode()
    headers = {"typ": "quartier-keys", "kid": root.kid}
    return PyJWS().encode(payload, root.private, algorithm="EdDSA", headers=headers)


def encode_public_key(key: SigningKey) -> str:
    """The public half in base64url, as ``root_keys`` of a site file holds it."""
    raw = key.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return encode_base64url(raw)


class KeyFolder:
    """A district's keys on disk.  Times are Unix milliseconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path, district: str, now_ms: int) -> "KeyFolder":
        """A root and one key for each role.  Raises FileExistsError where there is one already."""
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "root.pem").exists():
            raise FileExistsError(f"{folder} holds a root already")
        SigningKey.fresh("root").save(folder)
        made = cls(folder)
        keys = [made._entry(role, 1, now_ms) for role in KEY_ROLES]
        made._sign({"district": district, "seq": now_ms, "keys": keys})
        return made

    @property
    def root(self) -> SigningKey:
        """The root."""
        return SigningKey.load(self.folder / "root.pem")

    @property
    def body(self) -> dict[str, Any]:
        """The content of the key list."""
        found: dict[str, Any] = json.loads((self.folder / _LIST_BODY_FILE).read_text())
        return found

    @property
    def list(self) -> str:
        """The signed list."""
        return (self.folder / KEY_LIST_FILE).read_text().strip()

    def key(self, role: str) -> SigningKey:
        """The newest key of a role."""
        key_ids = [entry["kid"] for entry in self.body["keys"] if _get_role(entry["kid"]) == role]
        return SigningKey.load(self.folder / f"{key_ids[-1]}.pem")

    def roll(self, role: str, now_ms: int, overlap_ms: int = 30 * DAY_MS) -> str:
        """Make the next key of a role; the one before lives on for the overlap.  Returns its name."""
        body = self.body
        older = [entry for entry in body["keys"] if _get_role(entry["kid"]) == role]
        number = max((int(entry["kid"].rpartition("-")[2]) for entry in older), default=0) + 1
        for entry in older:
            entry["exp"] = min(entry["exp"], now_ms + overlap_ms)
        # Two live at once; what has ended goes.
        gone = {entry["kid"] for entry in older[:-1]}
        keys = [entry for entry in body["keys"] if entry["kid"] not in gone]
        fresh = self._entry(role, number, now_ms)
        self._sign({**body, "seq": max(now_ms, body["seq"] + 1), "keys": [*keys, fresh]})
        return str(fresh["kid"])

    def drop(self, kid: str, now_ms: int) -> None:
        """Take a key off the list, at once.  Raises KeyError where it is not there."""
        body = self.body
        keys = [entry for entry in body["keys"] if entry["kid"] != kid]
        if len(keys) == len(body["keys"]):
            raise KeyError(f"no key is called {kid}")
        self._sign({**body, "seq": max(now_ms, body["seq"] + 1), "keys": keys})

    def _entry(self, role: str, number: int, now_ms: int) -> dict[str, Any]:
        key = SigningKey.fresh(f"{role}-{number}")
        key.save(self.folder)
        window = {"nbf": now_ms - 60_000, "exp": now_ms + YEAR_MS}
        return {
            "kid": key.kid,
            "public_key": encode_public_key(key),
            **_copy_rights(KEY_ROLES[role]),
            **window,
        }

    def _sign(self, body: Mapping[str, Any]) -> None:
        (self.folder / _LIST_BODY_FILE).write_text(json.dumps(body, indent=2) + "\n")
        (self.folder / KEY_LIST_FILE).write_text(sign_key_list(self.root, body) + "\n")


def _get_role(kid: str) -> str:
    return kid.rpartition("-")[0]


def _copy_rights(rights: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: list(words) for name, words in rights.items()}
