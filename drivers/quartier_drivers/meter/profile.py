"""Profiles of meters, and their contradictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_drivers.device_profile.profile_check import Profile, ProfileCheck
from quartier_drivers.device_profile.rules import ProfileFault, check_quantity, check_quantity_name
from quartier_drivers.device_profile.schema import ProfileHead
from quartier_drivers.meter.protocol import load_meter_protocol
from quartier_drivers.meter.schema import CLOCK_FORMS, MeterMarks, MeterPoint
from quartier_drivers.meter.units import find_factor, list_units
from quartier_drivers.points import parse_quantity


def check_statement(quantity: str, statement: MeterPoint, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the flaws of a point of a meter."""
    flaws = check_quantity(quantity, statement, scan)
    if check_quantity_name(quantity):
        return flaws
    return flaws + [(key, what) for wrong, key, what in _make_rules(quantity, statement) if wrong]


def _make_rules(quantity: str, one: MeterPoint) -> list[tuple[bool, str, str]]:
    said = parse_quantity(quantity)
    is_text = said.kind == "text"
    plain = one.form in ("number", "hex")
    texts = one.values is not None and any(isinstance(name, str) for name in one.values.values())
    return [
        (not one.group and not one.select, "group", "is missing: the label of the group, or select"),
        (
            bool(one.unit) and bool(said.unit) and find_factor(one.unit, said.unit) is None,
            "unit",
            f"{one.unit!r} does not fit {quantity}, expected one of {', '.join(list_units(said.unit))}",
        ),
        (bool(one.unit) and not said.unit, "unit", f"does not fit {quantity}, which has none"),
        (is_text and plain and one.values is None, "form", f"expected 'text', for {quantity} is one"),
        (not is_text and one.form == "text" and one.values is None, "form", f"does not fit {quantity}"),
        (one.form in CLOCK_FORMS and said.unit != "s", "form", f"{one.form!r} fits points in _s only"),
        (
            one.bit is not None and one.bits is not None,
            "bits",
            "cannot be combined with bit; expected one of them",
        ),
        (
            one.mask is not None and one.field is not None,
            "mask",
            "cannot be combined with bit; expected one of them",
        ),
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


@dataclass(frozen=True, slots=True)
class MeterProfile(Profile):
    """The profile of a meter.  Part ``""`` is the meter itself, the others are its sub-meters.

    ``decoder`` holds the keywords of the protocol's decoder.
    """

    parts: Mapping[str, Mapping[str, MeterPoint]]
    decoder: Mapping[str, Any]
    marks: MeterMarks = field(default_factory=MeterMarks)

    @property
    def is_recognisable(self) -> bool:
        """Return whether telegrams are compared: always, by what they contain."""
        return True

    @property
    def corrects(self) -> bool:
        """Return whether the profile corrects known defects of its meters."""
        return bool(self.correction)

    @property
    def correction(self) -> str:
        """The corrections in short."""
        checksum = self.decoder.get("checksum", "")
        return ", ".join([*self.decoder.get("defects", ()), *([f"checksum {checksum}"] if checksum else [])])


class MeterCheck(ProfileCheck):
    """Checks profiles of devices that send groups."""

    sections = ("profile", "decoder", "recognise", "scan", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        parts = self._quantities(data, scan, MeterPoint, check_statement)
        if head is None:
            return None
        settings = self._model(
            load_meter_protocol(head.protocol).load_decoder_settings(), ("decoder",), data.get("decoder", {})
        )
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), f"does not fit {head.protocol}, which has no registers")
        marks = self._model(MeterMarks, ("recognise",), data.get("recognise", {})) or MeterMarks()
        told = {} if settings is None else settings.model_dump(exclude_unset=True)
        return MeterProfile(name, head, scan, parts, told, marks)
