"""The process image: the latest reading of every point, put to by buses and frozen for a cycle."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from quartier_drivers.contract import Quality, Reading, Value


@dataclass(frozen=True, slots=True)
class Seen:
    """A point as a cycle sees it: value, quality and age in seconds."""

    value: Value
    quality: Quality
    age_s: float


class Frozen(Mapping[str, Seen]):
    """The image at one instant; does not change while a cycle thinks."""

    def __init__(self, readings: Mapping[str, Reading], now_ns: int) -> None:
        self._readings = readings
        self.now_ns = now_ns

    def __getitem__(self, point: str) -> Seen:
        reading = self._readings[point]
        return Seen(reading.value, reading.quality, (self.now_ns - reading.taken_ns) / 1e9)

    def __iter__(self) -> Iterator[str]:
        return iter(self._readings)

    def __len__(self) -> int:
        return len(self._readings)

    def number(self, point: str, max_age_s: float) -> float | None:
        """The value as a float, or None when it is absent, not good, no number or older than asked."""
        reading = self._readings.get(point)
        if reading is None or reading.quality is not Quality.GOOD or isinstance(reading.value, str):
            return None
        if self.now_ns - reading.taken_ns > max_age_s * 1e9:
            return None
        return float(reading.value)

    def age_s(self, point: str) -> float:
        """Seconds since the last *good* reading now held; infinite when there is none."""
        reading = self._readings.get(point)
        if reading is None or reading.quality is not Quality.GOOD:
            return float("inf")
        return (self.now_ns - reading.taken_ns) / 1e9


class Image:
    """Put to by the buses, frozen by the ticker; never subscribed to."""

    def __init__(self) -> None:
        self._latest: dict[str, Reading] = {}

    def put(self, readings: Iterable[Reading]) -> None:
        """Take readings; the newest per point stays."""
        for reading in readings:
            self._latest[reading.point] = reading

    def drop(self, points: Iterable[str]) -> None:
        """Forget points whose device left the site file."""
        for point in points:
            self._latest.pop(point, None)

    def freeze(self, now_ns: int) -> Frozen:
        """The whole image as it stands now; costs one shallow copy."""
        return Frozen(self._latest.copy(), now_ns)
