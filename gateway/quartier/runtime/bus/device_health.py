"""Track the health of devices and their bus: set aside, silent, probed again; report their own points.

Devices that fell silent together, behind a router or a cable, are probed together once one of them is back.
Where that keeps no other device waiting (``concurrency``) they are probed a few times more, because a router
that is just back may lose some requests.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from quartier_drivers.abilities import BatchingDriver, SpeakingDriver, SubscribingDriver, TrunkedDriver
from quartier_drivers.contract import Driver, Line
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import QUALITIES, VALUE_KINDS, Layout, Quality, Readings

SLACK_PERIOD_NS = 5_000_000_000
_GOOD, _BAD = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)
_NO_TEXTS: Mapping[str, str] = MappingProxyType({})
NOT_YET_ASKED = "not yet asked"
NOT_OPENED = "not yet opened"
PROBE_PAUSE_S = (5.0, 60.0)


@dataclass(slots=True)
class DeviceHealth:
    """The health of a device, by its driver; ``owners`` are the owners of its points.

    ``held``: it is being polled, or there is no free slot for it now (``concurrency``).
    ``quick_probes_count``: how many further probes follow soon, whatever they cost.
    """

    name: str
    driver: Driver
    identity: Mapping[str, str] = field(default_factory=dict)
    known: bool = False
    since_good_ns: int = 0
    failures_count: int = 0
    errors_count: int = 0
    aside: bool = False
    probe_ns: int = 0
    pause_s: float = PROBE_PAUSE_S[0]
    quick_probes_count: int = 0
    silent: bool = False
    doubt: bool = False
    held: bool = False
    why: str = NOT_YET_ASKED
    owners: frozenset[str] = field(init=False)
    period_s: float = field(init=False)
    speaks: bool = field(init=False)
    batching_driver: BatchingDriver | None = field(init=False)
    subscribing_driver: SubscribingDriver | None = field(init=False)
    trunked_driver: TrunkedDriver | None = field(init=False)
    _layout: Layout | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        infos = self.driver.points
        self.owners = frozenset(point.partition(".")[0] for point in infos)
        self.period_s = min((info.period_s for info in infos.values()), default=1.0)
        self.speaks = isinstance(self.driver, SpeakingDriver)
        self.batching_driver = self.driver if isinstance(self.driver, BatchingDriver) else None
        self.subscribing_driver = self.driver if isinstance(self.driver, SubscribingDriver) else None
        self.trunked_driver = self.driver if isinstance(self.driver, TrunkedDriver) else None

    @property
    def due_ns(self) -> int:
        """Time (monotonic) of its next poll; a device that speaks unasked is heard at once."""
        if self.held:
            return NEVER_NS
        if self.known and not self.aside:
            return self.driver.due_ns
        if self.subscribing_driver is not None:
            news_ns = self.subscribing_driver.notification_ns
            return self.probe_ns if news_ns is None else min(self.probe_ns, news_ns)
        return min(self.probe_ns, self.driver.due_ns) if self.speaks else self.probe_ns

    def listen(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when the device sent something unasked."""
        if isinstance(self.driver, SpeakingDriver):
            self.driver.on_data(wake)
        if self.subscribing_driver is not None:
            self.subscribing_driver.on_notification(wake)

    @property
    def find_trunk(self) -> str:
        """The trunk that its device is behind; empty if none."""
        return "" if self.trunked_driver is None else self.trunked_driver.trunk

    @property
    def is_unreadable(self) -> bool:
        """True if nothing can be read from it; then only a write shows whether it is there."""
        return not any(info.read_back for info in self.driver.points.values())

    @property
    def reachable(self) -> bool:
        """True if it answered when it was last polled."""
        return self.known and not self.aside

    def note_answer(self, now_ns: int) -> None:
        """Note an answer: the device is healthy again."""
        self.aside = self.silent = False
        self.failures_count = self.quick_probes_count = 0
        self.pause_s = PROBE_PAUSE_S[0]
        self.since_good_ns = now_ns
        self.why = ""

    def note_failure(self, why: str) -> None:
        """Note a missing answer; a device that never answered is set aside at once."""
        self.failures_count += 1
        self.errors_count += 1
        self.why = why
        self.aside = self.aside or not self.known

    def make_bad_readings(self, now_ns: int) -> Readings:
        """Return BAD readings of all its points, for a device that was silent too long."""
        if self._layout is None:  # made on first use: most devices are never silent
            infos = self.driver.points
            self._layout = Layout(tuple(infos), bytes(VALUE_KINDS[info.kind] for info in infos.values()))
        count = len(self._layout)
        return Readings(self._layout, array("d", bytes(8 * count)), bytes([_BAD_QUALITY] * count), now_ns)


