"""Profiles of GPIO chips: registers of which each is one input line."""

from collections.abc import Iterator, Mapping
from typing import Any

from quartier_drivers.device_profile.profile_check import Profile
from quartier_drivers.device_profile.register_profile import RegisterProfile, RegisterProfileCheck
from quartier_drivers.device_profile.rules import ProfileFault
from quartier_drivers.device_profile.schema import Point, ProfileHead


def check_gpio_line(quantity: str, point: Point) -> list[ProfileFault]:
    """Return what does not fit a GPIO line, which is one bit and an input."""
    return [
        (key, what)
        for wrong, key, what in (
            (point.address.table != "discrete", "register", "is no GPIO line; expected discrete:N"),
            (point.type_name != "bool", "type", "does not fit a GPIO line; expected 'bool'"),
            (not quantity.endswith("_on"), "", "is no bool; expected a name in _on"),
            (point.write is not None, "write", "does not fit a GPIO line, which is an input"),
        )
        if wrong
    ]


class GpioProfile(RegisterProfile):
    """The profile of a chip, which bears any request."""

    def describe_limits(self) -> Iterator[tuple[str, str]]:
        """Yield nothing."""
        yield from ()


class GpioProfileCheck(RegisterProfileCheck):
    """Checks profiles whose points are lines of a chip."""

    made = GpioProfile

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        profile = super()._check_tables(name, head, scan, data)
        if profile is not None:
            for path, quantity, point in profile.list_points():
                self._flaws(path, check_gpio_line(quantity, point))
        return profile
