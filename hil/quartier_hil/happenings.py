"""Events of the harder kind: documents without sense, clocks that lie, a second master."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from quartier_hil.wanted import Part, Seconds

INSANE_PROGRAM = "insane"
"""The program of the district under which documents without sense are sent."""


class Happening(Part):
    """An event at a second of the scenario."""

    at_s: Seconds
    """Seconds of the house since the start."""


class Document(Happening):
    """The district sends an envelope without sense, rightly signed, under a program of its own."""

    do: Literal["document"]
    """An envelope without sense."""
    kind: Literal["nan", "huge", "negative", "replayed", "late"]
    """no number, 1e12 W, minus 5 kW, older than one already sent, expired."""


class ClockFault(Happening):
    """The house's wall clock lies from now on."""

    do: Literal["clock"]
    """The wall clock."""
    kind: Literal["off", "stuck", "wrong", "slow", "well"]
    """off: not trusted; stuck: it stands; wrong: off by ``seconds``; slow: it loses ``seconds`` an hour."""
    seconds: float = 0.0
    """wrong, slow: see ``kind``; minus is early."""


class Master(Happening):
    """A second master writes to an output, again and again."""

    do: Literal["master"]
    """Somebody else orders one of our outputs too."""
    point: str
    """Which, as ``bat1.setpoint_w``."""
    value: float
    """What it writes."""
    every_s: Annotated[float, Field(gt=0)] = 5.0
    """How often."""
    for_s: Annotated[float, Field(gt=0)]
    """How long."""


class Swap(Happening):
    """A meter of three phases names L1 what is L2, L2 what is L3, L3 what is L1."""

    do: Literal["swap"]
    """Its phases are swapped from now on."""
    device: Literal["meter"]
    """Which meter."""


Harder = Document | ClockFault | Master | Swap
SWAPPED = {"_l1_": "_l2_", "_l2_": "_l3_", "_l3_": "_l1_"}


def swapped(values: Mapping[str, float], asset: str) -> dict[str, float]:
    """The values as a meter of ``asset`` shows them whose phases are swapped."""
    shown = dict(values)
    for point in values:
        for there, here in SWAPPED.items():
            if point.startswith(f"{asset}.") and there in point:
                shown[point] = values[point.replace(there, here)]
    return shown
