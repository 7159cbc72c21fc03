"""The node's voice: every Sparkplug message it says, under one sequence number (pure).

Source: Eclipse Sparkplug 3.0.0, chapters 4 (topics) and 6 (payloads).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.district.catalog import NODE, Catalog
from quartier.district.effects import Publish, Scene
from quartier.district.messages import PAYLOAD_MAX_BYTES, Messages
from quartier.district.sparkplug import Metric, Type, encode, fitting
from quartier.house.now import Now
from quartier.house.sample import Mark, Run
from quartier_drivers.contract import Quality

NAMESPACE = "spBv1.0"
BDSEQ = "bdSeq"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are on the wire: district ``group``, building ``edge``; neither holds a dot or a slash."""

    group: str
    edge: str

    @property
    def client_id(self) -> str:
        """``G.E``: also the ``aud`` of documents and the common name of the certificate."""
        return f"{self.group}.{self.edge}"

    @property
    def companion(self) -> str:
        """The root of our companion topics (spec/sync.md#section-4)."""
        return f"quartier/v1/{self.group}/{self.edge}"

    def topic(self, kind: str, device: str = "") -> str:
        """``spBv1.0/G/<kind>/E[/D]``."""
        return f"{NAMESPACE}/{self.group}/{kind}/{self.edge}" + (f"/{device}" if device else "")


def death(identity: Identity, bdseq: int, now: Now) -> Publish:
    """NDEATH for the CONNECT numbered ``bdseq``: the Will, and what is said on a planned leave.

    QoS 1 both times; bdSeq is its only metric and it carries no seq.
    """
    metric = Metric(BDSEQ, bdseq, Type.INT64, now.utc_ms)
    return Publish(identity.topic("NDEATH"), encode([metric], timestamp_ms=now.utc_ms), qos=1)


def _when_ms(metric: Metric) -> int:
    return metric.timestamp_ms


class Voice:
    """Makes messages and counts them: each takes the next number, 255 is followed by 0."""

    def __init__(self, identity: Identity, catalog: Catalog, *, aliases: bool) -> None:
        self.identity = identity
        self.catalog = catalog
        self._aliases = aliases
        self._seq = 0
        self._messages = Messages(catalog, aliases=aliases)
        self._topics: dict[str, str] = {}

    def recatalogue(self, catalog: Catalog) -> None:
        """Speak of the metrics of ``catalog`` from now on."""
        self.catalog = catalog
        self._messages = Messages(catalog, aliases=self._aliases)

    def nbirth(self, bdseq: int, controls: Sequence[Metric], scene: Scene) -> Publish:
        """The node's birth: number 0, ``controls`` beside every metric of buses and the gateway.

        Like all that is live in one message, a birth's metrics stand in the order of their times (chapter 5).
        """
        self._seq = 0
        utc_ms = scene.now.utc_ms
        metrics = [Metric(BDSEQ, bdseq, Type.INT64, utc_ms), *controls, *self._born(NODE, scene)]
        metrics.sort(key=_when_ms)
        return Publish(self.identity.topic("NBIRTH"), encode(metrics, timestamp_ms=utc_ms, seq=0))

    def dbirth(self, device: str, scene: Scene) -> Publish:
        """A device's birth with every metric it will ever have."""
        return self._say("DBIRTH", device, sorted(self._born(device, scene), key=_when_ms), scene.now)

    def ddeath(self, device: str, now: Now) -> Publish:
        """A device no longer answers."""
        return self._say("DDEATH", device, [], now)

    def control(self, metric: Metric, now: Now) -> Publish:
        """A ``Node Control`` metric that changed; carries no samples."""
        return self._say("NDATA", "", [metric], now)

    def learn(self, run: Run) -> bool:
        """Make ready for ``run``; returns whether births must name what it brings first."""
        return self._messages.learn(run)

    def data(
        self, run: Run, start: int, now: Now, *, historical: bool, most_bytes: int = PAYLOAD_MAX_BYTES
    ) -> tuple[Publish, int]:
        """Samples of ``run`` from place ``start`` on as one message; returns how many it holds, too.

        ``run`` was learned; the key of its samples is in the message's body.
        """
        stream = run.stream
        topic = self._topics.get(stream)
        if topic is None:
            topic = self.identity.topic(*(("NDATA",) if stream == NODE else ("DDATA", stream)))
            self._topics[stream] = topic
        self._seq = (self._seq + 1) % 256
        payload, count = self._messages.write(
            run, start, timestamp_ms=now.utc_ms, seq=self._seq, historical=historical, most_bytes=most_bytes
        )
        return Publish(topic, payload, 0, stream, Mark(run.boot, run.first + start + count - 1)), count

    def _say(self, kind: str, device: str, metrics: Sequence[Metric], now: Now) -> Publish:
        self._seq = (self._seq + 1) % 256
        return Publish(
            self.identity.topic(kind, device), encode(metrics, timestamp_ms=now.utc_ms, seq=self._seq)
        )

    def _born(self, stream: str, scene: Scene) -> Iterator[Metric]:
        latest = scene.latest()
        for entry in self.catalog.entries(stream):
            seen = latest.get(entry.point)
            value = fitting(seen.value, entry.type) if seen else None
            quality = seen.quality if seen else Quality.STALE
            if value is None and quality is Quality.GOOD:
                quality = Quality.BAD
            age_ms = int(min(seen.age_s, 1e9) * 1000) if seen else 0
            yield Metric(
                entry.metric,
                value,
                entry.type,
                scene.now.utc_ms - age_ms,
                alias=entry.alias if self._aliases else None,
                quality=quality,
                properties=entry.properties,
            )
