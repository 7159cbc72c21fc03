"""The control connection's talk: signed documents in, acknowledgements and events out.

It speaks the companion namespace only (spec/sync.md#section-4) and never Sparkplug.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from quartier.control.requests import Ack
from quartier.district.arrival import Arrival, Denied
from quartier.district.broker import (
    PACKET_MAX_BYTES,
    PROTOCOL_ERROR,
    RECEIVE_MAX,
    Ended,
    Message,
    Outgoing,
)
from quartier.district.catalog import EVENT
from quartier.district.discretion import discreet
from quartier.district.documents import Accepted, Documents, Refused, encode_ack, received
from quartier.district.effects import Note
from quartier.district.line import BREATH_S, HouseClock, Teller
from quartier.district.mqtt import Connection
from quartier.district.outbox import Outbox, reached
from quartier.district.voice import Identity
from quartier.house.now import Now
from quartier.house.sample import Mark, Sample
from quartier_drivers.contract import in_step_s

INBOX_MAX = 256
JOBS_MAX = 8
ACKS_MAX = 256  # an envelope after a birth is answered up to five times
_EVENTS_AT_ONCE = 10
# Real seconds between two looks for events, where nothing is on its way.
_LOOK_S = 1.0
_ACK_EXPIRY_S = 3_600
_EVENT_EXPIRY_S = 7 * 86_400
# The report stays with the broker for an hour, and is made anew four times in it, in seconds of the house.
REPORT_S = 900.0
_REPORT_EXPIRY_S = 3_600
_PAYLOAD_MAX_BYTES = PACKET_MAX_BYTES - 4_096
_CUT_CHARS = 1_000

Keep = Callable[[str, dict[str, Any]], Awaitable[bool]]


class Companion:
    """Everything between ``C`` and us, whichever connection carries it.

    ``keep`` makes facts durable and answers whether it could; ``delivered`` hears of each event
    that the broker took; ``flexibility`` gives the report of what the building could do; ``arrival`` says
    which events were lost behind the broker.
    """

    def __init__(
        self,
        identity: Identity,
        documents: Documents,
        outbox: Outbox,
        clock: HouseClock,
        tell: Teller,
        keep: Keep,
        delivered: Callable[[str, Mark], None],
        flexibility: Callable[[], Mapping[str, Any] | None] = lambda: None,
        arrival: Arrival | None = None,
    ) -> None:
        self.documents = documents
        self.inbox: deque[Accepted] = deque(maxlen=INBOX_MAX)
        self.jobs: deque[Accepted] = deque(maxlen=JOBS_MAX)
        self.acks: deque[Ack] = deque(maxlen=ACKS_MAX)
        self.local: Collection[str] = ()
        self.heartbeat_ns: int | None = None
        self.counts = {"heartbeats": 0, "documents": 0, "refused_documents": 0, "events": 0}
        self._topic = identity.companion
        self._outbox = outbox
        self._clock = clock
        self._tell = tell
        self._keep = keep
        self._delivered = delivered
        self._flexibility = flexibility
        self._reported_ns: int | None = None
        self._event_mark: Mark | None = None
        self._denied = Denied()
        self._unkept = False
        self._arrival = arrival
        self._wake = asyncio.Event()

    def say(self, ack: Ack) -> None:
        """Have one acknowledgement said; the oldest goes where the district is away too long."""
        self.acks.append(ack)
        self._wake.set()

    @property
    def watermark_topic(self) -> str:
        """Where the district says what it stored."""
        return f"{self._topic}/watermark"

    def begin(self, marks: Mapping[str, Mark]) -> None:
        """A new connection: events above the watermark go again, and a fresh report."""
        self._reported_ns = None
        self._event_mark = marks.get(EVENT)
        self._denied = Denied()
        if self._arrival is not None:
            self._arrival.begin()

    def vouches(self, watermark: Message) -> bool:
        """Whether a key for watermarks signed it; else it has no effect, and that is an alarm."""
        said = watermark.topic, watermark.payload, watermark.user.get("sig")
        refused = self.documents.refuse_watermark(*said, self._clock.now())
        if refused is not None:
            data = {"reason": refused.reason.value}
            text = f"a watermark has no effect: {refused.why}"
            self._tell(Note("district.watermark_refused", text, data, alarm=True))
        return refused is None

    def covered(self, marks: Mapping[str, Mark]) -> None:
        """A watermark came: events that the broker took long ago and the district lacks go again."""
        held = marks.get(EVENT)
        if self._arrival is not None and self._arrival.is_lost(self._event_mark, held, self._clock.now()):
            self._event_mark = held
            self._wake.set()

    def replay(self, above: Mark) -> None:
        """Say the events above this mark once more, as far as the history reaches back; leave none out."""
        if reached(self._event_mark, above):
            self._event_mark = above
        self._wake.set()

    # In

    async def hear(self, topic: str, payload: bytes, signature: str | None) -> None:
        """One message of the companion namespace, the watermark apart.  Raises Ended for any other.

        Control empties the inbox each cycle.  What it has no room for waits here, and so outside: nothing
        that was accepted is lost.
        """
        while len(self.inbox) >= INBOX_MAX:  # noqa: ASYNC110 - who empties it knows nothing of us
            await asyncio.sleep(BREATH_S)
        now = self._clock.now()
        verdict = self.documents.check(topic, payload, signature, now)
        if isinstance(verdict, Accepted):
            await self._take(verdict, now)
        elif verdict is not None:
            self._refuse(verdict)
        else:
            raise Ended(f"{topic} was never subscribed: the session is another client's", PROTOCOL_ERROR)

    async def _take(self, accepted: Accepted, now: Now) -> None:
        """Into the inbox, its number on disk first."""
        if accepted.kind == "heartbeat":
            self.counts["heartbeats"] += 1
            self.heartbeat_ns = now.ns
        else:
            self.counts["documents"] += 1
            if self._unkept or not accepted.repeated:  # a repetition tries again what a disk refused before
                self._unkept = not await self._keep("documents", self.documents.ledger())
                accepted = replace(accepted, persisted=not self._unkept)
        if accepted.kind != "job":
            self.inbox.append(accepted)
        else:
            # As where two wait: the newer takes the older's place.
            if len(self.jobs) == JOBS_MAX and (gone := received(self.jobs.popleft())) is not None:
                self.say(replace(gone, status="REVOKED"))
            self.jobs.append(accepted)
        if (answer := received(accepted)) is not None:
            self.say(answer)

    def _refuse(self, refused: Refused) -> None:
        self.counts["refused_documents"] += 1
        data = {"topic": refused.topic, "reason": refused.reason.value}
        code = "district.document_suspect" if refused.alarm else "district.document_refused"
        self._tell(Note(code, refused.why, data, alarm=refused.alarm))
        if refused.ack is not None:
            self.say(refused.ack)
        if refused.beat is not None:  # control sees that the clock is denied, and counts it as none
            self.inbox.append(Accepted("heartbeat", refused.topic, refused.beat))

    # Out

    async def speak(self, connection: Connection) -> None:
        """Acknowledgements and events, until the connection ends (raises Ended)."""
        while True:
            if connection.ended is not None:
                raise connection.ended
            self._wake.clear()
            self.say_acks(connection)
            if connection.flying_count < RECEIVE_MAX // 2:
                self._say_events(connection)
                self._say_report(connection)
            in_step = in_step_s(int(asyncio.get_running_loop().time() * 1e9), _LOOK_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(BREATH_S if connection.flying_count else in_step):
                    await self._wake.wait()

    def say_acks(self, connection: Connection) -> None:
        """What waits, as far as the connection takes it now."""
        while self.acks and connection.is_open and connection.flying_count < RECEIVE_MAX:
            ack = self.acks.popleft()
            payload = encode_ack(ack, self._clock.now().utc_ms)
            connection.publish(Outgoing(f"{self._topic}/ack", payload, 1, _ACK_EXPIRY_S, ack))

    def take_back(self, connection: Connection) -> None:
        """The connection ends: what it never confirmed is said again on the next one."""
        self.acks.extendleft(reversed([tag for tag in connection.unfinished() if isinstance(tag, Ack)]))

    def _say_events(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        if (again := self._denied.due(self._clock.now())) is not None and reached(self._event_mark, again):
            self._event_mark = again
        run = self._outbox.run(EVENT, self._event_mark, _EVENTS_AT_ONCE)
        for sample in () if run is None else run.rows():
            self._event_mark = Mark(sample.boot, sample.seq)
            self.counts["events"] += 1
            topic = f"{self._topic}/event"
            payload = encode_event(sample, self.local)
            connection.publish(Outgoing(topic, payload, 1, _EVENT_EXPIRY_S, self._event_mark))

    def _say_report(self, connection: Connection) -> None:
        """What the building could do, retained: at once on a new connection, then each quarter of an hour."""
        now_ns = self._clock.now().ns
        if self._reported_ns is not None and now_ns - self._reported_ns < REPORT_S * 1e9:
            return
        found = self._flexibility()
        if found is not None:
            self._reported_ns = now_ns
            payload = encode_report(found)
            topic = f"{self._topic}/flexibility"
            connection.publish(Outgoing(topic, payload, 1, _REPORT_EXPIRY_S, "flexibility", retain=True))

    def on_acknowledged(self, tag: Ack | Mark | str, code: int) -> None:
        """The broker answered one of ours."""
        if code >= 0x80:
            self._tell(Note("district.publish_refused", f"the broker answered 0x{code:02X}", alarm=True))
            if isinstance(tag, Mark):
                self._denied.deny(tag, self._clock.now())
        elif isinstance(tag, Mark) and self._denied.passes(tag):
            self._delivered(EVENT, tag)


def encode_report(report: Mapping[str, Any]) -> bytes:
    """A report as it goes to ``C/flexibility``; without forecasts of assets where it would be too large."""
    payload = json.dumps(report, separators=(",", ":")).encode()
    if len(payload) > _PAYLOAD_MAX_BYTES:
        plain = [{**device, "forecast_w": None} for device in report["devices"]]
        payload = json.dumps({**report, "devices": plain}, separators=(",", ":")).encode()
    return payload


def encode_event(sample: Sample, local: Collection[str] = ()) -> bytes:
    """One event as it goes to ``C/event``; its value is the store's JSON of text and data.

    Of ``local`` assets it tells nothing but the code; what is too large for one message, the beginning of its
    text: it would be sent for ever, and shut out all that follow.
    """
    try:
        told = json.loads(str(sample.value))
    except ValueError:
        told = str(sample.value)
    told = discreet(told if isinstance(told, dict) else {"text": str(told), "data": {}}, local)
    fields = {
        "boot": sample.boot,
        "seq": sample.seq,
        "ts": sample.taken_utc_ms,
        "code": sample.metric,
        "text": told.get("text", ""),
        "data": told.get("data", {}),
    }
    payload = _written(fields)
    if len(payload) > _PAYLOAD_MAX_BYTES:
        payload = _written({**fields, "text": str(fields["text"])[:_CUT_CHARS], "data": {}})
    return payload


def _written(fields: Mapping[str, Any]) -> bytes:
    """JSON; half a pair of surrogates, which UTF-8 does not know, as JSON's own escape."""
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")
