"""Messages of the control connection: documents in, acks, events and reports out.

It uses only the companion namespace (spec/sync.md#section-4) and never Sparkplug. Events are numbered without
gaps, so none is ever left out. Text and data about assets with local data are removed.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from quartier.control.requests import Ack
from quartier.district.connection.event_retries import EventArrival, RefusedEvents
from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    PACKET_MAX_BYTES,
    PROTOCOL_ERROR,
    RECEIVE_MAX,
    ConnectionEnded,
    IncomingMessage,
    OutgoingMessage,
)
from quartier.district.connection.reconnect import REAL_PAUSE_MIN_S, LinkServices
from quartier.district.documents.document_types import (
    AcceptedDocument,
    RefusedDocument,
    encode_ack,
    make_reception_ack,
)
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import EVENT_STREAM, Identity, Note, Outbox, has_reached
from quartier.site.records import Now
from quartier.site.samples import Sample, StreamPosition
from quartier_drivers.contract import find_wait_s

LOCAL_ASSET_TEXT = "about an asset whose data stays in the building"
_WORD = re.compile(r"[a-z][a-z0-9_]*")


def redact(told: Mapping[str, Any], local: Collection[str]) -> Mapping[str, Any]:
    """Return ``told`` (text and data) as it may leave the site: empty if it names an asset of ``local``."""
    if not local or set(_WORD.findall(json.dumps(told))).isdisjoint(local):
        return told
    return {"text": LOCAL_ASSET_TEXT, "data": {}}


INBOX_MAX = 256
JOBS_MAX = 8
ACKS_MAX = 256  # after a birth an envelope is acknowledged up to five times
_EVENTS_AT_ONCE = 10
# Real seconds between two checks for events, while nothing is in flight.
_EVENTS_PERIOD_S = 1.0
_ACK_EXPIRY_S = 3_600
_EVENT_EXPIRY_S = 7 * 86_400
# The broker retains the report for an hour; a new one is made four times an hour, in seconds of the site
# clock.
REPORT_PERIOD_S = 900.0
_REPORT_EXPIRY_S = 3_600
_PAYLOAD_MAX_BYTES = PACKET_MAX_BYTES - 4_096
_TEXT_CUT_CHARS = 1_000


class ControlChannel:
    """Exchange of companion messages with the district, on any connection.

    ``delivered`` is called for each event that the broker took. ``flexibility`` returns the flexibility
    report of the site. ``arrival`` finds events that were lost behind the broker.
    """

    def __init__(
        self,
        identity: Identity,
        documents: DocumentVerifier,
        outbox: Outbox,
        services: LinkServices,
        delivered: Callable[[str, StreamPosition], None],
        *,
        flexibility: Callable[[], Mapping[str, Any] | None] = lambda: None,
        arrival: EventArrival | None = None,
    ) -> None:
        self.documents = documents
        self.inbox: deque[AcceptedDocument] = deque(maxlen=INBOX_MAX)
        self.jobs: deque[AcceptedDocument] = deque(maxlen=JOBS_MAX)
        self.acks: deque[Ack] = deque(maxlen=ACKS_MAX)
        self.local: Collection[str] = ()
        self.heartbeat_ns: int | None = None
        self.counts = {"heartbeats": 0, "documents": 0, "refused_documents": 0, "events": 0}
        self._topic = identity.companion
        self._outbox = outbox
        self._clock = services.clock
        self._tell = services.tell
        self._keep = services.keep
        self._delivered = delivered
        self._flexibility = flexibility
        self._reported_ns: int | None = None
        self._event_mark: StreamPosition | None = None
        self._denied = RefusedEvents()
        self._is_unsaved = False
        self._arrival = arrival
        self._wake = asyncio.Event()

    def queue_ack(self, ack: Ack) -> None:
        """Queue an acknowledgement; the oldest is dropped if the district is away too long."""
        self.acks.append(ack)
        self._wake.set()

    @property
    def watermark_topic(self) -> str:
        """Return the topic on which the district publishes what it stored."""
        return f"{self._topic}/watermark"

    def begin(self, marks: Mapping[str, StreamPosition]) -> None:
        """Start on a new connection: send events above the watermark again, and a new report."""
        self._reported_ns = None
        self._event_mark = marks.get(EVENT_STREAM)
        self._denied = RefusedEvents()
        if self._arrival is not None:
            self._arrival.begin()

    def is_watermark_trusted(self, watermark: IncomingMessage) -> bool:
        """Return whether a key for watermarks signed it; if not, ignore it and raise an alarm."""
        refused = self.documents.find_watermark_refusal(
            watermark.topic, watermark.payload, watermark.user.get("sig"), self._clock.now()
        )
        if refused is not None:
            data = {"reason": refused.reason.value}
            text = f"a watermark has no effect: {refused.why}"
            self._tell(Note("district.watermark_refused", text, data, alarm=True))
        return refused is None

    def process_watermark(self, marks: Mapping[str, StreamPosition]) -> None:
        """Process a watermark: send events again that the broker took but the district lacks."""
        held = marks.get(EVENT_STREAM)
        if self._arrival is not None and self._arrival.check_lost(self._event_mark, held, self._clock.now()):
            self._event_mark = held
            self._wake.set()

    def replay(self, above: StreamPosition) -> None:
        """Send the events above this mark again, as far as the history reaches back; leave none out."""
        if has_reached(self._event_mark, above):
            self._event_mark = above
        self._wake.set()

    # In

    async def hear(self, topic: str, payload: bytes, signature: str | None) -> None:
        """Process one message of the companion namespace, except the watermark.

        Raises ConnectionEnded for a topic outside of it. Control empties the inbox each cycle. While the
        inbox is full, a message waits here, and so at the broker: no accepted document is lost.
        """
        while len(self.inbox) >= INBOX_MAX:  # noqa: ASYNC110 - who empties it knows nothing of us
            await asyncio.sleep(REAL_PAUSE_MIN_S)
        now = self._clock.now()
        verdict = self.documents.check(topic, payload, signature, now)
        if isinstance(verdict, AcceptedDocument):
            await self._take(verdict, now)
        elif verdict is not None:
            self._refuse(verdict)
        else:
            raise ConnectionEnded(
                f"{topic} was never subscribed: the session is another client's", PROTOCOL_ERROR
            )

    async def _take(self, accepted: AcceptedDocument, now: Now) -> None:
        """Put a document into the inbox after its number is on disk."""
        if accepted.kind == "heartbeat":
            self.counts["heartbeats"] += 1
            self.heartbeat_ns = now.ns
        else:
            self.counts["documents"] += 1
            if self._is_unsaved or not accepted.repeated:  # a repetition retries a save that failed before
                self._is_unsaved = not await self._keep("documents", self.documents.ledger())
                accepted = replace(accepted, persisted=not self._is_unsaved)
        if accepted.kind != "job":
            self.inbox.append(accepted)
        else:
            # A full queue drops the oldest job.
            if len(self.jobs) == JOBS_MAX and (gone := make_reception_ack(self.jobs.popleft())) is not None:
                self.queue_ack(replace(gone, status="REVOKED"))
            self.jobs.append(accepted)
        if (answer := make_reception_ack(accepted)) is not None:
            self.queue_ack(answer)

    def _refuse(self, refused: RefusedDocument) -> None:
        self.counts["refused_documents"] += 1
        data = {"topic": refused.topic, "reason": refused.reason.value}
        code = "district.document_suspect" if refused.alarm else "district.document_refused"
        self._tell(Note(code, refused.why, data, alarm=refused.alarm))
        if refused.ack is not None:
            self.queue_ack(refused.ack)
        if refused.heartbeat is not None:  # control sees the clock error and does not count it as a heartbeat
            self.inbox.append(AcceptedDocument("heartbeat", refused.topic, refused.heartbeat))

    # Out

    async def send_until_end(self, connection: MqttConnection) -> None:
        """Send acknowledgements and events until the connection ends. Raises ConnectionEnded."""
        while True:
            if connection.end_reason is not None:
                raise connection.end_reason
            self._wake.clear()
            self.send_acks(connection)
            if connection.in_flight_count < RECEIVE_MAX // 2:
                self._send_events(connection)
                self._send_report(connection)
            in_step = find_wait_s(int(asyncio.get_running_loop().time() * 1e9), _EVENTS_PERIOD_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(REAL_PAUSE_MIN_S if connection.in_flight_count else in_step):
                    await self._wake.wait()

    def send_acks(self, connection: MqttConnection) -> None:
        """Send the waiting acknowledgements, as many as the connection takes now."""
        while self.acks and connection.is_open and connection.in_flight_count < RECEIVE_MAX:
            ack = self.acks.popleft()
            payload = encode_ack(ack, self._clock.now().utc_ms)
            connection.publish(OutgoingMessage(f"{self._topic}/ack", payload, 1, _ACK_EXPIRY_S, ack))

    def requeue_acks(self, connection: MqttConnection) -> None:
        """Queue unconfirmed acknowledgements again for the next connection."""
        self.acks.extendleft(reversed([tag for tag in connection.list_unfinished() if isinstance(tag, Ack)]))

    def _send_events(self, connection: MqttConnection) -> None:
        if not connection.is_open:
            return
        if (again := self._denied.due(self._clock.now())) is not None and has_reached(
            self._event_mark, again
        ):
            self._event_mark = again
        run = self._outbox.run(EVENT_STREAM, self._event_mark, _EVENTS_AT_ONCE)
        for sample in () if run is None else run.rows():
            self._event_mark = StreamPosition(sample.boot, sample.seq)
            self.counts["events"] += 1
            topic = f"{self._topic}/event"
            payload = encode_event(sample, self.local)
            connection.publish(OutgoingMessage(topic, payload, 1, _EVENT_EXPIRY_S, self._event_mark))

    def _send_report(self, connection: MqttConnection) -> None:
        """Publish the retained flexibility report: at once on a new connection, then every 15 minutes."""
        now_ns = self._clock.now().ns
        if self._reported_ns is not None and now_ns - self._reported_ns < REPORT_PERIOD_S * 1e9:
            return
        found = self._flexibility()
        if found is not None:
            self._reported_ns = now_ns
            payload = encode_report(found)
            topic = f"{self._topic}/flexibility"
            connection.publish(
                OutgoingMessage(topic, payload, 1, _REPORT_EXPIRY_S, "flexibility", retain=True)
            )

    def on_acknowledged(self, tag: Ack | StreamPosition | str, code: int) -> None:
        """Process the broker's answer to one published message."""
        if code >= 0x80:
            self._tell(Note("district.publish_refused", f"the broker answered 0x{code:02X}", alarm=True))
            if isinstance(tag, StreamPosition):
                self._denied.note_refused(tag, self._clock.now())
        elif isinstance(tag, StreamPosition) and self._denied.passes(tag):
            self._delivered(EVENT_STREAM, tag)


