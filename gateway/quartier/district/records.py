"""Records that several packages share: identity, session rules, effects and the outbox interface (pure)."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from quartier.site.process_image import PointValue
from quartier.site.records import Now
from quartier.site.samples import SampleBlock, StreamPosition
from quartier_drivers.readings import Value

# No sample is above this mark: it excludes a stream.
NOTHING_ABOVE = StreamPosition(2**64 - 1, 2**64 - 1)


class Outbox(Protocol):
    """The store as the link sees it. Synchronous and cheap: nothing here may wait for a disk."""

    def runs(self, above: Mapping[str, StreamPosition], limit: int) -> list[SampleBlock]:
        """Return up to ``limit`` samples above the marks, open chunks included.

        Each stream is in sequence. The stream whose oldest sample waits longest comes first; if not all fit,
        each stream gets its share. A stream that ``above`` does not name counts from its beginning.
        """
        ...

    def run(self, stream: str, above: StreamPosition | None, limit: int) -> SampleBlock | None:
        """Return the next samples of one stream, at most ``limit``, of one boot and without a gap."""
        ...

    def heads(self) -> Mapping[str, StreamPosition]:
        """Return the newest numbered sample of each stream."""
        ...

    @property
    def is_whole(self) -> bool:
        """Return whether all stored samples can be found.

        Else older samples may still appear, and no mark may move.
        """
        ...

    def trim(self, marks: Mapping[str, StreamPosition]) -> None:
        """Drop everything up to the marks: it is delivered, and the link does not need it any more."""
        ...


def has_reached(mark: StreamPosition | None, goal: StreamPosition) -> bool:
    """Return whether ``mark`` is at or beyond ``goal``."""
    return mark is not None and (mark.boot, mark.seq) >= (goal.boot, goal.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """Rules of the session; times in seconds of the site clock.

    ``harmless`` are the points that a host may write; points that move power are never among them.
    ``late_s``: live samples that the connection did not take for this long go to the backlog, so that newer
    ones pass them. ``scan_ms`` is the interval of live data, which a host may change; 0 means at once.
    ``arrival_s``: samples that were sent this long ago and are lost are sent again. ``silent_s``: alarm if no
    watermark came for this long. ``watermark_unsigned``: watermarks count without a signature.
    """

    primary_host: str | None = None
    watermark: bool = True
    watermark_unsigned: bool = False
    aliases: bool = False
    servers_count: int = 1
    harmless: frozenset[str] = frozenset()
    backfill_messages_per_s: float = 5.0
    scan_ms: int = 0
    late_s: float = 10.0
    echo_s: float = 60.0
    silent_s: float = 120.0
    arrival_s: float = 60.0
    rebirth_pause_s: float = 5.0
    watermark_wait_s: float = 10.0
    back_off_max_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class SessionContext:
    """Inputs of the session at an event: time, latest value per point, store, silent assets.

    An asset is silent if none of its devices answers. Values that are seldom needed are callables.
    """

    now: Now
    latest: Callable[[], Mapping[str, PointValue]]
    outbox: Outbox
    silent: Callable[[], Collection[str]] = tuple


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to send. ``stream`` and ``upto`` say which samples it delivers, if any."""

    topic: str
    payload: bytes
    qos: int = 0
    stream: str = ""
    upto: StreamPosition | None = None


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the data connection, after NDEATH; ``use_next_server``: go on with the next server."""

    why: str
    use_next_server: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something that people should know; ``alarm`` if somebody must act."""

    code: str
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class PointWriteRequest:
    """Request of a host to write a harmless point."""

    point: str
    value: Value


Effect = Publication | Disconnect | Note | PointWriteRequest
NODE_STREAM = "node"
EVENT_STREAM = "event"
SPARKPLUG_NAMESPACE = "spBv1.0"


@dataclass(frozen=True, slots=True)
class Identity:
    """Identity on the wire: district ``group``, site ``edge``; neither contains a dot or a slash."""

    group: str
    edge: str

    @property
    def client_id(self) -> str:
        """Return ``G.E``: also the ``aud`` of documents and the common name of the certificate."""
        return f"{self.group}.{self.edge}"

    @property
    def companion(self) -> str:
        """Return the root of our companion topics (spec/sync.md#section-4)."""
        return f"quartier/v1/{self.group}/{self.edge}"

    def topic(self, kind: str, device: str = "") -> str:
        """Return ``spBv1.0/G/<kind>/E[/D]``."""
        return f"{SPARKPLUG_NAMESPACE}/{self.group}/{kind}/{self.edge}" + (f"/{device}" if device else "")


@dataclass(frozen=True, slots=True)
class ExpiringCredential:
    """A credential with an expiry. ``replaced``: another one already replaces it beyond that."""

    name: str
    exp_utc_ms: int
    replaced: bool = False
