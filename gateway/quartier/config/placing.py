"""What all assets of the site file say: where they are measured and hang, whether they take orders."""

from typing import Literal

from quartier.config.words import Reason, Section


class Measured(Section):
    """An asset."""

    device: str
    """The device it is measured by."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    share: Literal["district", "local"] = "district"
    """Whether its data may leave the building."""


class Placed(Measured):
    """An asset behind the connection meter."""

    node: str = "grid"
    """The node of the connection tree that feeds it."""
    phase: Literal["l1", "l2", "l3", "all"] | None = None
    """Its phase as the grid meter names it (quartier probe finds it), "all" for three; absent: may be any."""


class Ordered(Placed):
    """An asset that may be given orders."""

    accept_no_fallback: Reason | None = None
    """Why it is given orders though its device does not forget them by itself; absent: it is given none."""
