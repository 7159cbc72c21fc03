"""The task that keeps the building in step with the district: two connections, two jobs.

The data connection speaks Sparkplug B only, the control connection the companion namespace only
(sync.md section 1).  Nothing here is waited for by polling, control or the store: samples are taken
from the store when the wire has room, documents and acknowledgements lie in bounded queues.
"""

import asyncio
import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from quartier.control.wishes import Ack
from quartier.district import issuers, mqtt
from quartier.district.catalog import EVENT, Catalog
from quartier.district.documents import Accepted, Documents, Refused, encode_ack, received
from quartier.district.effects import Effect, Leave, Note, Publish, Scene, Wanted
from quartier.district.mqtt import Connection, Credentials, Ended, Outgoing, Profile, Server, Unreachable
from quartier.district.outbox import NOTHING_ABOVE, Outbox
from quartier.district.session import Rules, Session
from quartier.district.voice import Identity, death
from quartier.house.image import Seen
from quartier.house.now import Now
from quartier.house.sample import Mark, Sample
from quartier.runtime import statefile
from quartier_drivers.errors import ConfigError

INBOX_MAX = 256
ACKS_MAX = 64
_EVENTS_AT_ONCE = 10
_ACK_EXPIRY_S = 3_600
_EVENT_EXPIRY_S = 7 * 86_400
_CONTROL_EXPIRY_S = 300
_BACK_OFF_MAX_S = 60.0
_STOPPED_S = 3_600.0
_STEADY_S = 60.0
_SAVE_S = 10.0
_TELL_NS = 60_000_000_000
_DISK_S = 2.0
# Floors in real seconds, so that a fast clock makes no busy loop.
_BREATH_S = 0.02
_RETRY_S = 0.1
_WATCH_S = 15.0


