"""Sparkplug commands: what a host asks for, and that what moves power is refused (pure).

NCMD and DCMD are QoS 0, unsigned, without validity: unfit for anything but housekeeping
(spec/sync.md#section-1).  Source: Eclipse Sparkplug 3.0.0, chapter 5 "Commands".
"""

from dataclasses import dataclass, replace

from quartier.district.catalog import NODE, Catalog
from quartier.district.effects import Wanted
from quartier.district.sparkplug import Malformed, Metric, Type, decode
from quartier.district.voice import Identity
from quartier.house.now import Now
from quartier_drivers.contract import Value

REBIRTH = "Node Control/Rebirth"
NEXT_SERVER = "Node Control/Next Server"
SCAN_RATE = "Node Control/Scan Rate"
SCAN_MIN_MS, SCAN_MAX_MS = 0, 60_000
_NAME_MAX_CHARS = 128
# Above all that a catalog gives.  The rebirth metric has none (chapter 5, "rebirth-name-aliases").
_ALIASES = {SCAN_RATE: 1 << 32, NEXT_SERVER: (1 << 32) + 1}
_NAMES = {alias: name for name, alias in _ALIASES.items()}


@dataclass(frozen=True, slots=True)
class Rebirth:
    """All births again."""


@dataclass(frozen=True, slots=True)
class NextServer:
    """Leave for the next server of the list."""


@dataclass(frozen=True, slots=True)
class ScanRate:
    """How often live data may go out, in milliseconds; 0: at once."""

    ms: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not done, and why."""

    why: str
    point: str = ""


Request = Rebirth | NextServer | ScanRate | Wanted | Refusal


class Commands:
    """Reads NCMD and DCMD of one node.

    ``harmless`` are the points, by full name, that a host may write.
    """

    def __init__(
        self,
        identity: Identity,
        catalog: Catalog,
        harmless: frozenset[str] = frozenset(),
        *,
        aliases: bool = False,
        other_servers: bool = False,
    ) -> None:
        self.catalog = catalog
        self._node_topic = identity.topic("NCMD")
        self._device_topic = identity.topic("DCMD") + "/"
        self._harmless = harmless
        self._aliases = aliases
        self._other_servers = other_servers

    def controls(self, scan_ms: int, now: Now) -> list[Metric]:
        """What the node's birth says of its ``Node Control``."""
        controls = [
            Metric(REBIRTH, False, Type.BOOLEAN, now.utc_ms),
            replace(self.scan_rate(scan_ms, now), type=Type.INT64),
        ]
        if self._other_servers:
            alias = self._alias(NEXT_SERVER)
            controls.append(Metric(NEXT_SERVER, False, Type.BOOLEAN, now.utc_ms, alias))
        return controls

    def scan_rate(self, scan_ms: int, now: Now) -> Metric:
        """The metric that says how often live data may go out, as an answer to who asked for that."""
        return Metric(SCAN_RATE, scan_ms, None, now.utc_ms, self._alias(SCAN_RATE))

    def _alias(self, name: str) -> int | None:
        return _ALIASES[name] if self._aliases else None

    def read(self, topic: str, payload: bytes) -> list[Request]:
        """The requests of one message, in its order; none when the topic is not ours."""
        if topic == self._node_topic:
            stream = NODE
        elif topic.startswith(self._device_topic):
            stream = topic.removeprefix(self._device_topic)
        else:
            return []
        try:
            message = decode(payload)
        except Malformed as error:
            return [Refusal(str(error))]
        found = (
            self._request(stream, self._name(stream, metric), metric.value) for metric in message.metrics
        )
        return [request for request in found if request is not None]

    def _name(self, stream: str, metric: Metric) -> str:
        if metric.name or metric.alias is None:
            return metric.name
        if self._aliases and stream == NODE and metric.alias in _NAMES:
            return _NAMES[metric.alias]
        entry = self.catalog.by_alias(stream, metric.alias) if self._aliases else None
        return entry.metric if entry else f"alias {metric.alias}"

    def _request(self, stream: str, name: str, value: Value | None) -> Request | None:
        if stream == NODE and name == REBIRTH:
            return Rebirth() if value is True else None
        if stream == NODE and name == NEXT_SERVER:
            return self._next_server() if value is True else None
        if stream == NODE and name == SCAN_RATE:
            return _scan_rate(value)
        point = name if stream == NODE else f"{stream}.{name}"
        if point in self._harmless and value is not None:
            return Wanted(point, value)
        return Refusal("not among the points that Sparkplug may write", point[:_NAME_MAX_CHARS])

    def _next_server(self) -> Request:
        return NextServer() if self._other_servers else Refusal("there is no other server", NEXT_SERVER)


def _scan_rate(value: Value | None) -> Request:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and SCAN_MIN_MS <= int(value or 0) <= SCAN_MAX_MS:
        return ScanRate(int(value or 0))
    return Refusal(f"expected {SCAN_MIN_MS}..{SCAN_MAX_MS} ms", SCAN_RATE)
