"""Profiles of meters: the groups of their points and the settings of their decoder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_drivers.meter.flaws import statement_flaws
from quartier_drivers.meter.schema import Marks, Statement
from quartier_drivers.meter.settings import SETTINGS
from quartier_drivers.profile import Check, Profile
from quartier_drivers.schema import Head


@dataclass(frozen=True, slots=True)
class MeterProfile(Profile):
    """The profile of a meter.  Part ``""`` is the meter itself, the others are its sub-meters.

    ``decoder`` holds the keywords of the protocol's decoder.
    """

    parts: Mapping[str, Mapping[str, Statement]]
    decoder: Mapping[str, Any]
    marks: Marks = field(default_factory=Marks)

    @property
    def corrects(self) -> bool:
        """Whether the profile corrects known defects of its meters."""
        return bool(self.correction)

    @property
    def correction(self) -> str:
        """The corrections in short."""
        checksum = self.decoder.get("checksum", "")
        return ", ".join([*self.decoder.get("defects", ()), *([f"checksum {checksum}"] if checksum else [])])


class MeterCheck(Check):
    """Checks profiles of devices that send groups."""

    sections = ("profile", "decoder", "recognise", "scan", "points", "parts")

    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        parts = self._quantities(data, scan, Statement, statement_flaws)
        if head is None:
            return None
        settings = self._model(SETTINGS[head.protocol], ("decoder",), data.get("decoder", {}))
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), f"does not fit {head.protocol}, which has no registers")
        marks = self._model(Marks, ("recognise",), data.get("recognise", {})) or Marks()
        told = {} if settings is None else settings.model_dump(exclude_unset=True)
        return MeterProfile(name, head, scan, parts, told, marks)