@dataclass(slots=True)
class LineHealth:
    """The health of the line of a bus.

    ``was_useful``: a device answered since it was opened.  ``is_loss_reported`` from its loss until it is
    open again.
    """

    online: bool = False
    why: str = NOT_OPENED
    was_useful: bool = False
    is_loss_reported: bool = False
    lost_ns: int = 0

    def note_open(self) -> int | None:
        """Note that it is open; return since when (monotonic, in ns) it was lost, None if it was not."""
        lost_ns = self.lost_ns if self.is_loss_reported else None
        self.online, self.why, self.is_loss_reported, self.was_useful = True, "", False, False
        return lost_ns

    def note_lost(self, why: str, now_ns: int) -> bool:
        """Note that it is lost; return whether this is to be reported: only the first time."""
        self.online, self.why = False, why
        if self.is_loss_reported:
            return False
        self.is_loss_reported, self.lost_ns = True, now_ns
        return True


class BusReport:
    """The own points of one bus and its devices."""

    def __init__(self, name: str, line: Line, devices: Mapping[str, DeviceHealth], now_ns: int) -> None:
        self._name = name
        self._line = line
        self._devices = devices
        self._rest_ns = self._late_ns = 0
        self._report_ns = now_ns
        self._reported_layout = Layout((), b"")

    def add_idle_time(self, duration_ns: int) -> None:
        """Add a time in ns in which the bus had nothing to do."""
        self._rest_ns += duration_ns

    def start_period(self, now_ns: int) -> None:
        """Start to count now: the line is open again, and the time without it says nothing of its load."""
        self._report_ns, self._rest_ns, self._late_ns = now_ns, 0, 0

    def late(self, delay_ns: int) -> None:
        """Note how late a device was polled, in ns."""
        self._late_ns = max(self._late_ns, delay_ns)

    @property
    def advice(self) -> str:
        """The line's advice on a problem to check; empty while all is well."""
        return self._read_texts.get("advice_text", "")

    @property
    def _read_texts(self) -> Mapping[str, str]:
        """The texts that the line reports, if it can."""
        return getattr(self._line, "texts", _NO_TEXTS)

    @property
    def points(self) -> tuple[str, ...]:
        """The points that ``report`` returns."""
        of_bus = ("online_on", "slack_pct", "lateness_s", *self._line.stats)
        of_devices = [
            f"{name}.{quantity}" for name in self._devices for quantity in ("silent_on", "errors_count")
        ]
        return (
            *(f"{self._name}.{quantity}" for quantity in of_bus),
            *of_devices,
            *(f"{self._name}.{quantity}" for quantity in self._read_texts),
        )

    def report(self, now_ns: int, *, online: bool) -> Readings:
        """Return all own points since the last report.

        The slack is BAD without a line, and for a period under 5 s: it is too short to tell a share of time.
        """
        window_ns = max(1, now_ns - self._report_ns)
        stats, texts = self._line.stats, self._read_texts
        slack_pct = min(100.0, 100.0 * self._rest_ns / window_ns)
        values = array("d", (online, slack_pct, self._late_ns / 1e9, *stats.values()))
        for health in self._devices.values():
            values.extend((health.silent, health.errors_count))
        first_text = len(values)
        values.extend(0.0 for _ in texts)
        qualities = bytearray([_GOOD] * len(values))
        if not online or window_ns < SLACK_PERIOD_NS:
            qualities[1] = _BAD
        if window_ns >= SLACK_PERIOD_NS:
            self.start_period(now_ns)
        if len(values) != len(self._reported_layout):
            # The first time, or the line counts something for the first time.
            points = self.points
            self._reported_layout = Layout(
                points, bytes(VALUE_KINDS[parse_quantity(split_point(point)[1]).kind] for point in points)
            )
        said = dict(enumerate(texts.values(), first_text))
        return Readings(self._reported_layout, values, bytes(qualities), now_ns, said)


