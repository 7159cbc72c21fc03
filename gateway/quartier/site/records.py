"""Records that all packages use: the instant, an event of the gateway, and fast copies (pure).

A control cycle copies about thirty records, the largest of 32 fields, and changes a few fields of each.
``dataclasses.replace`` finds each field by its name and sets it with ``object.__setattr__``, which took a
tenth of the time of a cycle.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

# Issuers derive numbers from Unix milliseconds; a number further ahead than this comes from a wrong clock.
CLOCK_AHEAD_MAX_MS = 86_400_000


class Now(NamedTuple):
    """An instant: boot clock, wall clock, and whether the wall clock is trusted.

    ``ns`` are nanoseconds of the machine's boot clock, which never goes back and counts sleep too. ``utc_ms``
    are UTC milliseconds of the wall clock; ``synced`` says whether that is trusted. One is made for each
    answer of a device: a tuple takes a third of the time of a frozen dataclass.
    """

    ns: int
    utc_ms: int
    synced: bool

    def rejects_future(self, number: int) -> bool:
        """Return whether no right clock can have given this number: over a day ahead of our trusted clock.

        A number that was accepted before our clock was trusted must not block all that follow.
        """
        return self.synced and number > self.utc_ms + CLOCK_AHEAD_MAX_MS


RecordEvent = Callable[[str, str, Mapping[str, Any], Now], None]
"""Records an event of the gateway: its code, its text, its values, and when."""

__all__ = ["replace"]
_Copier = Callable[[Any, Mapping[str, Any]], Any]
_copiers: dict[type, _Copier] = {}
if TYPE_CHECKING:
    from dataclasses import replace  # mypy knows this one, and checks the names and types of the changes
else:

    def replace(record: Any, /, **changes: Any) -> Any:
        """Return a copy with these fields changed; raises TypeError for a field that the record lacks."""
        copier = _copiers.get(type(record)) or _find_copier(type(record))
        return copier(record, changes)


def _find_copier(record_type: type) -> _Copier:
    """Make the copier of a type, and keep it for the next call."""
    found = _make_copier(record_type) if _is_plain(record_type) else _copy_by_init
    _copiers[record_type] = found
    return found


def _is_plain(record_type: type) -> bool:
    """Return whether creating a record of this type does nothing but fill its slots."""
    if not dataclasses.is_dataclass(record_type) or hasattr(record_type, "__post_init__"):
        return False
    known = dataclasses.fields(record_type)
    return (
        all(field.init for field in known)
        and getattr(record_type, "__slots__", None) == tuple(field.name for field in known)
        and record_type.__bases__ == (object,)
        and record_type.__new__ is object.__new__
        and record_type.__dataclass_params__.init  # type: ignore[attr-defined]  # typeshed does not know it
    )


_SOURCE = """
def copy(record, changes):
    made = create(Draft)
{assignments}
    for name, value in changes.items():
        if name not in names:
            raise TypeError(f"{{Record.__name__}} has no field {{name!r}}")
        setattr(made, name, value)
    made.__class__ = Record
    return made
"""


def _make_copier(record_type: type) -> _Copier:
    """Compile a copier: it fills an unfrozen draft with the same slots, then changes its class."""
    names = tuple(field.name for field in dataclasses.fields(record_type))
    scope: dict[str, Any] = {
        "create": object.__new__,
        "names": frozenset(names),
        "Draft": type(record_type.__name__, (), {"__slots__": names}),
        "Record": record_type,
    }
    assignments = "\n".join(f"    made.{name} = record.{name}" for name in names)
    exec(_SOURCE.format(assignments=assignments), scope)  # noqa: S102 - as dataclasses writes its __init__
    copier: _Copier = scope["copy"]
    return copier


def _copy_by_init(record: Any, changes: Mapping[str, Any]) -> Any:
    return dataclasses.replace(record, **changes)
