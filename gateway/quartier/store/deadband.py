"""Which readings become samples: deadbands and paces, per quantity (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from quartier_drivers.contract import Quality, Value
from quartier_drivers.points import split, word

GOOD = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Deadband:
    """A reading passes when it moved by max(``width``, ``share_pct`` % of the last one passed).

    ``width`` is in the house's unit of the quantity; 0 with no share lets every change pass.
    ``period_s`` is the shortest time between two that pass, on average; 0 sets no pace.
    """

    width: float = 0.0
    share_pct: float = 0.0
    period_s: float = 0.0


EARLY_MAX_NS = 500_000_000
EVERY_CHANGE = Deadband()
_POWER = Deadband(width=50.0, share_pct=1.0, period_s=1.0)
_COUNTER = Deadband(period_s=60.0)

# sync.md section 2 names power, voltage, frequency, temperature, SoC and counters; the others follow suit.
DEFAULTS: Mapping[str, Deadband] = MappingProxyType(
    {
        "w": _POWER,
        "va": _POWER,
        "var": _POWER,
        "a": Deadband(width=0.2, share_pct=1.0, period_s=1.0),
        "v": Deadband(width=1.0),
        "hz": Deadband(width=0.01),
        "c": Deadband(width=0.2),
        "k": Deadband(width=0.2),
        "pct": Deadband(width=0.5),
        "pa": Deadband(share_pct=1.0, period_s=1.0),
        "m3_per_h": Deadband(share_pct=1.0, period_s=1.0),
        "s": Deadband(width=1.0, share_pct=5.0, period_s=60.0),
        "wh": _COUNTER,
        "m3": _COUNTER,
        "count": _COUNTER,
    }
)


class Deadbands:
    """The table of deadbands: by point, then by quantity, then by unit or kind, else every change.

    ``overrides`` maps any of the three (``"grid.power_w"``, ``"soc_pct"``, ``"v"``) to its deadband.
    """

    def __init__(self, overrides: Mapping[str, Deadband] | None = None) -> None:
        self._table = {**DEFAULTS, **(overrides or {})}

    def of(self, point: str) -> Deadband:
        """The deadband of one point, given by its full name."""
        quantity = split(point)[1]
        for key in (point, quantity, _ending(quantity)):
            if key in self._table:
                return self._table[key]
        return EVERY_CHANGE


def _ending(quantity: str) -> str:
    try:
        meaning = word(quantity)
    except ValueError:
        return ""
    return meaning.unit or quantity.rsplit("_", 1)[-1]


class Gate:
    """One point's entrance: remembers what passed last.

    The first reading and every change of quality pass at once; a value that is not good passes no
    more than that one time, because it is only the last one known.
    """

    __slots__ = (
        "_band",
        "_early_ns",
        "_exact",
        "_next_ns",
        "_period_ns",
        "_quality",
        "_share",
        "_value",
        "_width",
    )

    def __init__(self, deadband: Deadband) -> None:
        self._width = deadband.width
        self._share = deadband.share_pct / 100.0
        self._exact = deadband.width <= 0.0 and deadband.share_pct <= 0.0
        self._period_ns = int(deadband.period_s * 1e9)
        # A poll that comes a little early must not cost a whole period; the average pace still holds.
        self._early_ns = min(self._period_ns // 2, EARLY_MAX_NS)
        self._next_ns: int | None = None
        self._quality: Quality | None = None
        self._value: Value = 0.0
        self._band = 0.0

    def passes(self, value: Value, quality: Quality, taken_ns: int) -> bool:
        """Whether this reading is a sample; if so it is what the next ones are compared with."""
        if quality is self._quality:
            if quality is not GOOD:
                return False
            if self._exact:
                if value == self._value:
                    return False
            else:
                try:
                    if -self._band < value - self._value < self._band:  # type: ignore[operator]  # a text raises
                        return False
                except TypeError:  # a text where a number is usual: any change counts
                    if value == self._value:
                        return False
            if self._next_ns is not None and taken_ns < self._next_ns - self._early_ns:
                return False
        self._take(value, quality, taken_ns)
        return True

    def _take(self, value: Value, quality: Quality, taken_ns: int) -> None:
        self._value = value
        self._quality = quality
        if self._period_ns:
            start_ns = taken_ns if self._next_ns is None else max(self._next_ns, taken_ns)
            self._next_ns = start_ns + self._period_ns
        if not self._exact:
            share = self._share * abs(value) if self._share and not isinstance(value, str) else 0.0
            # A band of zero (share of a zero) must still stop what did not change at all.
            self._band = max(self._width, share) or 5e-324
