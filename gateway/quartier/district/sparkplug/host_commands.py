"""Parse Sparkplug commands of a host; refuse those that move power (pure).

NCMD and DCMD are QoS 0, unsigned and without validity: unfit for anything but housekeeping
(spec/sync.md#section-1). Source: Eclipse Sparkplug 3.0.0, chapter 5 "Commands".
"""

from dataclasses import dataclass, replace

from quartier.district.records import NODE_STREAM, Identity, PointWriteRequest
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.payload_codec import Datatype, MalformedPayload, Metric, decode_payload
from quartier.site.records import Now
from quartier_drivers.readings import Value

REBIRTH_METRIC = "Node Control/Rebirth"
NEXT_SERVER_METRIC = "Node Control/Next Server"
SCAN_RATE_METRIC = "Node Control/Scan Rate"
SCAN_MIN_MS, SCAN_MAX_MS = 0, 60_000
_NAME_MAX_CHARS = 128
# Above all aliases of a catalog. The rebirth metric has none (chapter 5, "rebirth-name-aliases").
_ALIASES = {SCAN_RATE_METRIC: 1 << 32, NEXT_SERVER_METRIC: (1 << 32) + 1}
_NAMES = {alias: name for name, alias in _ALIASES.items()}


@dataclass(frozen=True, slots=True)
class RebirthRequest:
    """Request for all births again."""


@dataclass(frozen=True, slots=True)
class NextServerRequest:
    """Request to switch to the next server of the list."""


@dataclass(frozen=True, slots=True)
class ScanRateRequest:
    """Request for the interval of live data, in milliseconds; 0: at once."""

    ms: int


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A refused request, and why."""

    why: str
    point: str = ""


HostRequest = RebirthRequest | NextServerRequest | ScanRateRequest | PointWriteRequest | RefusedRequest


class HostCommands:
    """Reads NCMD and DCMD of one node.

    ``harmless`` are the points, by full name, that a host may write.
    """

    def __init__(
        self,
        identity: Identity,
        catalog: MetricCatalog,
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

    def make_controls(self, scan_ms: int, now: Now) -> list[Metric]:
        """Return the ``Node Control`` metrics of the node's birth."""
        controls = [
            Metric(REBIRTH_METRIC, False, Datatype.BOOLEAN, now.utc_ms),
            replace(self.make_scan_rate(scan_ms, now), type=Datatype.INT64),
        ]
        if self._other_servers:
            alias = self._find_alias(NEXT_SERVER_METRIC)
            controls.append(Metric(NEXT_SERVER_METRIC, False, Datatype.BOOLEAN, now.utc_ms, alias))
        return controls

    def make_scan_rate(self, scan_ms: int, now: Now) -> Metric:
        """Return the metric with the interval of live data, as an answer to a request."""
        return Metric(SCAN_RATE_METRIC, scan_ms, None, now.utc_ms, self._find_alias(SCAN_RATE_METRIC))

    def _find_alias(self, name: str) -> int | None:
        return _ALIASES[name] if self._aliases else None

    def read(self, topic: str, payload: bytes) -> list[HostRequest]:
        """Return the requests of one message in order; none if the topic is not ours."""
        if topic == self._node_topic:
            stream = NODE_STREAM
        elif topic.startswith(self._device_topic):
            stream = topic.removeprefix(self._device_topic)
        else:
            return []
        try:
            message = decode_payload(payload)
        except MalformedPayload as error:
            return [RefusedRequest(str(error))]
        found = (
            self._make_request(stream, self._find_name(stream, metric), metric.value)
            for metric in message.metrics
        )
        return [request for request in found if request is not None]

    def _find_name(self, stream: str, metric: Metric) -> str:
        if metric.name or metric.alias is None:
            return metric.name
        if self._aliases and stream == NODE_STREAM and metric.alias in _NAMES:
            return _NAMES[metric.alias]
        entry = self.catalog.by_alias(stream, metric.alias) if self._aliases else None
        return entry.metric if entry else f"alias {metric.alias}"

    def _make_request(self, stream: str, name: str, value: Value | None) -> HostRequest | None:
        if stream == NODE_STREAM and name == REBIRTH_METRIC:
            return RebirthRequest() if value is True else None
        if stream == NODE_STREAM and name == NEXT_SERVER_METRIC:
            return self._make_next_server() if value is True else None
        if stream == NODE_STREAM and name == SCAN_RATE_METRIC:
            return _parse_scan_rate(value)
        point = name if stream == NODE_STREAM else f"{stream}.{name}"
        if point in self._harmless and value is not None:
            return PointWriteRequest(point, value)
        return RefusedRequest("not among the points that Sparkplug may write", point[:_NAME_MAX_CHARS])

    def _make_next_server(self) -> HostRequest:
        return (
            NextServerRequest()
            if self._other_servers
            else RefusedRequest("there is no other server", NEXT_SERVER_METRIC)
        )


def _parse_scan_rate(value: Value | None) -> HostRequest:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if whole and SCAN_MIN_MS <= int(value or 0) <= SCAN_MAX_MS:
        return ScanRateRequest(int(value or 0))
    return RefusedRequest(f"expected {SCAN_MIN_MS}..{SCAN_MAX_MS} ms", SCAN_RATE_METRIC)
