"""Profiles of meters: which groups their points are, and what their decoder must know."""

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
    """The profile of a meter.  Part ``""`` is the meter itself, the others are meters that it speaks for.

    ``decoder`` are the keywords that the protocol's decoder takes from the profile.
    """

    parts: Mapping[str, Mapping[str, Statement]]
    decoder: Mapping[str, Any]
    marks: Marks = field(default_factory=Marks)

    @property
    def corrects(self) -> bool:
        """Return whether it corrects what its meters are known to say wrongly."""
        return bool(self.correction)

    @property
    def correction(self) -> str:
        """Return what it corrects, in short."""
        checksum = self.decoder.get("checksum", "")
        return ", ".join([*self.decoder.get("defects", ()), *([f"checksum {checksum}"] if checksum else [])])


class MeterCheck(Check):
    """Profiles of devices that state groups."""

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