def encode_report(report: Mapping[str, Any]) -> bytes:
    """Encode a report for ``C/flexibility``; omit the forecasts of assets if it would be too large."""
    payload = json.dumps(report, separators=(",", ":")).encode()
    if len(payload) > _PAYLOAD_MAX_BYTES:
        plain = [{**device, "forecast_w": None} for device in report["devices"]]
        payload = json.dumps({**report, "devices": plain}, separators=(",", ":")).encode()
    return payload


def encode_event(sample: Sample, local: Collection[str] = ()) -> bytes:
    """Encode one event for ``C/event``; its value is the JSON of text and data from the store.

    For ``local`` assets it contains only the code. If it is too large for one message, it contains only the
    beginning of the text; otherwise it would be sent for ever and block all later events.
    """
    try:
        told = json.loads(str(sample.value))
    except ValueError:
        told = str(sample.value)
    told = redact(told if isinstance(told, dict) else {"text": str(told), "data": {}}, local)
    fields = {
        "boot": sample.boot,
        "seq": sample.seq,
        "ts": sample.taken_utc_ms,
        "code": sample.metric,
        "text": told.get("text", ""),
        "data": told.get("data", {}),
    }
    payload = _encode_json(fields)
    if len(payload) > _PAYLOAD_MAX_BYTES:
        payload = _encode_json({**fields, "text": str(fields["text"])[:_TEXT_CUT_CHARS], "data": {}})
    return payload


def _encode_json(fields: Mapping[str, Any]) -> bytes:
    """Encode JSON; write an unpaired surrogate, which UTF-8 does not allow, as a JSON escape."""
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")
