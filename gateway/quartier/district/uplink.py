"""The district link: data connection, control connection and what is saved for both.

The data connection speaks Sparkplug B only, the control connection the companion namespace only
(spec/sync.md#section-1). Polling, control and the store never wait for anything here: samples are read from
the store when the network has room, documents and acknowledgements wait in bounded queues.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from quartier.control.requests import Ack
from quartier.district import wire_formats
from quartier.district.connection import credential_files, mqtt_types
from quartier.district.connection.control_channel import INBOX_MAX, ControlChannel
from quartier.district.connection.credential_files import CredentialWatcher, WatchedFiles
from quartier.district.connection.dialing import ask_loop
from quartier.district.connection.event_retries import EventArrival
from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import (
    BrokerCredentials,
    BrokerServer,
    ConnectionEnded,
    ConnectionProfile,
    IncomingMessage,
    OutgoingMessage,
)
from quartier.district.connection.reconnect import LinkClock, LinkServices, NoteReporter, Reconnector
from quartier.district.connection.saved_facts import SavedFacts
from quartier.district.documents.document_types import AcceptedDocument
from quartier.district.documents.expiry_notices import ExpiryNotices
from quartier.district.documents.keyring import Keyring
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import (
    Disconnect,
    Effect,
    Identity,
    Note,
    Outbox,
    PointWriteRequest,
    Publication,
    SessionContext,
    SessionRules,
)
from quartier.district.sparkplug import watermark_alarms
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_messages import make_death
from quartier.district.sparkplug.node_session import NodeSession, SessionPhase
from quartier.runtime import state_file
from quartier.site.process_image import PointValue
from quartier.site.records import Now
from quartier.site.samples import StreamPosition

_CONTROL_EXPIRY_S = 300
_SAVE_S = 10.0
_SESSION_LOST_CODES = {mqtt_types.TAKEN_OVER, mqtt_types.PROTOCOL_ERROR}
_DOCUMENTS_FILE = "documents"
# Facts of which no older copy may come back.
_SAVED_TWICE = {_DOCUMENTS_FILE, credential_files.KEYS_FILE}
# Real seconds: a fast clock must still pause.
_REAL_PAUSE_MIN_S = 0.02
# Live data is sent at once. The next pause is this many times as long as sending took, within bounds. Samples
# that arrive meanwhile share the next messages; the less there is to send, the sooner it is sent.
_PAUSE_FACTOR = 5
_PAUSE_RANGE_S = (0.001, 0.02)
# A sender that was active less than this share of the session's pause ago need not be woken.
_IDLE_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkSettings:
    """Servers and credentials of the link. ``folder`` holds what must survive a restart."""

    servers: tuple[BrokerServer, ...]
    folder: Path
    credentials: BrokerCredentials = field(default_factory=BrokerCredentials)
    issuers_file: Path | None = None
    roots: tuple[str, ...] = ()
    keepalive_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """The link's view of the site; each call is cheap and never waits.

    ``silent`` names the assets whose devices have all stopped answering. ``flexibility`` returns the
    flexibility report, JSON-ready. ``is_foreign_boot`` says whether a boot belongs to another machine.
    ``times`` returns what UTC may be after the clock was set.
    """

    outbox: Outbox
    clock: LinkClock
    latest: Callable[[], Mapping[str, PointValue]]
    silent: Callable[[], Collection[str]] = tuple
    report: Callable[[Note], None] = lambda _note: None
    flexibility: Callable[[], Mapping[str, Any] | None] = lambda: None
    is_foreign_boot: Callable[[int], bool] = lambda _boot: False
    times: Callable[[Now], Iterable[int]] = lambda _now: ()


class Uplink:
    """Runs for ever; ``run`` may be cancelled (that is the planned leave) and called again.

    ``write_requests`` holds the harmless points that a Sparkplug host asked to write.
    """

    def __init__(
        self,
        settings: UplinkSettings,
        identity: Identity,
        catalog: MetricCatalog,
        rules: SessionRules,
        house: SiteView,
    ) -> None:
        self.write_requests: deque[PointWriteRequest] = deque(maxlen=INBOX_MAX)
        self._settings = settings
        self._identity = identity
        self._house = house
        self._rules = replace(rules, servers_count=len(settings.servers))
        kept = state_file.load_facts(settings.folder / "district") or {}
        self._bdseq: int = kept["bdseq"] if isinstance(kept.get("bdseq"), int) else 255
        self._marks_saved: Mapping[str, StreamPosition] = {}
        self._published = {"messages": 0, "bytes": 0}
        self._wake = asyncio.Event()
        self._begins_anew = False
        self._pumped_ns = 0
        self._tell = NoteReporter(house.clock, house.report)
        self._keep = SavedFacts(settings.folder, _SAVED_TWICE, self._tell).keep
        services = LinkServices(house.clock, self._tell, self._keep)
        marks = wire_formats.load_marks(kept.get("marks"))
        self.session = NodeSession(identity, catalog, self._rules, marks, house.is_foreign_boot)
        self._companion = ControlChannel(
            identity,
            DocumentVerifier(
                identity, {}, state_file.load_facts(settings.folder / _DOCUMENTS_FILE), house.times
            ),
            house.outbox,
            services,
            self.session.on_delivered,
            flexibility=house.flexibility,
            arrival=EventArrival(rules.arrival_s, rules.back_off_max_s) if rules.watermark else None,
        )
        self._companion.local = catalog.local
        self._companion.documents.used.update(wire_formats.load_key_times(kept.get("used")))
        self._data, self._control = (
            Reconnector(name, identity.client_id, settings.servers, house.clock, self._tell)
            for name in ("data", "control")
        )
        self._credential_watcher = self._make_watcher(settings, services)

    def _make_watcher(self, settings: UplinkSettings, services: LinkServices) -> CredentialWatcher:
        kept = state_file.load_facts(settings.folder / credential_files.KEYS_FILE)
        return CredentialWatcher(
            WatchedFiles(settings.credentials, settings.issuers_file, self._identity.client_id),
            Keyring(self._identity.group, settings.roots, kept),
            ExpiryNotices(state_file.load_facts(settings.folder / credential_files.EXPIRIES_FILE)),
            services,
            self._reconnect_all,
            self._companion.documents.trust,
        )

    # For the daemon

    @property
    def inbox(self) -> deque[AcceptedDocument]:
        """Return the accepted documents, oldest first; the ticker drains it before each cycle."""
        return self._companion.inbox

    @property
    def jobs(self) -> deque[AcceptedDocument]:
        """Return the accepted jobs, oldest first; they are for the daemon, not for control."""
        return self._companion.jobs

    @property
    def keys(self) -> Mapping[str, Any]:
        """Return who may sign what, and when each key was last used, JSON-ready: for ``quartier keys``."""
        return self._credential_watcher.keyring.render_keys(
            self._companion.documents.used, self._house.clock.now()
        )

    @property
    def expiring(self) -> Mapping[str, str]:
        """Return certificates and keys that expire within seven days without a successor, with the notice."""
        return self._credential_watcher.expiring

    async def take_keys(self, text: str, file: str) -> bool:
        """Use a signed key list from a job; as ``CredentialWatcher.take_list``."""
        return await self._credential_watcher.take_list(text, file, "job")

    def wake(self) -> None:
        """Note that samples were recorded, so that they are sent soon. Cheap; never waits."""
        if self.session.is_prompt:
            self._wake.set()

    def ack(self, ack: Ack) -> None:
        """Queue control's decision on a document; the oldest is dropped if the district is away too long."""
        self._companion.queue_ack(ack)

    def replay(self, above: StreamPosition) -> None:
        """Send the events above this mark again."""
        self._companion.replay(above)

    def set_catalog(self, catalog: MetricCatalog) -> None:
        """Use a new catalog after a change of the site file; its births follow at once."""
        self.session.set_catalog(catalog)
        self._companion.local = catalog.local

    @property
    def stats(self) -> Mapping[str, float | str | None]:
        """Return the state of the link, JSON-ready: for ``quartier status`` and the points of the gateway."""
        heartbeat_ns = self._companion.heartbeat_ns
        now_ns = self._house.clock.now().ns
        counts = {**self._companion.counts, **self._published}
        return {
            "server": self._data.server.address,
            "data_on": self._data.is_up,
            "control_on": self._control.is_up,
            "data_fault": self._data.fault,
            "control_fault": self._control.fault,
            "phase": self.session.phase.value,
            "bdseq": self.session.bdseq,
            "catching_up": self.session.is_catching_up,
            "heartbeat_age_s": None if heartbeat_ns is None else (now_ns - heartbeat_ns) / 1e9,
            "births_count": self.session.births_count,
            "resent_count": self.session.resent_count,
            "refused_commands_count": self.session.refused_count,
            "acks_waiting_count": len(self._companion.acks),
            "lost_connections_count": self._data.lost_count + self._control.lost_count,
            **{f"{name}_count": count for name, count in counts.items()},
        }

    async def run(self) -> None:
        """Keep both connections up until cancelled; then send NDEATH and leave."""
        await self._credential_watcher.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._data.keep(self._data_once))
            group.create_task(self._control.keep(self._control_once))
            group.create_task(self._save_marks())
            group.create_task(self._credential_watcher.watch())

    # The data connection

    async def _data_once(self, server: BrokerServer) -> None:
        loop = asyncio.get_running_loop()
        profile = ConnectionProfile(
            client_id=self._identity.client_id,
            clean_start=True,
            session_expiry_s=0,
            will=lambda: ask_loop(loop, self._next_will()),
            keepalive_s=self._settings.keepalive_s,
            moments=self._house.clock.moments(),
        )
        connection = MqttConnection(server, self._settings.credentials, profile, self._on_written)
        await connection.open()
        try:
            session = self.session
            await self._data.complete_connection(connection, session.subscriptions(), session.optional_topics)
            self._perform(
                connection, self.session.process_opening(self._bdseq, self._make_context(), self._data.place)
            )
            self._stay_together()
            await self._data.run_until_first_end(
                self._listen_data(connection), self._speak_data(connection), self._wake_periodically()
            )
        finally:
            self._perform(connection, self.session.on_leaving(self._house.clock.now()))
            await connection.leave(mqtt_types.DISCONNECT_WITH_WILL)

    async def _next_will(self) -> OutgoingMessage:
        """Return the will of the next CONNECT; its number is saved before it is used."""
        self._bdseq = (self._bdseq + 1) % 256
        await self._save_state()
        will = make_death(self._identity, self._bdseq, self._house.clock.now())
        return OutgoingMessage(will.topic, will.payload, will.qos)

    def _stay_together(self) -> None:
        """Move the control connection to the server of our births: there is the host with its documents."""
        if self.session.phase in {SessionPhase.BORN, SessionPhase.HEARING}:
            self._control.join(self._data.place)

    async def _listen_data(self, connection: MqttConnection) -> None:
        while True:
            message = await connection.receive()
            effects = self.session.process_message(
                message.topic, message.payload, self._make_context(), retained=message.retained
            )
            self._perform(connection, effects)
            self._stay_together()
            if self.session.has_more:
                self._wake.set()
            await asyncio.sleep(0)  # as for control messages

    async def _speak_data(self, connection: MqttConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if connection.end_reason is not None:
                raise connection.end_reason
            self._wake.clear()
            began_s = loop.time()
            context = self._make_context()
            self._pumped_ns = context.now.ns
            if effects := self.session.pump(context, connection.free_bytes, connection.backfill_bytes):
                with connection.write_together():
                    self._perform(connection, effects)
            free_s = now_s = loop.time()
            if effects or self.session.has_more:  # without messages there is no pause
                free_s += min(max(_PAUSE_FACTOR * (now_s - began_s), _PAUSE_RANGE_S[0]), _PAUSE_RANGE_S[1])
            if not self.session.has_more:
                await self._wake.wait()
            if (wait_s := free_s - loop.time()) > 0:
                await asyncio.sleep(wait_s)

    async def _wake_periodically(self) -> None:
        """Wake the sender also when no sample does.

        It is not woken right after it was active, because that would delay the samples.
        """
        clock = self._house.clock
        while True:
            pause_s = self.session.pause_s
            await clock.sleep_coarsely(pause_s, _REAL_PAUSE_MIN_S)
            if clock.now().ns - self._pumped_ns >= _IDLE_SHARE * pause_s * 1e9:
                self._wake.set()

    def _perform(self, connection: MqttConnection, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Publication):
                tag = None if effect.upto is None else (effect.stream, effect.upto)
                self._published["messages"] += 1
                self._published["bytes"] += len(effect.payload)
                connection.publish(OutgoingMessage(effect.topic, effect.payload, effect.qos, tag=tag))
            elif isinstance(effect, Note):
                self._tell(effect)
            elif isinstance(effect, PointWriteRequest):
                self.write_requests.append(effect)
            elif isinstance(effect, Disconnect):
                if effect.use_next_server:
                    self._data.use_next_server()
                connection.interrupt(effect.why)

    def _on_written(self, tag: tuple[str, StreamPosition], _code: int) -> None:
        self.session.on_delivered(*tag)
        if self.session.is_full:  # there is room again
            self._wake.set()

    def _make_context(self) -> SessionContext:
        house = self._house
        return SessionContext(house.clock.now(), house.latest, house.outbox, house.silent)

    # The control connection

    async def _control_once(self, server: BrokerServer) -> None:
        profile = ConnectionProfile(
            client_id=f"{self._identity.client_id}.ctl",
            clean_start=self._begins_anew,
            session_expiry_s=_CONTROL_EXPIRY_S,
            keepalive_s=self._settings.keepalive_s,
            moments=self._house.clock.moments(),
        )
        companion = self._companion
        connection = MqttConnection(server, self._settings.credentials, profile, companion.on_acknowledged)
        try:
            await connection.open()
            self._begins_anew = False
            watermark = ((companion.watermark_topic, 1),) if self._rules.watermark else ()
            self.session.delivery.start_event_session()
            companion.begin(self.session.marks)
            await self._control.complete_connection(
                connection, (*companion.documents.subscriptions(), *watermark)
            )
            await self._control.run_until_first_end(
                self._listen_control(connection), companion.send_until_end(connection)
            )
        except ConnectionEnded as error:
            # A cluster may wait for the node that had our session, and never answer. A client that took our
            # name may have left subscriptions in the session.
            self._begins_anew |= isinstance(error, mqtt_types.NoConnack) or error.code in _SESSION_LOST_CODES
            raise
        finally:
            companion.send_acks(connection)
            companion.requeue_acks(connection)
            await connection.leave(mqtt_types.NORMAL_DISCONNECT)

    async def _listen_control(self, connection: MqttConnection) -> None:
        while True:
            message = await connection.receive()
            if message.topic == self._companion.watermark_topic:
                self._on_watermark(connection, message)
            else:
                await self._companion.hear(message.topic, message.payload, message.user.get("sig"))
            await asyncio.sleep(0)  # a flood of them must not delay the cycle

    def _on_watermark(self, connection: MqttConnection, message: IncomingMessage) -> None:
        """Process a watermark.

        Stay away for a while if our client id was taken over and a signed watermark names a boot of another
        machine.
        """
        is_signed = not self._rules.watermark_unsigned
        if is_signed and not self._companion.is_watermark_trusted(message):
            return
        self._perform(connection, self.session.watermark(message.payload, self._make_context()))
        self._companion.process_watermark(self.session.marks)
        asks = is_signed and (self._data.was_taken_over or self._control.was_taken_over)
        note = (
            watermark_alarms.find_superseded_note(message.payload, self._house.is_foreign_boot)
            if asks
            else None
        )
        if note is not None:
            self._tell(note)
            self._data.give_way()
            self._control.give_way()

    # What must survive, and files that may change

    async def _save_marks(self) -> None:
        """Save the marks for the next start, and trim the store to what is not delivered."""
        while True:
            await self._house.clock.sleep_coarsely(_SAVE_S, _REAL_PAUSE_MIN_S)
            marks = dict(self.session.marks)
            if marks != self._marks_saved and await self._save_state():
                self._marks_saved = marks
                self._house.outbox.trim(marks)

    async def _save_state(self) -> bool:
        marks = {stream: [mark.boot, mark.seq] for stream, mark in self.session.marks.items()}
        used = dict(self._companion.documents.used)
        return await self._keep("district", {"bdseq": self._bdseq, "marks": marks, "used": used})

    async def reread(self) -> None:
        """Check the credential files now."""
        await self._credential_watcher.reread()

    def _reconnect_all(self) -> None:
        """Reconnect with new credentials; the session of the control connection survives."""
        self._data.reconnect()
        self._control.reconnect()
