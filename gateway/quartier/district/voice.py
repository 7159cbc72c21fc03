"""The node's voice: every Sparkplug message it says, under one sequence number (pure).

Source: Eclipse Sparkplug 3.0.0, chapters 4 (topics) and 6 (payloads).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.district import runs
from quartier.district.catalog import NODE, Catalog
from quartier.district.effects import Publish, Scene
from quartier.district.sparkplug import Key, Metric, Type, encode, fitting
from quartier.house.now import Now
from quartier.house.sample import Mark, Sample
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
        """The root of our companion topics (sync.md section 4)."""
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


class Voice:
    """Makes messages and counts them: each takes the next number, 255 is followed by 0."""

    def __init__(self, identity: Identity, catalog: Catalog, *, aliases: bool) -> None:
        self.identity = identity
        self.catalog = catalog
        self._aliases = aliases
        self._seq = 0

    def nbirth(self, bdseq: int, controls: Sequence[Metric], scene: Scene) -> Publish:
        """The node's birth: number 0, ``controls`` beside every metric of buses and the gateway."""
        self._seq = 0
        utc_ms = scene.now.utc_ms
        metrics = [Metric(BDSEQ, bdseq, Type.INT64, utc_ms), *controls, *self._born(NODE, scene)]
        return Publish(self.identity.topic("NBIRTH"), encode(metrics, timestamp_ms=utc_ms, seq=0))

    def dbirth(self, device: str, scene: Scene) -> Publish:
        """A device's birth with every metric it will ever have."""
        return self._say("DBIRTH", device, list(self._born(device, scene)), scene.now)

    def ddeath(self, device: str, now: Now) -> Publish:
        """A device no longer answers."""
        return self._say("DDEATH", device, [], now)

    def control(self, metric: Metric, now: Now) -> Publish:
        """A ``Node Control`` metric that changed; carries no samples."""
        return self._say("NDATA", "", [metric], now)

    def data(self, run: Sequence[Sample], now: Now, *, historical: bool) -> Publish:
        """Consecutive samples of one stream as one message, their key in its body."""
        first, last = run[0], run[-1]
        device = "" if first.stream == NODE else first.stream
        message = self._say(
            "DDATA" if device else "NDATA",
            device,
            [self._metric(sample, historical=historical) for sample in run],
            now,
            Key(first.boot, first.seq),
        )
        return Publish(message.topic, message.payload, stream=first.stream, upto=Mark(last.boot, last.seq))

    def _say(
        self, kind: str, device: str, metrics: Sequence[Metric], now: Now, key: Key | None = None
    ) -> Publish:
        self._seq = (self._seq + 1) % 256
        payload = encode(metrics, timestamp_ms=now.utc_ms, seq=self._seq, key=key)
        return Publish(self.identity.topic(kind, device), payload)

    def _born(self, stream: str, scene: Scene) -> Iterator[Metric]:
        for entry in self.catalog.entries(stream):
            seen = scene.latest.get(entry.point)
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

    def _metric(self, sample: Sample, *, historical: bool) -> Metric:
        entry = self.catalog.find(sample.stream, sample.metric)
        value = sample.value[: runs.TEXT_MAX_CHARS] if isinstance(sample.value, str) else sample.value
        fits = fitting(value, entry.type) if entry else value
        lost = fits is None and sample.quality is Quality.GOOD
        return Metric(
            sample.metric,
            fits,
            None,
            sample.taken_utc_ms,
            alias=entry.alias if entry and self._aliases else None,
            historical=historical,
            quality=Quality.BAD if lost else sample.quality,
        )
