"""Reasons: a code of ``reason_codes`` with its values; text is made where it is shown."""

from functools import lru_cache
from typing import NamedTuple

from quartier.control.reason_codes import KINDS_BY_CODE, VALUE_NAMES
from quartier_drivers.contract import OWN_RULE, Origin

Value = float | str
_new = tuple.__new__  # ``Reason(...)`` calls it too, but by names, which takes twice as long


class Reason(NamedTuple):
    """A code with its values, who requests it, and until when (UTC) if that is known.

    ``values`` are pairs of name and value, in the order of the table. ``source`` is the reason of the limit
    itself. ``more`` continues the reason: what is done about it, or what adds to it. ``who`` and
    ``until_utc_ms`` of the first part count for all parts behind it. It is a tuple because one is made each
    second for each asset.
    """

    code: str
    values: tuple[tuple[str, Value], ...] = ()
    who: Origin = OWN_RULE
    until_utc_ms: int | None = None
    source: "Reason | None" = None
    more: "Reason | None" = None

    def __str__(self) -> str:
        """Return the English text of all parts."""
        return _text(self)

    @property
    def last(self) -> "Reason":
        """The last part: the action taken in the end."""
        return self if self.more is None else self.more.last

    def drop_last(self) -> "Reason | None":
        """Return the reason without its last part; None if it has only one part."""
        return None if self.more is None else self._replace(more=self.more.drop_last())

    def get(self, name: str) -> Value | None:
        """Return the value with this name; None if there is none."""
        return next((value for key, value in self.values if key == name), None)

    def then(self, more: "Reason") -> "Reason":
        """Return this reason with ``more`` behind it; owner and end stay."""
        code, values, who, until_utc_ms, source, here = self
        return _new(
            Reason, (code, values, who, until_utc_ms, source, more if here is None else here.then(more))
        )

    def limit_until(self, head: "Reason") -> "Reason":
        """Return this reason behind ``head``; the result keeps this reason's owner and end."""
        return _new(Reason, (head.code, head.values, self.who, self.until_utc_ms, head.source, self))


@lru_cache(maxsize=1024)
def _text(reason: Reason) -> str:
    """Return the text of a reason. Cached, because the same reasons stay for many cycles."""
    kind, values, more = KINDS_BY_CODE[reason.code], dict(reason.values), reason.more
    if "{more}" in kind.text:
        return kind.text.format(**values, more=more)
    words = kind.text.format(**values, source=reason.source)
    return words if more is None else f"{words}{KINDS_BY_CODE[more.code].joint}{more}"


def make_reason(  # each value is an argument of its own
    code: str,
    who: Origin = OWN_RULE,
    until_utc_ms: int | None = None,
    source: Reason | None = None,
    more: Reason | None = None,
    **values: Value,
) -> Reason:
    """Make a reason with the values of its code, in their order.

    Raises KeyError for an unknown code, ValueError for values that are missing, surplus or out of order.
    """
    if VALUE_NAMES[code] != tuple(values):
        raise ValueError(f"{code} has the values {VALUE_NAMES[code]}, not {tuple(values)}")
    return _new(Reason, (code, tuple(values.items()), who, until_utc_ms, source, more))


def make_rule_reason(code: str, name: str, **values: Value) -> Reason:
    """Make a reason of the gateway itself; ``name`` is the name of its rule."""
    return make_reason(code, Origin("rule", name), None, None, None, **values)


def make_grid_reason(code: str, name: str, **values: Value) -> Reason:
    """Make a reason caused by the public grid; ``name`` is the row of spec/failsafe.md#section-4."""
    return make_reason(code, Origin("grid", name), None, None, None, **values)


def make_text_reason(text: str, who: Origin = OWN_RULE, until_utc_ms: int | None = None) -> Reason:
    """Make a reason from plain text: text that a person wrote, or that an older version stored."""
    return make_reason("text", who, until_utc_ms, text=text)


def render_text(reason: Reason | None) -> str:
    """Return a reason as text; empty if there is none."""
    return "" if reason is None else str(reason)


def render_data(reason: Reason) -> dict[str, object]:
    """Return code and values of all parts, JSON-ready, for programs."""
    found: dict[str, object] = {"code": reason.code, "values": dict(reason.values)}
    if reason.source is not None:
        found["source"] = render_data(reason.source)
    if reason.more is not None:
        found["more"] = render_data(reason.more)
    return found


NO_REASON = make_reason("free")
