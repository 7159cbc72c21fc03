"""Report certificates and keys 90, 30 and 7 days before they expire (pure).

Source: spec/sync.md#keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quartier.district.documents.key_list import Issuer
from quartier.district.records import ExpiringCredential, Note

NOTICE_DAYS = (0, 7, 30, 90)
ALARM_DAYS = 7
_DAY_MS = 86_400_000


class ExpiryNotices:
    """Notices already given per credential; ``kept`` is what ``facts`` returned in an earlier run."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self.soon: dict[str, str] = {}
        """Credentials with at most seven days left and no successor, with the text of the notice."""
        self._given_steps = {name: step for name, pair in (kept or {}).items() if (step := _parse_step(pair))}

    def facts(self) -> dict[str, Any]:
        """Return per credential its expiry and the last notice given, JSON-ready."""
        return {name: list(step) for name, step in self._given_steps.items()}

    def due(self, credentials: Iterable[ExpiringCredential], utc_ms: int) -> list[Note]:
        """Return the notices that are due now. A renewed credential starts again."""
        credentials = list(credentials)
        self.soon = {
            credential.name: _render_text(credential, utc_ms)
            for credential in credentials
            if _is_soon(credential, utc_ms)
        }
        notes: list[Note] = []
        steps: dict[str, tuple[int, int]] = {}
        for credential in credentials:
            left_ms = credential.exp_utc_ms - utc_ms
            step = next((days for days in NOTICE_DAYS if left_ms <= days * _DAY_MS), None)
            before = self._given_steps.get(credential.name)
            if before is not None and before[0] == credential.exp_utc_ms:
                steps[credential.name] = before
                if step is None or step >= before[1]:
                    continue
            if step is not None:
                steps[credential.name] = (credential.exp_utc_ms, step)
                days = max(left_ms, 0) // _DAY_MS
                data = {"credential": credential.name, "days": days, "exp_utc_ms": credential.exp_utc_ms}
                notes.append(Note("district.expiry_near", _render_text(credential, utc_ms), data))
        self._given_steps = steps
        return notes


def iterate_expiring_keys(issuers: Mapping[str, Issuer]) -> Iterator[ExpiringCredential]:
    """Yield the keys of a list that expire.

    A key counts as replaced if a newer key may sign everything that it may, for longer.
    """
    for issuer in issuers.values():
        if issuer.exp_utc_ms is not None:
            replaced = any(_replaces(other, issuer) for other in issuers.values())
            yield ExpiringCredential(f"key {issuer.kid}", issuer.exp_utc_ms, replaced)


def _replaces(other: Issuer, issuer: Issuer) -> bool:
    longer = other.exp_utc_ms is None or other.exp_utc_ms > (issuer.exp_utc_ms or 0)
    covers = issuer.types <= other.types and (
        other.programs is None
        if issuer.programs is None
        else other.programs is not None and issuer.programs <= other.programs
    )
    return other.age > issuer.age and longer and covers


def _is_soon(credential: ExpiringCredential, utc_ms: int) -> bool:
    return not credential.replaced and credential.exp_utc_ms - utc_ms <= ALARM_DAYS * _DAY_MS


def _render_text(credential: ExpiringCredential, utc_ms: int) -> str:
    left_ms = credential.exp_utc_ms - utc_ms
    what = "has expired" if left_ms <= 0 else f"expires in {left_ms // _DAY_MS} days"
    text = f"{credential.name} {what}"
    return f"{text}, and has a successor" if credential.replaced else text


def _parse_step(pair: object) -> tuple[int, int] | None:
    match pair:
        case [int(exp_utc_ms), int(days)]:
            return exp_utc_ms, days
        case _:
            return None
