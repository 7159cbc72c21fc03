"""What a bus tells of itself: its slack, how late it was, what its line counted, how its devices do."""

from array import array
from collections.abc import Mapping
from types import MappingProxyType

from quartier.runtime.health import Health
from quartier_drivers.contract import KINDS, QUALITIES, Line, Quality, Readings
from quartier_drivers.layout import Layout
from quartier_drivers.points import split, word

SLACK_OVER_NS = 5_000_000_000
_GOOD, _BAD = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


class Account:
    """The own points of one bus and its devices."""

    def __init__(self, name: str, line: Line, devices: Mapping[str, Health], now_ns: int) -> None:
        self._name = name
        self._line = line
        self._devices = devices
        self._rest_ns = self._late_ns = 0
        self._told_ns = now_ns
        self._told = Layout((), b"")

    def rested(self, duration_ns: int) -> None:
        """The bus had nothing to do for so long."""
        self._rest_ns += duration_ns

    def late(self, delay_ns: int) -> None:
        """Somebody's turn came so late."""
        self._late_ns = max(self._late_ns, delay_ns)

    @property
    def advice(self) -> str:
        """What the line says is to be looked at; empty while all is well."""
        return self._texts.get("advice_text", "")

    @property
    def _texts(self) -> Mapping[str, str]:
        """What the line says in words, if it can."""
        return getattr(self._line, "texts", _NO_TEXTS)

    @property
    def points(self) -> tuple[str, ...]:
        """What ``report`` tells of."""
        of_bus = ("online_on", "slack_pct", "lateness_s", *self._line.stats)
        of_devices = [
            f"{name}.{quantity}" for name in self._devices for quantity in ("silent_on", "errors_count")
        ]
        return (
            *(f"{self._name}.{quantity}" for quantity in of_bus),
            *of_devices,
            *(f"{self._name}.{quantity}" for quantity in self._texts),
        )

    def report(self, now_ns: int, *, online: bool) -> Readings:
        """Everything since the last report.

        The slack of less than 5 s is BAD: no share of time can be told yet.
        """
        window_ns = max(1, now_ns - self._told_ns)
        stats, texts = self._line.stats, self._texts
        slack_pct = min(100.0, 100.0 * self._rest_ns / window_ns)
        values = array("d", (online, slack_pct, self._late_ns / 1e9, *stats.values()))
        for health in self._devices.values():
            values.extend((health.silent, health.errors_count))
        first_text = len(values)
        values.extend(0.0 for _ in texts)
        qualities = bytearray([_GOOD] * len(values))
        if window_ns < SLACK_OVER_NS:
            qualities[1] = _BAD
        else:
            self._told_ns, self._rest_ns, self._late_ns = now_ns, 0, 0
        if len(values) != len(self._told):
            # The first time, or the line counts something that never happened before.
            points = self.points
            self._told = Layout(points, bytes(KINDS[word(split(point)[1]).kind] for point in points))
        said = dict(enumerate(texts.values(), first_text))
        return Readings(self._told, values, bytes(qualities), now_ns, said)
