"""Measurements of a HAN meter, in whole steps of its registers."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Powers in W and var, currents in mA, voltages in 0.1 V, counters in Wh and varh; one or three phases.

    The four powers and counters are import, export, reactive import, reactive export.  ``kind`` is the
    type that some meters name; "": that of the maker.
    """

    moment: dt.datetime
    serial: str
    power: tuple[int, int, int, int] = (0, 0, 0, 0)
    energy: tuple[int, int, int, int] = (0, 0, 0, 0)
    milliamps: tuple[int, ...] = (0,)
    decivolts: tuple[int, ...] = (2300,)
    kind: str = ""

    @property
    def three(self) -> bool:
        """Return whether it has three phases."""
        return len(self.decivolts) == 3
