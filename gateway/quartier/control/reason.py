"""A reason: a code of ``reason_codes`` with its values; text is made where it is shown."""

from functools import lru_cache
from typing import NamedTuple

from quartier.control.reason_codes import KINDS_BY_CODE, VALUE_NAMES
from quartier_drivers.who import OURS, Who

Value = float | str
_new = tuple.__new__  # what ``Reason(...)`` calls as well, but by names: that takes twice as long


class Reason(NamedTuple):
    """A code with its values, ``who`` wants it so, and until when (UTC) where that is known.

    ``values`` are pairs of name and value, in the order of the table.  ``source`` says whose limit it is.
    ``more`` goes on: what is done about it, or what adds to it.  ``who`` and ``until_utc_ms`` of the first
    count for all that is behind it.  It is a tuple: one is made each second for each asset.
    """

    code: str
    values: tuple[tuple[str, Value], ...] = ()
    who: Who = OURS
    until_utc_ms: int | None = None
    source: "Reason | None" = None
    more: "Reason | None" = None

    def __str__(self) -> str:
        """Return the English text of all parts."""
        return _text(self)

    @property
    def last(self) -> "Reason":
        """Return what is done in the end."""
        return self if self.more is None else self.more.last

    def drop_last(self) -> "Reason | None":
        """Return the same without its last part; None where it has one part."""
        return None if self.more is None else self._replace(more=self.more.drop_last())

    def get(self, name: str) -> Value | None:
        """Return a value by its name."""
        return next((value for key, value in self.values if key == name), None)

    def then(self, more: "Reason") -> "Reason":
        """Return the same with ``more`` behind it: whose it is stays."""
        code, values, who, until_utc_ms, source, here = self
        return _new(
            Reason, (code, values, who, until_utc_ms, source, more if here is None else here.then(more))
        )

    def limit_until(self, head: "Reason") -> "Reason":
        """Return this one behind ``head``, which takes over whose it is and until when."""
        return _new(Reason, (head.code, head.values, self.who, self.until_utc_ms, head.source, self))


@lru_cache(maxsize=1024)
def _text(reason: Reason) -> str:
    """Return the text of a reason; the same reasons stand for many cycles."""
    kind, values, more = KINDS_BY_CODE[reason.code], dict(reason.values), reason.more
    if "{more}" in kind.text:
        return kind.text.format(**values, more=more)
    words = kind.text.format(**values, source=reason.source)
    return words if more is None else f"{words}{KINDS_BY_CODE[more.code].joint}{more}"


def make_reason(  # each value is an argument of its own
    code: str,
    who: Who = OURS,
    until_utc_ms: int | None = None,
    source: Reason | None = None,
    more: Reason | None = None,
    **values: Value,
) -> Reason:
    """Return a reason with the values that its code has, in their order.

    Raises KeyError for an unknown code, ValueError for a value that is missing, too many or out of order.
    """
    if VALUE_NAMES[code] != tuple(values):
        raise ValueError(f"{code} has the values {VALUE_NAMES[code]}, not {tuple(values)}")
    return _new(Reason, (code, tuple(values.items()), who, until_utc_ms, source, more))


def make_rule_reason(code: str, name: str, **values: Value) -> Reason:
    """Return a reason of our own, by the name of its rule."""
    return make_reason(code, Who("rule", name), None, None, None, **values)


def make_grid_reason(code: str, name: str, **values: Value) -> Reason:
    """Return what the public grid made necessary, by the row of spec/failsafe.md#section-4."""
    return make_reason(code, Who("grid", name), None, None, None, **values)


def make_text_reason(text: str, who: Who = OURS, until_utc_ms: int | None = None) -> Reason:
    """Return a plain text as a reason: what a person wrote, and what an older version kept."""
    return make_reason("said", who, until_utc_ms, text=text)


def render_text(reason: Reason | None) -> str:
    """Return a reason as text; empty where there is none."""
    return "" if reason is None else str(reason)


def render_data(reason: Reason) -> dict[str, object]:
    """Return code and values of all parts, JSON-ready, for who shows a reason to a program."""
    found: dict[str, object] = {"code": reason.code, "values": dict(reason.values)}
    if reason.source is not None:
        found["source"] = render_data(reason.source)
    if reason.more is not None:
        found["more"] = render_data(reason.more)
    return found


NO_REASON = make_reason("free")
