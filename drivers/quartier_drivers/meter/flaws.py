"""Finds contradictions in a point of a meter's profile whose keys are each well-formed.  Pure."""

from collections.abc import Mapping

from quartier_drivers.flaws import Flaw, name_flaws, quantity_flaws
from quartier_drivers.meter.schema import OF_NOW, Statement
from quartier_drivers.meter.units import known, worth
from quartier_drivers.points import word


def statement_flaws(quantity: str, statement: Statement, scan: Mapping[str, float]) -> list[Flaw]:
    """Return the flaws of a point of a meter."""
    flaws = quantity_flaws(quantity, statement, scan)
    if name_flaws(quantity):
        return flaws
    return flaws + [(key, what) for wrong, key, what in _rules(quantity, statement) if wrong]


def _rules(quantity: str, one: Statement) -> list[tuple[bool, str, str]]:
    said = word(quantity)
    is_text = said.kind == "text"
    plain = one.form in ("number", "hex")
    texts = one.values is not None and any(isinstance(name, str) for name in one.values.values())
    return [
        (not one.group and not one.select, "group", "is missing: the label of the group, or select"),
        (
            bool(one.unit) and bool(said.unit) and worth(one.unit, said.unit) is None,
            "unit",
            f"{one.unit!r} is worth nothing in {quantity}, expected one of {', '.join(known(said.unit))}",
        ),
        (bool(one.unit) and not said.unit, "unit", f"does not fit {quantity}, which has none"),
        (is_text and plain and one.values is None, "form", f"expected 'text', for {quantity} is one"),
        (not is_text and one.form == "text" and one.values is None, "form", f"does not fit {quantity}"),
        (one.form in OF_NOW and said.unit != "s", "form", f"{one.form!r} fits points in _s only"),
        (one.bit is not None and one.bits is not None, "bits", "stands beside bit; expected one of them"),
        (one.mask is not None and one.field is not None, "mask", "stands beside bit; expected one of them"),
        (one.mask is not None and not plain, "mask", f"does not fit form {one.form!r}"),
        (one.field is not None and not plain, "bit", f"does not fit form {one.form!r}"),
        (texts and not is_text, "values", f"expected numbers, for {quantity} is no text"),
        (
            one.values is not None and is_text and not texts,
            "values",
            f"expected names, for {quantity} is a text",
        ),
        (is_text and one.unstated is not None, "unstated", "does not fit a text"),
        (
            bool(one.unstated_beside) and one.unstated is None,
            "unstated_beside",
            "wants unstated: the value in telegrams that state these groups and not this one",
        ),
        (is_text and (one.scale, one.offset, one.sign) != (1.0, 0.0, 1), "scale", "does not fit a text"),
        (
            bool(one.minus) and (is_text or not plain or one.field is not None),
            "minus",
            "fits plain numbers only",
        ),
        (one.counter is not None and bool(one.minus), "minus", "does not fit a counter, which never shrinks"),
        (
            one.counter is not None and said.kind not in ("float", "int"),
            "counter",
            f"does not fit {quantity}",
        ),
    ]
