"""A sample: a reading that passed its deadband, numbered; what history and district both see."""

from dataclasses import dataclass

from quartier_drivers.contract import Quality, Value


@dataclass(frozen=True, slots=True)
class Sample:
    """One numbered value (sync.md section 3).

    ``stream`` is an asset, ``node`` or ``event``; ``metric`` is the point after the dot (for the
    stream ``node`` the full point name).  ``(boot, stream, seq)`` is unique for ever.
    """

    stream: str
    boot: int
    seq: int
    metric: str
    taken_utc_ms: int
    value: Value
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the district has stored a stream: everything up to ``(boot, seq)``."""

    boot: int
    seq: int
