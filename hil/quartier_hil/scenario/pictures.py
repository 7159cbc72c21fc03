"""Pictures that a scenario asks for: curves by panel, and the points whose orders are marked."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from quartier_hil.scenario.expectations import FileTable, Seconds

Unit = Literal["kW", "A", "%", "°C", "Hz", "V", "ppm", "min", "state"]
UNIT_FACTORS: dict[str, float] = {"kW": 1e-3, "min": 1 / 60}
"""Factors from gateway units to those of a panel; other units are drawn as they are."""


class Curve(FileTable):
    """One line of a panel: a point of the run, or a constant level."""

    point: str | None = None
    """Which, as asset.quantity; ``order.…`` what was ordered, ``cap.…`` what was promised: drawn as steps."""
    level: float | None = None
    """Instead of a point: a limit of the site file, in the panel's unit."""
    label: Annotated[str, Field(min_length=1, max_length=40)]
    """What stands at the line."""

    @model_validator(mode="after")
    def _require_point_or_level(self) -> "Curve":
        if (self.point is None) == (self.level is None):
            raise ValueError("either point or level")
        return self


class Panel(FileTable):
    """Curves of one unit over the picture's time."""

    unit: Unit
    """Of its axis."""
    height: Annotated[int, Field(ge=50, le=300)] = 130
    """In pixels."""
    low: float | None = None
    """Least value of the axis; absent: as the curves are."""
    high: float | None = None
    """Largest value of the axis."""
    curves: Annotated[tuple[Curve, ...], Field(min_length=1, max_length=6)]
    """Its lines."""


class Picture(FileTable):
    """One picture: ``quartier-hil day SCENARIO --pictures FOLDER`` writes ``FOLDER/name.svg``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
    """Of the file."""
    title: Annotated[str, Field(min_length=1, max_length=100)]
    """What it shows, for those who cannot see it."""
    from_s: Seconds = 0.0
    """Where it begins, in seconds of the scenario."""
    until_s: Seconds = float("inf")
    """Where it ends; absent: with the scenario."""
    orders: tuple[str, ...] = ()
    """Writable points whose orders are marked with their reason, where the reason is another than before."""
    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=4)]
    """From above to below."""

    @property
    def points(self) -> Iterator[str]:
        """The points that it draws."""
        return (curve.point for panel in self.panels for curve in panel.curves if curve.point is not None)