NEVER_NS = 1 << 62
_BAD_QUALITY = QUALITIES.index(Quality.BAD)
PROBE_SHARE = 0.03
"""The share of a bus's time that devices that do not answer may use while a neighbour answers."""


LONELY_PROBE_SHARE = 1.0
"""The same share if no device answers: then nobody loses time."""


COMMON_FAILURE_S, COMMON_FAILURE_POLLS = 10.0, 2.0
"""Devices whose last answers are no further apart than this fell silent together."""


QUICK_PROBES_COUNT = 3
"""How many probes of a device follow soon after a return that suggests its own."""


def find_next_probe_ns(
    health: DeviceHealth, others: Iterable[DeviceHealth], now_ns: int, cost_s: float
) -> int:
    """Return the time (monotonic) of the next probe of a device that was just polled.

    ``others``, which include the device, lost ``cost_s`` by that.
    """
    known = tuple(others)
    lonely = not any(one.reachable for one in known)
    aside_count = sum(one.aside for one in known)
    share = LONELY_PROBE_SHARE if lonely else PROBE_SHARE
    pause_s = PROBE_PAUSE_S[0] if lonely else health.pause_s
    wait_s = PROBE_PAUSE_S[0] if health.quick_probes_count else max(pause_s, cost_s * aside_count / share)
    probe_ns = now_ns + int(wait_s * 1e9)
    # Wait first for an answer that it still owes; its neighbours do not wait for that.
    return probe_ns if health.is_unreadable else max(probe_ns, health.driver.due_ns)


def delay_probes(
    health: DeviceHealth, others: Iterable[DeviceHealth], now_ns: int, cost_s: float
) -> list[DeviceHealth]:
    """Set the next probe of a device that was just polled in vain; return the devices whose probes changed.

    If it was the last one that answered, no device's time needs to be spared: all are probed soon.
    """
    known = tuple(others)
    health.probe_ns = find_next_probe_ns(health, known, now_ns, cost_s)
    health.quick_probes_count = max(0, health.quick_probes_count - 1)
    if any(one.reachable for one in known):
        return [health]
    for one in known:
        if one.aside and not one.is_unreadable:
            one.probe_ns = min(one.probe_ns, max(health.probe_ns, one.driver.due_ns))
    return list(known)


def probe_after_reopening(others: Iterable[DeviceHealth], lost_ns: int, now_ns: int) -> None:
    """Probe devices that answered until the line was lost at ``lost_ns``: the line is back."""
    for one in others:
        within_ns = int(max(COMMON_FAILURE_S, COMMON_FAILURE_POLLS * one.period_s) * 1e9)
        if one.aside and one.since_good_ns >= lost_ns - within_ns:
            one.probe_ns = now_ns


def probe_common_failures(
    health: DeviceHealth, others: Iterable[DeviceHealth], now_ns: int, hopes_count: int = 0
) -> list[DeviceHealth]:
    """Return devices that fell silent when ``health`` did, which just answered; make their probes due now.

    If they do not answer, ``hopes_count`` more probes follow soon.
    """
    if not health.aside:
        return []
    within_ns = int(max(COMMON_FAILURE_S, COMMON_FAILURE_POLLS * health.period_s) * 1e9)
    found = [one for one in others if one is not health and one.aside]
    found = [one for one in found if abs(one.since_good_ns - health.since_good_ns) <= within_ns]
    for one in found:
        one.probe_ns, one.quick_probes_count = now_ns, hopes_count
    return found
