"""How a device on a bus is doing: known or not, answering, set aside, silent."""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from quartier_drivers.abilities import Behind, Brisk, Speaker, Telling
from quartier_drivers.contract import KINDS, QUALITIES, Driver, Quality, Readings
from quartier_drivers.layout import Layout

NOT_ASKED = "not yet asked"
PROBE_PAUSE_S = (5.0, 60.0)
NEVER_NS = 1 << 62
_BAD = QUALITIES.index(Quality.BAD)


@dataclass(slots=True)
class Health:
    """How a device is doing, by its driver; ``owners`` are those of its points.

    ``held``: it is being asked, or there is no room to ask it now (``lanes``).
    ``hopes_count``: so many probes more are soon, whatever they cost (``probing``).
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
    hopes_count: int = 0
    silent: bool = False
    doubt: bool = False
    held: bool = False
    why: str = NOT_ASKED
    owners: frozenset[str] = field(init=False)
    period_s: float = field(init=False)
    speaks: bool = field(init=False)
    brisk: Brisk | None = field(init=False)
    telling: Telling | None = field(init=False)
    behind: Behind | None = field(init=False)
    _layout: Layout | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        infos = self.driver.points
        self.owners = frozenset(point.partition(".")[0] for point in infos)
        self.period_s = min((info.period_s for info in infos.values()), default=1.0)
        self.speaks = isinstance(self.driver, Speaker)
        self.brisk = self.driver if isinstance(self.driver, Brisk) else None
        self.telling = self.driver if isinstance(self.driver, Telling) else None
        self.behind = self.driver if isinstance(self.driver, Behind) else None

    @property
    def due_ns(self) -> int:
        """When the bus should next turn to it; who speaks unasked is heard at once."""
        if self.held:
            return NEVER_NS
        if self.known and not self.aside:
            return self.driver.due_ns
        if self.telling is not None:
            news_ns = self.telling.news_ns
            return self.probe_ns if news_ns is None else min(self.probe_ns, news_ns)
        return min(self.probe_ns, self.driver.due_ns) if self.speaks else self.probe_ns

    def listen(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when it said something unasked."""
        if isinstance(self.driver, Speaker):
            self.driver.on_word(wake)
        if self.telling is not None:
            self.telling.on_news(wake)

    @property
    def trunk(self) -> str:
        """What narrow thing its device is behind; empty: nothing."""
        return "" if self.behind is None else self.behind.trunk

    @property
    def speechless(self) -> bool:
        """Whether nothing can be read from it: then only a write shows whether it is there."""
        return not any(info.read_back for info in self.driver.points.values())

    @property
    def reachable(self) -> bool:
        """Whether it answered when it was last asked."""
        return self.known and not self.aside

    def answered(self, now_ns: int) -> None:
        """It answered: all is well again."""
        self.aside = self.silent = False
        self.failures_count = self.hopes_count = 0
        self.pause_s = PROBE_PAUSE_S[0]
        self.since_good_ns = now_ns
        self.why = ""

    def failed(self, why: str) -> None:
        """It did not answer; one that never did is set aside at once."""
        self.failures_count += 1
        self.errors_count += 1
        self.why = why
        self.aside = self.aside or not self.known

    def bad(self, now_ns: int) -> Readings:
        """What is told of its points when it was silent too long."""
        if self._layout is None:  # not made before it is needed: most devices are never silent
            infos = self.driver.points
            self._layout = Layout(tuple(infos), bytes(KINDS[info.kind] for info in infos.values()))
        count = len(self._layout)
        return Readings(self._layout, array("d", bytes(8 * count)), bytes([_BAD] * count), now_ns)
