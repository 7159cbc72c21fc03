"""Measurements of a P1 meter: one electricity meter and the meters behind it on its M-Bus."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A meter on the M-Bus: ``kind`` is EN 13757's device type (3 gas, 4 heat, 7 water, 2 electricity)."""

    channel: int
    kind: int
    serial: str
    moment: dt.datetime
    value: float

    @property
    def unit(self) -> str:
        """Unit of its value in a telegram."""
        return {2: "kWh", 4: "GJ", 12: "GJ"}.get(self.kind, "m3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Counters in kWh and kvarh of two tariffs each, powers in kW and kvar; per phase one or three values.

    ``failures`` are the ends and the seconds of long power failures.
    """

    moment: dt.datetime
    serial: str
    tariff: int = 1
    import_kwh: tuple[float, float] = (0.0, 0.0)
    export_kwh: tuple[float, float] = (0.0, 0.0)
    import_kvarh: tuple[float, float] = (0.0, 0.0)
    export_kvarh: tuple[float, float] = (0.0, 0.0)
    import_kw: tuple[float, ...] = (0.0,)
    export_kw: tuple[float, ...] = (0.0,)
    import_kvar: tuple[float, ...] = (0.0,)
    export_kvar: tuple[float, ...] = (0.0,)
    volts: tuple[float, ...] = (230.0,)
    amps: tuple[float, ...] = (0.0,)
    failures_count: int = 0
    long_failures_count: int = 0
    failures: tuple[tuple[dt.datetime, int], ...] = ()
    sags: tuple[int, ...] = (0,)
    swells: tuple[int, ...] = (0,)
    message: str = ""
    average_kw: float = 0.0
    peak_kw: float = 0.0
    peak_moment: dt.datetime | None = None
    peaks: tuple[tuple[dt.datetime, dt.datetime, float], ...] = ()
    frequency_hz: float = 50.0
    children: tuple[Child, ...] = ()

    @property
    def phases(self) -> range:
        """Their numbers, from 0."""
        return range(len(self.volts))
