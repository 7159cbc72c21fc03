"""Rows of the write ledger (pure).

An order that is written repeatedly is one row with a count. This applies to a lease that is refreshed, and to
a setpoint that follows its target for the same reason.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from quartier_drivers.contract import OWN_RULE, Origin

OrderOutcome = Literal["pending", "done", "refused", "unknown", "expired", "replaced"]
OrderEnd = Literal["", "replaced", "given back", "reverted", "overwritten"]
REPEATS_STORED_PERIOD_S = 600.0
"""The longest time in s until the store has the counts and times of an order that is only repeated."""
LEDGER_STREAM = "ledger"
"""The stream in which the store keeps the rows."""
_OUTCOMES = ("pending", "done", "refused", "unknown", "expired", "replaced")


@dataclass(slots=True, kw_only=True)  # while it is open it changes with every command: a copy each time costs
class LedgerEntry:
    """One row; ``(boot, number)`` is its key. All ``_ms`` are UTC; values are in the gateway's units.

    ``utc_ms`` is when the order was first wanted, ``last_ms`` when last. ``count`` is the number of commands
    made, ``resumed`` how often the row went on after other orders of the point (their times then overlap),
    ``low`` to ``high`` the range of their values, ``value`` the last of them (None: the device's own
    control takes over), ``before`` the value that the point showed when the first was made. ``expires_ms`` is
    when the last command expires; ``until_ms`` is until when the order is wanted.

    ``outcome`` is that of the last command, ``known_ms`` since when it is known, ``note`` the message of the
    device or bus for it, ``shown`` the value read back. ``fault`` is the message of the last command of the
    row that failed. ``fates`` counts the outcomes of the commands before the last one, ``writes`` the
    commands that were sent. ``end`` says how the order ended, at ``end_ms``.

    ``why`` is the reason as text for people, ``cause`` the same for programs, as in ``Command``; a row of an
    older version has the text only.
    """

    boot: int
    number: int
    point: str
    why: str
    utc_ms: int
    last_ms: int
    who: Origin = OWN_RULE
    count: int = 1
    resumed: int = 0
    writes: int = 0
    before: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    shown: float | None = None
    expires_ms: int | None = None
    until_ms: int | None = None
    outcome: OrderOutcome = "pending"
    known_ms: int | None = None
    note: str = ""
    fault: str = ""
    fates: dict[str, int] = field(default_factory=dict)
    end: OrderEnd = ""
    end_ms: int | None = None
    cause: dict[str, Any] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        """The asset of the point."""
        return self.point.partition(".")[0]

    @property
    def is_in_force(self) -> bool:
        """Return whether the order still holds, as far as this row knows."""
        return not self.end

    def data(self) -> dict[str, Any]:
        """Return the fields, JSON-ready, without those that have their default value."""
        mine = {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name, _MISSING)}
        if "who" in mine:
            mine["who"] = {name: value for name, value in mine["who"].items() if value}
        return mine

    def text(self) -> str:
        """Return the same as one line, for the store."""
        return json.dumps(self.data(), separators=(",", ":"), ensure_ascii=False)


_MISSING = object()
_DEFAULTS: Mapping[str, Any] = {
    "who": asdict(OWN_RULE),
    "count": 1,
    "resumed": 0,
    "writes": 0,
    "outcome": "pending",
    "note": "",
    "fault": "",
    "fates": {},
    "end": "",
    "cause": {},
    **dict.fromkeys(
        ("before", "value", "low", "high", "shown", "expires_ms", "until_ms", "known_ms", "end_ms")
    ),
}
_FIELD_NAMES = frozenset(one.name for one in fields(LedgerEntry))


def parse_entry(text: str) -> LedgerEntry:
    """Parse one row; fields of a later version are left out. Raises ValueError for an invalid row."""
    try:
        return load_entry(json.loads(text))
    except ValueError as error:
        raise ValueError(f"no row of the ledger: {error}") from error


def load_entry(data: Any) -> LedgerEntry:
    """Make an entry from the output of ``LedgerEntry.data``. Raises ValueError."""
    try:
        known = {name: value for name, value in data.items() if name in _FIELD_NAMES}
        known["who"] = Origin(**known.get("who", {"kind": OWN_RULE.kind}))
        made = LedgerEntry(**known)
    except (AttributeError, TypeError) as error:
        raise ValueError(str(error)) from error
    if made.outcome not in _OUTCOMES:
        raise ValueError(f"outcome {made.outcome!r} is none")
    return made