class HouseClock(Protocol):
    """What ``runtime/clock.py`` gives."""

    def now(self) -> Now:
        """Monotonic, UTC and whether the latter is trusted."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the house's time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the district is and how we show who we are.  ``folder`` holds what must survive a restart."""

    servers: tuple[Server, ...]
    folder: Path
    credentials: Credentials = field(default_factory=Credentials)
    issuers_file: Path | None = None
    keepalive_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the link sees of the building; each is cheap and waits for nothing."""

    outbox: Outbox
    clock: HouseClock
    latest: Callable[[], Mapping[str, Seen]]
    silent: Callable[[], Collection[str]] = tuple
    report: Callable[[Note], None] = lambda _note: None


@dataclass(slots=True)
class _Line:
    """One of the two connections, over all its attempts."""

    name: str
    failures: int = 0
    refused: bool = False
    server: int = 0
    connection: Connection | None = None
    opened_count: int = 0
    fault: str = ""


class Uplink:
    """Runs for ever; ``run`` may be cancelled (that is the planned leave) and called again.

    ``inbox`` holds what was accepted, oldest first, for the ticker to drain before each cycle;
    ``wanted`` the harmless points that a Sparkplug host asked to write.
    """

    def __init__(
        self, settings: Settings, identity: Identity, catalog: Catalog, rules: Rules, house: House
    ) -> None:
        self.inbox: deque[Accepted] = deque(maxlen=INBOX_MAX)
        self.wanted: deque[Wanted] = deque(maxlen=INBOX_MAX)
        self._settings = settings
        self._identity = identity
        self._house = house
        self._rules = replace(rules, servers_count=len(settings.servers))
        kept = statefile.load(settings.folder / "district") or {}
        self._bdseq = kept["bdseq"] if isinstance(kept.get("bdseq"), int) else 255
        self._bdseq_is_free = False
        self._marks_saved: Mapping[str, Mark] = {}
        self.session = Session(identity, catalog, self._rules, _marks(kept.get("marks")))
        self._documents = Documents(identity, {}, statefile.load(settings.folder / "documents"))
        self._stamps: dict[Path, object] = {}
        self._acks: deque[Ack] = deque(maxlen=ACKS_MAX)
        self._event_mark: Mark | None = None
        self._data = _Line("data")
        self._control = _Line("control")
        self._counts = dict.fromkeys(
            ("messages", "bytes", "heartbeats", "documents", "refused_documents", "lost_connections"), 0
        )
        self._heartbeat_ns: int | None = None
        self._told: dict[tuple[str, str], tuple[int, int]] = {}
        self._random = random.Random()  # noqa: S311 - jitter, not a secret

    # For the app

    def ack(self, ack: Ack) -> None:
        """Take control's verdict on a document; the oldest goes where the district is away too long."""
        self._acks.append(ack)

    def catalogue(self, catalog: Catalog) -> None:
        """The site file changed: the next births are of this catalog, and they come at once."""
        self.session.recatalogue(catalog)

    @property
    def stats(self) -> Mapping[str, float | str | None]:
        """How the link is, JSON-ready: for ``quartier status`` and the points of the gateway."""
        now_ns = self._house.clock.now().ns
        age_s = None if self._heartbeat_ns is None else (now_ns - self._heartbeat_ns) / 1e9
        return {
            "data_on": _stands(self._data),
            "control_on": _stands(self._control),
            "data_fault": self._data.fault,
            "control_fault": self._control.fault,
            "phase": self.session.phase.value,
            "bdseq": self.session.bdseq,
            "catching_up": self.session.catching_up,
            "heartbeat_age_s": age_s,
            "births_count": self.session.births_count,
            "resent_count": self.session.resent_count,
            "refused_commands_count": self.session.refused_count,
            "acks_waiting_count": len(self._acks),
            **{f"{name}_count": count for name, count in self._counts.items()},
        }

    async def run(self) -> None:
        """Keep both connections up until cancelled; then say NDEATH and leave."""
        await self._read_issuers()
        self._stamps = await asyncio.to_thread(_stat, self._files())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(self._data, self._data_once))
            group.create_task(self._keep(self._control, self._control_once))
            group.create_task(self._save_marks())
            group.create_task(self._watch_files())

    def _tell(self, note: Note) -> None:
        """Pass a note on, at most one a minute of each kind: what others send must fill no log."""
        now_ns = self._house.clock.now().ns
        kind = (note.code, str(note.data.get("line", "")))
        until_ns, held = self._told.get(kind, (0, 0))
        if now_ns < until_ns:
            self._told[kind] = (until_ns, held + 1)
            return
        self._told[kind] = (now_ns + _TELL_NS, 0)
        self._house.report(replace(note, data={**note.data, "more": held}) if held else note)

    # Both lines

    async def _keep(self, line: _Line, once: Callable[[Server], Awaitable[None]]) -> None:
        """Connect, converse, and again: full jitter over 1..60 s of the house's time."""
        while True:
            began_ns = self._house.clock.now().ns
            try:
                await once(self._settings.servers[line.server])
            except Unreachable as error:
                self._lost(line, str(error))
                line.refused = False
                line.server = (line.server + 1) % len(self._settings.servers)
            except Ended as error:
                self._lost(line, str(error))
                self._judge(line, error)
            finally:
                line.connection = None
            if (self._house.clock.now().ns - began_ns) / 1e9 > _STEADY_S:
                line.failures = 0
            await self._pause(line)

    async def _pause(self, line: _Line) -> None:
        line.failures += 1
        longest_s = min(_BACK_OFF_MAX_S, 2.0 ** min(line.failures, 10))
        pause_s = _STOPPED_S if line.refused else self._random.uniform(1.0, longest_s)
        stamps = self._stamps
        until_ns = self._house.clock.now().ns + int(pause_s * 1e9)
        while self._house.clock.now().ns < until_ns:
            await self._house.clock.sleep(min(1.0, pause_s))
            await asyncio.sleep(_RETRY_S)
            if self._stamps is not stamps:  # other credentials: try them now
                break

    def _lost(self, line: _Line, why: str) -> None:
        self._counts["lost_connections"] += 1
        if why != line.fault:
            self._tell(Note("district.link_lost", why, {"line": line.name}))
        line.fault = why

    def _judge(self, line: _Line, error: Ended) -> None:
        """What MQTT's reason asks for."""
        line.refused = error.code in {mqtt.NOT_AUTHORISED, mqtt.BAD_CREDENTIALS}
        if line.refused:
            text = "the broker does not let us in; tried again in an hour or when our files change"
            self._tell(Note("district.not_authorised", text, {"line": line.name}, alarm=True))
        elif error.code == mqtt.TAKEN_OVER:
            line.failures = 10
            text = f"another client calls itself {self._identity.client_id}"
            self._tell(Note("district.duplicate_id", text, {"line": line.name}, alarm=True))
        elif error.code in {mqtt.USE_ANOTHER_SERVER, mqtt.SERVER_MOVED}:
            line.server = (line.server + 1) % len(self._settings.servers)

    def _opened(self, line: _Line, connection: Connection) -> None:
        line.connection = connection
        line.opened_count += 1
        line.refused = False
        line.fault = ""
        self._tell(Note("district.link_up", "connected", {"line": line.name}))

    async def _converse(self, *tasks: Awaitable[None]) -> None:
        """Listen and speak until one of them ends; raises what it raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    group.create_task(_awaited(task))
        except* Ended as ended:
            first = ended.exceptions[0]
            raise first from None

    async def _subscribe(
        self, line: _Line, connection: Connection, filters: Iterable[tuple[str, int]]
    ) -> None:
        for refused in await connection.subscribe(list(filters)):
            note = Note("district.subscription_refused", refused, {"line": line.name}, alarm=True)
            self._tell(note)

    # The data connection

    async def _data_once(self, server: Server) -> None:
        bdseq = await self._next_bdseq()
        will = death(self._identity, bdseq, self._house.clock.now())
        profile = Profile(
            client_id=self._identity.client_id,
            clean_start=True,
            session_expiry_s=0,
            will=Outgoing(will.topic, will.payload, will.qos),
            keepalive_s=self._settings.keepalive_s,
        )
        connection = Connection(server, self._settings.credentials, profile, self._on_written)
        try:
            await connection.open()
        except Unreachable:
            self._bdseq_is_free = True  # no CONNECT went out: the number was not used
            raise
        try:
            await self._subscribe(self._data, connection, self.session.subscriptions())
            self._opened(self._data, connection)
            self._perform(connection, self.session.opened(bdseq, self._scene()))
            await self._converse(self._listen_data(connection), self._speak_data(connection))
        finally:
            self._perform(connection, self.session.leaving(self._house.clock.now()))
            await connection.leave(mqtt.WITH_WILL)

    async def _next_bdseq(self) -> int:
        if not self._bdseq_is_free:
            self._bdseq = (self._bdseq + 1) % 256
            await self._save_state()
        self._bdseq_is_free = False
        return self._bdseq

    async def _listen_data(self, connection: Connection) -> None:
        while True:
            message = await connection.receive()
            self._perform(connection, self.session.heard(message.topic, message.payload, self._scene()))

    async def _speak_data(self, connection: Connection) -> None:
        while True:
            if connection.ended is not None:
                raise connection.ended
            self._perform(connection, self.session.pump(self._scene(), connection.room_bytes))
            await self._house.clock.sleep(self.session.scan_ms / 1000)
            await asyncio.sleep(_BREATH_S)

    def _perform(self, connection: Connection, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Publish):
                tag = None if effect.upto is None else (effect.stream, effect.upto)
                self._send(connection, Outgoing(effect.topic, effect.payload, effect.qos, tag=tag))
            elif isinstance(effect, Note):
                self._tell(effect)
            elif isinstance(effect, Wanted):
                self.wanted.append(effect)
            elif isinstance(effect, Leave):
                if effect.walk:
                    self._data.server = (self._data.server + 1) % len(self._settings.servers)
                connection.interrupt(effect.why)

    def _send(self, connection: Connection, message: Outgoing) -> None:
        self._counts["messages"] += 1
        self._counts["bytes"] += len(message.payload)
        connection.publish(message)

    def _on_written(self, tag: tuple[str, Mark], _code: int) -> None:
        self.session.delivered(*tag)

    def _scene(self) -> Scene:
        house = self._house
        return Scene(house.clock.now(), house.latest(), house.outbox, house.silent())

    # The control connection

    async def _control_once(self, server: Server) -> None:
        profile = Profile(
            client_id=f"{self._identity.client_id}.ctl",
            clean_start=False,
            session_expiry_s=_CONTROL_EXPIRY_S,
            keepalive_s=self._settings.keepalive_s,
        )
        connection = Connection(server, self._settings.credentials, profile, self._on_acknowledged)
        await connection.open()
        try:
            watermark = (f"{self._identity.companion}/watermark", 1)
            filters = (*self._documents.subscriptions(), *((watermark,) if self._rules.watermark else ()))
            await self._subscribe(self._control, connection, filters)
            self._opened(self._control, connection)
            self._event_mark = self.session.marks.get(EVENT)
            await self._converse(self._listen_control(connection), self._speak_control(connection))
        finally:
            self._say_acks(connection)
            self._acks.extendleft(reversed([tag for tag in connection.unfinished() if isinstance(tag, Ack)]))
            await connection.leave(mqtt.NORMAL)

    async def _listen_control(self, connection: Connection) -> None:
        watermark = f"{self._identity.companion}/watermark"
        while True:
            message = await connection.receive()
            if message.topic == watermark:
                self._perform(connection, self.session.watermark(message.payload, self._scene()))
                continue
            now = self._house.clock.now()
            verdict = self._documents.check(message.topic, message.payload, message.user.get("sig"), now)
            if isinstance(verdict, Accepted):
                await self._take(verdict, now)
            elif verdict is not None:
                self._refuse(verdict)

    async def _take(self, accepted: Accepted, now: Now) -> None:
        """Into the inbox, its number on disk first."""
        if accepted.kind == "heartbeat":
            self._counts["heartbeats"] += 1
            self._heartbeat_ns = now.ns
        else:
            self._counts["documents"] += 1
            if not accepted.repeated and not await self._kept("documents", self._documents.ledger()):
                accepted = replace(accepted, persisted=False)
        self.inbox.append(accepted)
        if (answer := received(accepted)) is not None:
            self._acks.append(answer)

    def _refuse(self, refused: Refused) -> None:
        self._counts["refused_documents"] += 1
        data = {"topic": refused.topic, "reason": refused.reason.value}
        self._tell(Note("district.document_refused", refused.why, data, alarm=refused.alarm))
        if refused.ack is not None:
            self._acks.append(refused.ack)

    async def _speak_control(self, connection: Connection) -> None:
        while True:
            if connection.ended is not None:
                raise connection.ended
            self._say_acks(connection)
            if connection.flying_count < mqtt.RECEIVE_MAX // 2:
                self._say_events(connection)
            await asyncio.sleep(_RETRY_S)

    def _say_acks(self, connection: Connection) -> None:
        topic = f"{self._identity.companion}/ack"
        while self._acks and connection.is_open and connection.flying_count < mqtt.RECEIVE_MAX:
            ack = self._acks.popleft()
            payload = encode_ack(ack, self._house.clock.now().utc_ms)
            self._send(connection, Outgoing(topic, payload, qos=1, expiry_s=_ACK_EXPIRY_S, tag=ack))

    def _say_events(self, connection: Connection) -> None:
        outbox = self._house.outbox
        above = dict.fromkeys(outbox.heads(), NOTHING_ABOVE)
        if above.pop(EVENT, None) is None:
            return
        if self._event_mark is not None:
            above[EVENT] = self._event_mark
        for sample in outbox.samples(above, _EVENTS_AT_ONCE):
            if sample.stream != EVENT:
                continue
            self._event_mark = Mark(sample.boot, sample.seq)
            topic = f"{self._identity.companion}/event"
            outgoing = Outgoing(topic, _event(sample), 1, _EVENT_EXPIRY_S, self._event_mark)
            self._send(connection, outgoing)

    def _on_acknowledged(self, tag: Ack | Mark, code: int) -> None:
        if code >= 0x80:
            note = Note("district.publish_refused", f"the broker answered 0x{code:02X}", alarm=True)
            self._tell(note)
        elif isinstance(tag, Mark):
            self.session.delivered(EVENT, tag)

    # What must survive, and what may change under us

    async def _save_marks(self) -> None:
        """Trim the store by what is delivered, and keep it for the next start."""
        while True:
            await self._house.clock.sleep(_SAVE_S)
            await asyncio.sleep(_RETRY_S)
            marks = dict(self.session.marks)
            if marks != self._marks_saved and await self._save_state():
                self._marks_saved = marks
                self._house.outbox.trim(marks)

    async def _save_state(self) -> bool:
        marks = {stream: [mark.boot, mark.seq] for stream, mark in self.session.marks.items()}
        return await self._kept("district", {"bdseq": self._bdseq, "marks": marks})

    async def _kept(self, name: str, facts: dict[str, Any]) -> bool:
        try:
            async with asyncio.timeout(_DISK_S):
                await asyncio.to_thread(statefile.save, self._settings.folder / name, facts)
        except OSError as error:  # a disk that hangs (TimeoutError) is one that refuses
            note = Note(
                "district.not_kept", f"{name}: {error.strerror or error or 'the disk hangs'}", alarm=True
            )
            self._tell(note)
            return False
        return True

    def _files(self) -> tuple[Path, ...]:
        issuers_file = self._settings.issuers_file
        return (*self._settings.credentials.files, *((issuers_file,) if issuers_file else ()))

    async def _watch_files(self) -> None:
        """Certificates, password and key list are taken in when they change."""
        while True:
            await asyncio.sleep(_WATCH_S)
            await self.reread()

    async def reread(self) -> None:
        """Look at our files now: new keys count at once, new credentials by a new connection."""
        before = self._stamps
        stamps = await asyncio.to_thread(_stat, self._files())
        changed = {path for path in stamps if stamps[path] != before.get(path)}
        if not changed:
            return
        self._stamps = stamps
        if self._settings.issuers_file in changed:
            await self._read_issuers()
        if changed & set(self._settings.credentials.files) and await self._usable():
            for line in (self._data, self._control):
                if line.connection is not None:
                    line.connection.interrupt("our credentials changed")

    async def _usable(self) -> bool:
        try:
            await asyncio.to_thread(self._settings.credentials.context)
        except OSError as error:
            text = f"new certificates cannot be used, the connection stays: {error}"
            self._tell(Note("district.credentials_faulty", text, alarm=True))
            return False
        return True

    async def _read_issuers(self) -> None:
        path = self._settings.issuers_file
        if path is None:
            return
        try:
            text = await asyncio.to_thread(path.read_text, "utf-8")
            self._documents.issuers = issuers.read(text, path.name)
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            text = f"the key list cannot be used, the last one counts: {error}"
            self._tell(Note("district.issuers_faulty", text, alarm=True))


async def _awaited(task: Awaitable[None]) -> None:
    await task


def _stands(line: _Line) -> bool:
    return line.connection is not None and line.connection.ended is None


def _stat(paths: Iterable[Path]) -> dict[Path, object]:
    """What shows that a file was replaced; absent files have no stamp."""
    stamps: dict[Path, object] = {}
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            stamps[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return stamps


def _marks(kept: object) -> dict[str, Mark]:
    """The marks of an earlier life; what is none of ours is left out."""
    marks = {}
    for stream, pair in kept.items() if isinstance(kept, dict) else ():
        match pair:
            case [int(boot), int(seq)]:
                marks[str(stream)] = Mark(boot, seq)
            case _:
                continue
    return marks


def _event(sample: Sample) -> bytes:
    """One event as it goes to ``C/event``; its value is the store's JSON of text and data."""
    try:
        told = json.loads(str(sample.value))
    except ValueError:
        told = str(sample.value)
    told = told if isinstance(told, dict) else {"text": str(told), "data": {}}
    fields = {
        "boot": sample.boot,
        "seq": sample.seq,
        "ts": sample.taken_utc_ms,
        "code": sample.metric,
        "text": told.get("text", ""),
        "data": told.get("data", {}),
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
