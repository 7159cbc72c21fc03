"""Make every Sparkplug message of the node under one sequence number; births in portions (pure).

Source: Eclipse Sparkplug 3.0.0, chapters 4 (topics) and 6 (payloads).
"""

from collections import deque
from collections.abc import Iterator, Sequence

from quartier.district.records import NODE_STREAM, Effect, Identity, Publication, SessionContext
from quartier.district.sparkplug.data_messages import PAYLOAD_MAX_BYTES, DataMessageWriter
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.payload_codec import Datatype, Metric, encode_payload, fit_value
from quartier.site.records import Now
from quartier.site.samples import SampleBlock, StreamPosition
from quartier_drivers.readings import Quality

BDSEQ = "bdSeq"


def make_death(identity: Identity, bdseq: int, now: Now) -> Publication:
    """Return NDEATH for the CONNECT numbered ``bdseq``: the Will, and the message of a planned leave.

    It is QoS 1 both times; bdSeq is its only metric, and it has no seq.
    """
    metric = Metric(BDSEQ, bdseq, Datatype.INT64, now.utc_ms)
    return Publication(identity.topic("NDEATH"), encode_payload([metric], timestamp_ms=now.utc_ms), qos=1)


def _get_timestamp_ms(metric: Metric) -> int:
    return metric.timestamp_ms


class NodeMessages:
    """Makes messages and numbers them: each takes the next number, 0 follows 255."""

    def __init__(self, identity: Identity, catalog: MetricCatalog, *, aliases: bool) -> None:
        self.identity = identity
        self.catalog = catalog
        self._aliases = aliases
        self._seq = 0
        self._messages = DataMessageWriter(catalog, aliases=aliases)
        self._topics: dict[str, str] = {}

    def set_catalog(self, catalog: MetricCatalog) -> None:
        """Use the metrics of ``catalog`` from now on."""
        self.catalog = catalog
        self._messages = DataMessageWriter(catalog, aliases=self._aliases)

    def make_nbirth(self, bdseq: int, controls: Sequence[Metric], context: SessionContext) -> Publication:
        """Return the node's birth: number 0, ``controls``, and every metric of buses and the gateway.

        As in all live messages, the metrics of a birth are in the order of their times (chapter 5).
        """
        self._seq = 0
        utc_ms = context.now.utc_ms
        metrics = [
            Metric(BDSEQ, bdseq, Datatype.INT64, utc_ms),
            *controls,
            *self._iterate_birth_metrics(NODE_STREAM, context),
        ]
        metrics.sort(key=_get_timestamp_ms)
        return Publication(self.identity.topic("NBIRTH"), encode_payload(metrics, timestamp_ms=utc_ms, seq=0))

    def make_dbirth(self, device: str, context: SessionContext) -> Publication:
        """Return a device's birth with every metric it will ever have."""
        return self._make_message(
            "DBIRTH",
            device,
            sorted(self._iterate_birth_metrics(device, context), key=_get_timestamp_ms),
            context.now,
        )

    def make_ddeath(self, device: str, now: Now) -> Publication:
        """Return the death of a device that no longer answers."""
        return self._make_message("DDEATH", device, [], now)

    def control(self, metric: Metric, now: Now) -> Publication:
        """Return a message with a changed ``Node Control`` metric; it carries no samples."""
        return self._make_message("NDATA", "", [metric], now)

    def learn(self, run: SampleBlock) -> bool:
        """Prepare for ``run``; return whether births must name new metrics first."""
        return self._messages.learn(run)

    def data(
        self, run: SampleBlock, start: int, now: Now, *, historical: bool, most_bytes: int = PAYLOAD_MAX_BYTES
    ) -> tuple[Publication, int]:
        """Return samples of ``run`` from index ``start`` on as one message, and how many it holds.

        ``run`` must be learned; the key of its samples is in the body of the message.
        """
        stream = run.stream
        topic = self._topics.get(stream)
        if topic is None:
            topic = self.identity.topic(*(("NDATA",) if stream == NODE_STREAM else ("DDATA", stream)))
            self._topics[stream] = topic
        self._seq = (self._seq + 1) % 256
        payload, count = self._messages.write(
            run, start, timestamp_ms=now.utc_ms, seq=self._seq, historical=historical, most_bytes=most_bytes
        )
        return Publication(
            topic, payload, 0, stream, StreamPosition(run.boot, run.first + start + count - 1)
        ), count

    def _make_message(self, kind: str, device: str, metrics: Sequence[Metric], now: Now) -> Publication:
        self._seq = (self._seq + 1) % 256
        return Publication(
            self.identity.topic(kind, device), encode_payload(metrics, timestamp_ms=now.utc_ms, seq=self._seq)
        )

    def _iterate_birth_metrics(self, stream: str, context: SessionContext) -> Iterator[Metric]:
        latest = context.latest()
        for entry in self.catalog.entries(stream):
            seen = latest.get(entry.point)
            value = fit_value(seen.value, entry.type) if seen else None
            quality = seen.quality if seen else Quality.STALE
            if value is None and quality is Quality.GOOD:
                quality = Quality.BAD
            age_ms = int(min(seen.age_s, 1e9) * 1000) if seen else 0
            yield Metric(
                entry.metric,
                value,
                entry.type,
                context.now.utc_ms - age_ms,
                alias=entry.alias if self._aliases else None,
                quality=quality,
                properties=entry.properties,
            )


# Metrics in one portion: about 2 ms. A device is never split.
BIRTH_METRICS_MAX = 200


class BirthQueue:
    """Devices whose birth is still to be sent, in the order of the catalog."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def clear(self) -> None:
        """Forget all waiting devices: the connection is gone."""
        self._waiting.clear()

    def begin(self, nbirth: Effect, messages: NodeMessages, context: SessionContext) -> list[Effect]:
        """Return the node's birth, and as many device births as fit in the rest of a portion."""
        self._waiting = deque(messages.catalog.devices)
        return [nbirth, *self.portion(messages, context, messages.catalog.count(NODE_STREAM))]

    def portion(self, messages: NodeMessages, context: SessionContext, count: int = 0) -> list[Effect]:
        """Return the births of the next devices, until ``BIRTH_METRICS_MAX`` metrics.

        ``count`` were sent already.
        """
        found: list[Effect] = []
        while self._waiting and count < BIRTH_METRICS_MAX:
            device = self._waiting.popleft()
            count += messages.catalog.count(device)
            found.append(messages.make_dbirth(device, context))
        return found
