"""Profiles of devices with registers, and their check."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from quartier_drivers.device_profile.profile_check import Profile, ProfileCheck
from quartier_drivers.device_profile.rules import check_mark, check_point, check_source
from quartier_drivers.device_profile.schema import Identity, Limits, Mark, Point, ProfileHead, Source
from quartier_drivers.device_profile.toml_files import list_keys
from quartier_drivers.errors import ConfigError, Fault


@dataclass(frozen=True, slots=True)
class RegisterProfile(Profile):
    """The profile of a device with registers; ``marks`` identify it when a bus is scanned."""

    parts: Mapping[str, Mapping[str, Point]]
    limits: Limits
    identity: Mapping[str, Source]
    marks: Mapping[str, Mark]

    @property
    def is_recognisable(self) -> bool:
        """Return whether it names registers that a scan compares."""
        return bool(self.marks)

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of a request, the registers of its identity, and its marks."""
        yield from self.describe_limits()
        for key, at in self.identity.items():
            yield f"its {key}", f"{at.describe_place()}, {at.describe_form()}"
        for mark in self.marks.values():
            yield "known by", mark.describe()

    def describe_limits(self) -> Iterator[tuple[str, str]]:
        """Yield what the device bears."""
        yield from self.limits.describe()


def require_register_profile(profile: Profile) -> RegisterProfile:
    """Return the profile typed as one of registers.  Raises ConfigError if its protocol has no registers."""
    if isinstance(profile, RegisterProfile):
        return profile
    what = f"speaks {profile.protocol}, which has no registers"
    raise ConfigError([Fault(profile.name, None, "protocol", what)])


class RegisterProfileCheck(ProfileCheck):
    """Checks profiles of devices with registers; ``made`` is the class of the checked profile."""

    made: ClassVar[type[RegisterProfile]] = RegisterProfile

    sections = ("profile", "limits", "scan", "identity", "recognise", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(Limits, ("limits",), data.get("limits", {}))
        identity = self._identity(data.get("identity", {}))
        marks = self._marks(data.get("recognise", {}))
        parts = self._quantities(data, scan, Point, check_point)
        self._one_or_parts(parts)
        if head is None or limits is None:
            return None
        self._blocks(limits, parts)
        return self.made(name, head, scan, parts, limits, identity, marks)

    def _identity(self, raw: object) -> dict[str, Source]:
        identity = self._model(Identity, ("identity",), raw)
        sources = {key: getattr(identity, key) for key in list_keys(Identity)} if identity else {}
        found = {key: source for key, source in sources.items() if source is not None}
        for key, source in found.items():
            self._flaws(("identity", key), check_source(source))
        return found

    def _marks(self, raw: object) -> dict[str, Mark]:
        marks = {}
        for key, table in self._table(("recognise",), raw).items():
            mark = self._model(Mark, ("recognise", key), table)
            if mark is not None:
                marks[key] = mark
                self._flaws(("recognise", key), check_mark(mark))
        return marks

    def _blocks(self, limits: Limits, parts: Mapping[str, Mapping[str, Point]]) -> None:
        for part, points in parts.items():
            for quantity, point in points.items():
                if point.width > limits.block_max:
                    path = ("parts", part, quantity) if part else ("points", quantity)
                    self._add(
                        path, f"takes {point.width} registers, but limits.block_max is {limits.block_max}"
                    )
