"""State machine of one Sparkplug edge node: births, deaths, live data and backfill (pure).

Each input (connection, STATE, commands, watermark, time) has one method; the result is a list of effects.
Nothing here waits, and nothing that the store has is kept here. Source: Eclipse Sparkplug 3.0.0, chapter 5;
spec/sync.md#section-2 and spec/sync.md#section-3.

States (``SessionPhase``); the end of the connection leads from each of them to OFF:

- OFF: no connection. ``process_opening`` -> WAITING with a primary host; HEARING if history of the last
  connection is unconfirmed; else BORN.
- WAITING: for STATE *online* of the primary host -> BORN (spec/sync.md#primary-host).
- HEARING: for a watermark about the last connection. All is confirmed, two watermarks in a row confirm
  nothing more, or the time is over -> BORN.
- BORN: NBIRTH was sent. ``pump`` sends the DBIRTHs, then live data, deaths and history.

Invariants:

- NBIRTH is the first message of a connection; no data goes before ``_unborn`` is empty (spec/sync.md#births).
- ``bdseq`` is that of the Will of this connection; a rebirth keeps it.
- A rebirth that the district or the clock causes comes ``rebirth_pause_s`` after the births before it.
- A sample goes as live data only if it is newer than the births or the sample before; all others are history.
- History is never in one message with live data (spec/sync.md#backfill).
- A mark moves only over samples that were sent in this session (``delivered_marks``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from zlib import crc32

from quartier.district.records import (
    EVENT_STREAM,
    NODE_STREAM,
    NOTHING_ABOVE,
    SPARKPLUG_NAMESPACE,
    Disconnect,
    Effect,
    Identity,
    Note,
    Publication,
    SessionContext,
    SessionRules,
    has_reached,
)
from quartier.district.sparkplug import host_commands
from quartier.district.sparkplug.backfill import Backfill
from quartier.district.sparkplug.data_messages import PAYLOAD_MAX_BYTES
from quartier.district.sparkplug.delivered_marks import DeliveredMarks
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_messages import BirthQueue, NodeMessages, make_death
from quartier.district.sparkplug.primary_host import PrimaryHost, list_state_topics
from quartier.district.sparkplug.watermark_alarms import WatermarkAlarms
from quartier.district.wire_formats import parse_state, parse_watermark
from quartier.site.records import Now
from quartier.site.samples import SampleBlock, StreamPosition

_LIVE_SAMPLES_MAX = 4_000
# Backlog messages in one call: the loop serves other tasks, too (500 metrics take about 2 ms).
_LATE_MESSAGES_MAX = 4
_S = 1_000_000_000
# Period of the check for events without a sample: silent devices, births and echoes that are due.
_CHECK_PERIOD_S = 1.0
# Period of the check whether the network is free for more history.
_BACKFILL_PERIOD_S = 0.25
# If the last connection left history unconfirmed, births wait for watermarks about it: this many times
# ``watermark_wait_s``, or until this many watermarks in a row confirm nothing more.
_HEARING_WAITS_COUNT, _IDLE_WATERMARKS_MAX = 2, 2
# Samples that found no room wait at most this long.
_FULL_PAUSE_S = 0.05


class SessionPhase(Enum):
    """State of the session."""

    OFF = "off"
    WAITING = "waiting for the primary host"
    HEARING = "waiting for the watermark"
    BORN = "born"


class NodeSession:
    """One edge node.

    ``delivery`` knows what was sent; the caller saves its ``marks`` and trims the store by them. ``is_full``:
    live samples found no room, or were too many for one pump.
    """

    def __init__(
        self,
        identity: Identity,
        catalog: MetricCatalog,
        rules: SessionRules,
        marks: Mapping[str, StreamPosition] | None = None,
        is_stranger: Callable[[int], bool] = lambda _boot: True,
    ) -> None:
        self.identity = identity
        self.catalog = catalog
        self.rules = rules
        self.delivery = DeliveredMarks(marks, is_stranger)
        self.phase = SessionPhase.OFF
        self.bdseq = 0
        self.scan_ms = rules.scan_ms
        self.births_count = 0
        self.refused_count = 0
        self._messages = NodeMessages(identity, catalog, aliases=rules.aliases)
        self._commands = host_commands.HostCommands(
            identity, catalog, rules.harmless, aliases=rules.aliases, other_servers=rules.servers_count > 1
        )
        self._alive: set[str] = set()
        self._live: dict[str, StreamPosition] = {}
        self._closed: dict[str, StreamPosition] = {}
        self._live_ns = 0
        self._look_ns = 0
        self.is_full = self._was_cut = False
        self._history = Backfill(rules, crc32(identity.client_id.encode()) / 2**32)
        self._unborn = BirthQueue()
        self._primary = PrimaryHost()
        self._born_ns = 0
        self._owes_rate = self._is_undated = False
        self._rebirth_ns: int | None = None
        self._watch = WatermarkAlarms(rules)
        host = rules.primary_host
        self._state_topics = () if host is None else list_state_topics(SPARKPLUG_NAMESPACE, host)
        self._is_fresh = False
        self._hearing_end_ns: int | None = None
        self._idle_watermarks_count = 0
        self._heard_ns = 0

    @property
    def marks(self) -> Mapping[str, StreamPosition]:
        """Return up to which sample each stream counts as delivered."""
        return self.delivery.marks

    @property
    def district_marks(self) -> Mapping[str, StreamPosition]:
        """Return up to where the district has each stream, evicted samples included."""
        return self.delivery.district_marks

    @property
    def decision_ns(self) -> int:
        """Return the time up to which sent samples are decided: what is not confirmed did not arrive."""
        return self._heard_ns - round(self.rules.arrival_s * _S)

    def has_sent(self, stream: str, boot: int, first: int, last: int) -> bool:
        """Return whether the district may have any of these samples, and will say so in a watermark."""
        return self.rules.watermark and self.delivery.has_sent(stream, boot, first, last)

    @property
    def resent_count(self) -> int:
        """Return how often lost samples were sent again."""
        return self._history.resent_count

    @property
    def is_catching_up(self) -> bool:
        """Return whether any history is still to be delivered."""
        return bool(self._history.backlog)

    @property
    def has_more(self) -> bool:
        """Return whether another pump has births or live samples to send at once: too many for the last."""
        return bool(self._unborn) or (self._was_cut and self.is_prompt)

    @property
    def pause_s(self) -> float:
        """Return how long to wait for the next pump, in site time, if no sample comes before."""
        pause_s = min(_CHECK_PERIOD_S, self.scan_ms / 1000) if self.scan_ms else _CHECK_PERIOD_S
        if self._history.backlog:
            pause_s = min(pause_s, 1 / self.rules.backfill_messages_per_s, _BACKFILL_PERIOD_S)
        return min(pause_s, _FULL_PAUSE_S) if self.is_full else pause_s

    @property
    def is_prompt(self) -> bool:
        """Return whether live samples are sent at once, so that each new one requires a pump."""
        return self.phase is SessionPhase.BORN and not self.scan_ms

    # The connection

    @property
    def optional_topics(self) -> Sequence[str]:
        """Return the ``subscriptions`` that a broker may refuse: only some brokers know this spelling."""
        return self._state_topics[1:]

    def subscriptions(self) -> tuple[tuple[str, int], ...]:
        """Return topic filters and QoS that must be acknowledged before ``process_opening``."""
        own = ((self.identity.topic("NCMD"), 1), (self.identity.topic("DCMD", "+"), 1))
        return (*own, *((topic, 1) for topic in self._state_topics))

    def process_opening(self, bdseq: int, context: SessionContext, server: int = 0) -> list[Effect]:
        """Process CONNACK and SUBACKs of server number ``server``; the Will of the CONNECT had ``bdseq``.

        If the last connection left history unconfirmed, births wait some seconds for a watermark. Before the
        births a watermark can still confirm what that connection sent, so less is sent twice.
        """
        self.bdseq = bdseq
        self._primary.begin(server)
        self._watch.process_opening()
        self._is_fresh = True
        if self.rules.primary_host is not None:
            self.phase = SessionPhase.WAITING
            return []
        if self._history.is_unconfirmed:
            self.phase = SessionPhase.HEARING
            if self._hearing_end_ns is None:  # kept across reconnects, so that births are sent in the end
                self._hearing_end_ns = context.now.ns + round(
                    _HEARING_WAITS_COUNT * self.rules.watermark_wait_s * _S
                )
            self._idle_watermarks_count = 0
            return []
        return self._make_births(context)

    def process_closing(self) -> None:
        """Process the end of the connection, for whatever reason."""
        self.phase = SessionPhase.OFF
        self._alive.clear()
        self._unborn.clear()
        self._history.backlog.clear()
        self._watch.process_closing()

    def on_leaving(self, now: Now) -> list[Effect]:
        """Return the messages before a planned DISCONNECT (reason 0x04)."""
        born = self.phase is SessionPhase.BORN
        self.process_closing()
        return [make_death(self.identity, self.bdseq, now)] if born else []

    def set_catalog(self, catalog: MetricCatalog) -> None:
        """Use a new catalog; its births are sent with the next ``pump``."""
        self.catalog = self._commands.catalog = catalog
        self._messages.set_catalog(catalog)
        if self.phase is SessionPhase.BORN:
            self._rebirth_ns = self._born_ns

    # Births

    @property
    def _next_birth_ns(self) -> int:
        return self._born_ns + int(self.rules.rebirth_pause_s * _S)

    def _make_births(self, context: SessionContext) -> list[Effect]:
        now = context.now
        self.phase = SessionPhase.BORN
        self.births_count += 1
        self._born_ns = now.ns
        self._is_undated = not now.synced
        self._owes_rate = False
        self._rebirth_ns = self._hearing_end_ns = None
        self._live_ns = self._look_ns = 0
        self.is_full = self._was_cut = False
        self._watch.process_births(now)
        self._alive = set(self.catalog.devices)
        self._update_closed()
        # The births have the newest values: older samples are sent as history.
        above = self._start_connection(now) if self._is_fresh else self._live
        self._history.backlog.add(above, self._find_heads(context))
        self._live = dict(context.outbox.heads())
        nbirth = self._messages.make_nbirth(
            self.bdseq, self._commands.make_controls(self.scan_ms, now), context
        )
        return self._unborn.begin(nbirth, self._messages, context)

    def _start_connection(self, now: Now) -> Mapping[str, StreamPosition]:
        """Return the marks above which everything is sent again on a new connection.

        Until the first births a watermark still counts for what the last connection sent.
        """
        self._is_fresh = False
        self.delivery.start_data_session()
        self._history.begin(now)
        return self.marks

    def _leaves(self, stream: str) -> bool:
        """Return whether samples of ``stream`` are sent over Sparkplug at all."""
        return stream != EVENT_STREAM and stream not in self.catalog.local

    # Messages of the district

    def process_message(
        self, topic: str, payload: bytes, context: SessionContext, *, retained: bool = False
    ) -> list[Effect]:
        """Process STATE of the primary host, NCMD or DCMD.

        A ``retained`` command was meant for another time.
        """
        if topic in self._state_topics:
            return self._on_state(payload, context)
        if self.phase is not SessionPhase.BORN:
            return []
        if retained:
            return self._on_command(host_commands.RefusedRequest("a retained command"), context)
        effects: list[Effect] = []
        for request in self._commands.read(topic, payload):
            if self.phase is SessionPhase.BORN:
                effects.extend(self._on_command(request, context))
        return [*effects, *self._make_rate_message(context)]

    def _on_state(self, payload: bytes, context: SessionContext) -> list[Effect]:
        state = parse_state(payload)
        if state is None:
            return [Note("district.state_malformed", "a STATE message is no valid one")]
        online = self._primary.hear(context.now, online=state[0], timestamp_ms=state[1])
        if online and self.phase is SessionPhase.WAITING:
            return self._make_births(context)
        stays = self.phase is SessionPhase.WAITING and self.rules.servers_count == 1
        if online is False and self.phase is not SessionPhase.OFF and not stays:
            return [*self.on_leaving(context.now), Disconnect("primary host offline", use_next_server=True)]
        return []

    def _on_command(self, request: host_commands.HostRequest, context: SessionContext) -> list[Effect]:
        if isinstance(request, host_commands.RefusedRequest):
            self.refused_count += 1
            return [Note("district.command_refused", request.why, {"point": request.point})]
        if isinstance(request, host_commands.ScanRateRequest):
            self.scan_ms = request.ms
            self._owes_rate = True
            return []
        if isinstance(request, host_commands.NextServerRequest):
            return [*self.on_leaving(context.now), Disconnect("next server asked for", use_next_server=True)]
        if isinstance(request, host_commands.RebirthRequest):
            self._rebirth_ns = self._next_birth_ns
            return self._make_births(context) if context.now.ns >= self._rebirth_ns else []
        return [request]

    def _make_rate_message(self, context: SessionContext) -> list[Effect]:
        """Return the pending answer about the interval of live data; nothing may come between births."""
        waits = self._unborn or self._rebirth_ns is not None or self.phase is not SessionPhase.BORN
        if waits or not self._owes_rate:
            return []
        self._owes_rate = False
        return [self._messages.control(self._commands.make_scan_rate(self.scan_ms, context.now), context.now)]

    def watermark(self, payload: bytes, context: SessionContext) -> list[Effect]:
        """Process a watermark: marks rise over what was sent, and its bdSeq shows that the district sees us.

        The caller has checked its signature.
        """
        found = parse_watermark(payload)
        if found is None:
            return [Note("district.watermark_malformed", "a watermark is no valid one")]
        now = context.now
        notes = [
            *self.delivery.watermark(found.streams, context.outbox),
            *self._watch.process_watermark(found, now),
        ]
        self._history.backlog.skip_confirmed(self.marks)
        is_moved, echoes = self._history.remove_confirmed(self.marks, now), found.bdseq == self.bdseq
        self._idle_watermarks_count = 0 if is_moved else self._idle_watermarks_count + 1
        if self.phase is not SessionPhase.BORN or self._is_fresh:
            return [*notes]
        if echoes:
            self._watch.note_confirmed()
            self._heard_ns = now.ns if context.outbox.is_whole else self._heard_ns
        else:
            is_passed = is_moved and self._history.last_confirmed_ns >= self._born_ns
            if (missed := self._watch.process_missing_echo(self.bdseq, now, is_passed=is_passed)) is not None:
                notes.append(missed)
                self._rebirth_ns = self._next_birth_ns
        self._history.process_watermark(found.late_s, self.marks, context, is_moved=is_moved, echoes=echoes)
        return [*notes]

    def on_delivered(self, stream: str, upto: StreamPosition) -> None:
        """Note a message published on a live session; it counts as delivered if the host sends no watermark.

        It does not count while older samples of the stream still wait, or they would be trimmed unsent.
        Events come one by one, as the broker takes them.
        """
        if stream == EVENT_STREAM:
            self.delivery.note_sent_samples(EVENT_STREAM, upto.boot, upto.seq, 1)
        counts = not self.rules.watermark and self.phase is SessionPhase.BORN
        if counts and not self._history.backlog.holds(stream):
            self.delivery.confirm(stream, upto)

    # Messages to the district

    def pump(
        self, context: SessionContext, room_bytes: int, late_bytes: int = PAYLOAD_MAX_BYTES
    ) -> list[Effect]:
        """Return what is due now: requested births, live samples, deaths of devices, then the backlog.

        ``room_bytes`` is how much the connection takes, ``late_bytes`` how much history: zero while anything
        waits to be written. What does not fit stays in the store.
        """
        if self.phase is SessionPhase.HEARING:
            return self._make_births(context) if self._has_settled(context.now) else []
        if self.phase is not SessionPhase.BORN:
            note = self._primary.accept_contested(context.now) if self.phase is SessionPhase.WAITING else None
            return [] if note is None else [note, *self._make_births(context)]
        if self._rebirth_ns is None and context.now.synced and self._is_undated:
            self._rebirth_ns = self._next_birth_ns  # the last births had the time of an untrusted clock
        if self._rebirth_ns is not None:
            return self._make_births(context) if context.now.ns >= self._rebirth_ns else []
        if self._unborn:
            return self._unborn.portion(self._messages, context) if room_bytes > 0 else []
        heads, flying = partial(self._find_heads, context), self._history.is_in_flight
        effects = [
            *self._make_rate_message(context),
            *self._watch.look(context.now, heads, self.marks, flying=flying),
        ]
        if context.now.ns >= self._live_ns:
            self._live_ns = context.now.ns + self.scan_ms * 1_000_000
            runs = context.outbox.runs({**self._live, **self._closed}, _LIVE_SAMPLES_MAX)
            new = self._find_unborn_streams(runs)
            if NODE_STREAM in new:
                return self._make_births(context)
            effects += self._make_device_births(new, context)
            room_bytes = self._add_live_data(runs, context, room_bytes, effects)
        if context.now.ns >= self._look_ns and room_bytes > 0:
            self._look_ns = context.now.ns + int(_CHECK_PERIOD_S * _S)
            effects.extend(self._update_devices(context))
        if any(isinstance(effect, Publication) for effect in effects) and late_bytes < PAYLOAD_MAX_BYTES:
            late_bytes = 0  # a slow link: live data is written first
        return [*effects, *self._make_late_data(context, min(room_bytes, late_bytes))]

    def _has_settled(self, now: Now) -> bool:
        """Return whether the district confirmed the last connection's history, or will not do so."""
        is_over = self._hearing_end_ns is None or now.ns >= self._hearing_end_ns
        is_idle = self._idle_watermarks_count >= _IDLE_WATERMARKS_MAX
        return is_over or is_idle or not self._history.is_unconfirmed

    def _find_heads(self, context: SessionContext) -> dict[str, StreamPosition]:
        """Return the newest sample of each stream that is sent over Sparkplug."""
        return {name: mark for name, mark in context.outbox.heads().items() if self._leaves(name)}

    def _update_closed(self) -> None:
        """Mark the streams without live data: events, local ones, silent devices."""
        silent = (EVENT_STREAM, *self.catalog.local, *self._dead)
        self._closed = dict.fromkeys(silent, NOTHING_ABOVE)

    @property
    def _dead(self) -> set[str]:
        return set(self.catalog.devices) - self._alive

    def _find_unborn_streams(self, runs: Sequence[SampleBlock]) -> list[str]:
        """Return streams with metrics that no birth named (an asset of an earlier site file).

        Their birth must be sent first.
        """
        return [run.stream for run in runs if self._messages.learn(run)]

    def _make_device_births(self, devices: Iterable[str], context: SessionContext) -> list[Effect]:
        """Return the births of these devices only."""
        named = dict.fromkeys(devices)
        self._alive |= named.keys()
        return [self._messages.make_dbirth(device, context) for device in named]

    def _add_live_data(
        self, runs: Sequence[SampleBlock], context: SessionContext, room_bytes: int, effects: list[Effect]
    ) -> int:
        self._was_cut = False
        for run in runs:
            place = 0
            while place < len(run):
                if room_bytes <= 0:
                    self.is_full = True
                    self._give_way(run.times_ms[place], context)
                    return 0
                message, count = self._messages.data(run, place, context.now, historical=False)
                self._note_sent(run, place, count, context.now, late=False)
                place += count
                room_bytes -= len(message.payload)
                self._live[run.stream] = StreamPosition(run.boot, run.first + place - 1)
                effects.append(message)
        self.is_full = self._was_cut = sum(map(len, runs)) >= _LIVE_SAMPLES_MAX
        return room_bytes

    def _give_way(self, waits_since_ms: int, context: SessionContext) -> None:
        """Move live samples that waited too long to the backlog: the connection is slower than the site."""
        if context.now.utc_ms - waits_since_ms < self.rules.late_s * 1000:
            return
        dead = self._dead
        alive = {name: mark for name, mark in self._find_heads(context).items() if name not in dead}
        self._history.backlog.add(self._live, alive)
        self._live.update(alive)

    def _update_devices(self, context: SessionContext) -> list[Effect]:
        """Return deaths of silent devices whose last samples are sent, and births of those that came back."""
        silent = frozenset(context.silent())
        if not silent and len(self._alive) == len(self.catalog.devices):
            return []
        effects: list[Effect] = []
        heads = context.outbox.heads()
        for device in self.catalog.devices:
            head = heads.get(device)
            if device in self._alive and device in silent:
                all_out = head is None or has_reached(self._live.get(device), head)
                if all_out and not self._history.backlog.holds(device):
                    self._alive.discard(device)
                    effects.append(self._messages.make_ddeath(device, context.now))
            elif device not in self._alive and device not in silent:
                self._alive.add(device)
                effects.append(self._messages.make_dbirth(device, context))
                if head is not None:
                    self._history.backlog.add(self._live, {device: head})
                    self._live[device] = head
        self._update_closed()
        return effects

    def _note_sent(self, run: SampleBlock, place: int, count: int, now: Now, *, late: bool) -> None:
        self.delivery.note_sent_samples(run.stream, run.boot, run.first + place, count)
        self._history.note_sent_samples(run, place, count, now, late=late)

    def _make_late_data(self, context: SessionContext, room_bytes: int) -> list[Effect]:
        self._history.advance_rate(context.now)
        effects: list[Effect] = []
        while room_bytes > 0 and len(effects) < _LATE_MESSAGES_MAX:
            run = self._history.next(context.outbox, self._dead, context.now)
            if run is None:
                break
            new = self._find_unborn_streams([run])
            if NODE_STREAM in new:
                return [*effects, *self._make_births(context)]
            effects += self._make_device_births(new, context)
            message, count = self._messages.data(run, 0, context.now, historical=True, most_bytes=room_bytes)
            self._note_sent(run, 0, count, context.now, late=True)
            room_bytes -= len(message.payload)
            effects.append(message)
        return effects
