"""Keep one connection to the district up over all attempts.

States: *connecting* (``keep`` runs ``once``; no ``connection``) -> *up* when all subscriptions are answered
(``complete_connection``) -> *pausing* when ``once`` ends -> *connecting*.

Invariants:

- It never gives up (spec/failsafe.md#rule-10). The pause is random, 1 s to 60 s, and up to 15 min if the
  broker refuses the credentials or another machine is this gateway (spec/sync.md#section-1).
- ``connection`` is set only while *up*.
- A connection made for another server, or before the credential files changed, never becomes *up*.
- A loss is reported once, until its reason changes or the connection was up again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from quartier.district.connection import mqtt_types
from quartier.district.connection.mqtt import MqttConnection
from quartier.district.connection.mqtt_types import BrokerServer, BrokerUnreachable, ConnectionEnded
from quartier.district.records import Note
from quartier.site.records import Now

BACK_OFF_MAX_S = 60.0
# After "not authorised" or a takeover: retry with back-off up to this, never give up.
SLOW_BACK_OFF_MAX_S = 900.0
_TAKEN_OVER_FAILURES = 6  # the first pause after a takeover is drawn from all of BACK_OFF_MAX_S
_STEADY_S = 60.0
_REPORT_PERIOD_NS, _REPORT_SELDOM_PERIOD_NS = 60_000_000_000, 3_600_000_000_000
# Every watermark (each 20 s) may cause these: they are repeated while the last alarm is active.
_SELDOM_CODES = {"district.watermark_refused", "district.watermark_ahead"}
# Data keys that tell notes of one code apart.
_SUBJECT_KEYS = ("connection", "file", "credential")
# Minimum in real time, so that a fast clock makes no busy loop.
REAL_PAUSE_MIN_S = 0.1


class LinkClock(Protocol):
    """Interface of ``runtime/clock.py``."""

    def now(self) -> Now:
        """Return monotonic time, UTC, and whether UTC is trusted."""
        ...

    def moments(self) -> Sequence[int]:
        """Return the times (UTC ms) for certificate checks while the clock is not trusted; else none."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of the site clock."""
        ...

    async def sleep_coarsely(self, seconds: float, floor_s: float = 0.0) -> None:
        """Wait until other tasks wake up, too, about ``seconds``; at least ``floor_s`` of real time."""
        ...


class NoteReporter:
    """Passes notes on, at most one a minute (or hour) of each kind.

    So events that others cause cannot flood the log.
    """

    def __init__(self, clock: LinkClock, report: Callable[[Note], None]) -> None:
        self._clock = clock
        self._report = report
        self._reported: dict[tuple[str, str], tuple[int, int]] = {}

    def __call__(self, note: Note) -> None:
        """Pass the note on, or count it for the next one of its kind (``more``)."""
        now_ns = self._clock.now().ns
        subject = next((note.data[key] for key in _SUBJECT_KEYS if key in note.data), "")
        kind = (note.code, str(subject))
        until_ns, held = self._reported.get(kind, (0, 0))
        if now_ns < until_ns:
            self._reported[kind] = (until_ns, held + 1)
            return
        self._reported[kind] = (
            now_ns + (_REPORT_SELDOM_PERIOD_NS if note.code in _SELDOM_CODES else _REPORT_PERIOD_NS),
            0,
        )
        self._report(replace(note, data={**note.data, "more": held}) if held else note)


SaveFacts = Callable[[str, dict[str, Any]], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class LinkServices:
    """Clock, notes for people and saved facts of the link.

    ``keep`` saves facts durably under a name and returns whether it could.
    """

    clock: LinkClock
    tell: NoteReporter
    keep: SaveFacts


class Reconnector:
    """Keeps one connection up.

    ``client_id`` is named in the alarm about a duplicate gateway. ``place`` is the current index in the list
    of servers.
    """

    def __init__(
        self,
        name: str,
        client_id: str,
        servers: tuple[BrokerServer, ...],
        clock: LinkClock,
        tell: NoteReporter,
    ) -> None:
        self.name = name
        self.connection: MqttConnection | None = None
        self.fault = ""
        self.lost_count = 0
        self.is_refused = False
        self.place = self._tried = 0
        self.was_taken_over = self._gives_way = False
        self._refused: list[tuple[str, int]] = []
        self._client_id = client_id
        self._servers = servers
        self._failures = 0
        self._clock = clock
        self._tell = tell
        self._retry = asyncio.Event()
        self._random = random.Random()  # noqa: S311 - jitter, not a secret

    @property
    def server(self) -> BrokerServer:
        """Return the current server of the list."""
        return self._servers[self.place]

    @property
    def is_up(self) -> bool:
        """Return whether the connection is up and its subscriptions are granted."""
        return self.connection is not None and self.connection.end_reason is None

    async def keep(self, once: Callable[[BrokerServer], Awaitable[None]]) -> None:
        """Run ``once`` for ever; it ends by BrokerUnreachable or ConnectionEnded."""
        while True:
            began_ns = self._clock.now().ns
            self._retry.clear()
            self._tried = self.place
            try:
                await once(self.server)
            except (BrokerUnreachable, ConnectionEnded) as error:
                self._handle_loss(str(error))
                if (self._clock.now().ns - began_ns) / 1e9 > _STEADY_S:
                    self._failures = 0
                if isinstance(error, ConnectionEnded):
                    self._handle_end(error)
                else:
                    self.is_refused = False
                    self._take_next_server()
            finally:
                self.connection = None
            await self._pause()

    async def complete_connection(
        self, connection: MqttConnection, filters: Iterable[tuple[str, int]], spare: Collection[str] = ()
    ) -> None:
        """Subscribe after CONNACK; then the connection counts as up. Raises ConnectionEnded.

        A broker may refuse topics of ``spare``.
        """
        await self._subscribe(connection, list(filters), spare)
        if self._retry.is_set() or self._gives_way or self.place != self._tried:
            raise ConnectionEnded("what was to be connected with, or to, has changed meanwhile")
        self.connection = connection
        self.is_refused = False
        self.fault = ""
        self._tell(Note("district.link_up", "connected", {"connection": self.name}))

    async def _subscribe(
        self, connection: MqttConnection, filters: list[tuple[str, int]], spare: Collection[str] = ()
    ) -> None:
        refused = [topic for topic in await connection.subscribe(filters) if topic not in spare]
        for topic in refused:
            self._tell(Note("district.subscription_refused", topic, {"connection": self.name}, alarm=True))
        self._refused = [(topic, qos) for topic, qos in filters if topic in refused]

    async def _subscribe_again(self, connection: MqttConnection) -> None:
        """Retry refused subscriptions with back-off until the broker grants them all."""
        longest_s = BACK_OFF_MAX_S
        while self._refused:
            await self._clock.sleep(self._random.uniform(1.0, longest_s))
            await asyncio.sleep(REAL_PAUSE_MIN_S)
            longest_s = min(2 * longest_s, SLOW_BACK_OFF_MAX_S)
            await self._subscribe(connection, self._refused)
            if not self._refused:
                self._tell(
                    Note("district.link_up", "all subscriptions are granted", {"connection": self.name})
                )

    async def run_until_first_end(self, *tasks: Coroutine[Any, Any, None]) -> None:
        """Run the tasks until one of them ends; raise what it raised."""
        if self.connection is not None and self._refused:
            tasks = (*tasks, self._subscribe_again(self.connection))
        ended: list[ConnectionEnded] = []
        running: list[asyncio.Task[None]] = []

        async def until_the_end(task: Coroutine[Any, Any, None]) -> None:
            try:
                await task
            except ConnectionEnded as error:  # a group failing while cancelled forgets the cancel
                ended.append(error)
                for one in running:
                    one.cancel()

        try:
            async with asyncio.TaskGroup() as group:
                running += [group.create_task(until_the_end(task)) for task in tasks]
        finally:
            for task in tasks:  # a task cancelled before its first step is awaited by nobody
                task.close()
        if ended:
            raise ended[0]

    def use_next_server(self) -> None:
        """Switch to the next server of the list."""
        self.place = (self.place + 1) % len(self._servers)

    def _take_next_server(self) -> None:
        """Switch to the next server, unless another one was chosen during this attempt."""
        if self.place == self._tried:
            self.use_next_server()

    def join(self, place: int) -> None:
        """Use this server of the list; leave another server in good order."""
        if place != self.place:
            self.place = place
            if self.connection is not None:
                self.connection.interrupt("the district is on another server")

    def reconnect(self) -> None:
        """Open a new connection now, because the credential files changed."""
        self.was_taken_over = self._gives_way = False
        self._retry.set()
        if self.connection is not None:
            self.connection.interrupt("our credentials changed")

    def give_way(self) -> None:
        """Leave and retry much later, because a signed message says that another machine is this gateway."""
        self.was_taken_over, self._gives_way = False, True
        if self.connection is not None:
            self.connection.interrupt("another machine is this gateway now")

    async def _pause(self) -> None:
        """Wait with full jitter over 1..60 s of the site clock, longer if refused; never for good."""
        self._failures += 1
        most_s = SLOW_BACK_OFF_MAX_S if self.is_refused else BACK_OFF_MAX_S
        pause_s = self._random.uniform(1.0, min(most_s, 2.0 ** min(self._failures, 10)))
        until_ns = self._clock.now().ns + int(pause_s * 1e9)
        while not self._retry.is_set():
            if self._gives_way:  # set by the other connection, perhaps during this pause
                self._gives_way = False
                pause_s = self._random.uniform(SLOW_BACK_OFF_MAX_S / 2, SLOW_BACK_OFF_MAX_S)
                until_ns = self._clock.now().ns + int(pause_s * 1e9)
            if self._clock.now().ns >= until_ns:
                return
            await self._clock.sleep(min(1.0, pause_s))
            await asyncio.sleep(REAL_PAUSE_MIN_S)

    def _handle_loss(self, why: str) -> None:
        self.lost_count += 1
        if why != self.fault:
            self._tell(Note("district.link_lost", why, {"connection": self.name}))
        self.fault = why

    def _handle_end(self, error: ConnectionEnded) -> None:
        """React to the MQTT reason code."""
        self.is_refused = error.code in {mqtt_types.NOT_AUTHORISED, mqtt_types.BAD_CREDENTIALS}
        if self.is_refused:
            text = (
                "the broker refuses the login of the gateway; it tries again within 15 minutes, or when its "
                "files change"
            )
            self._tell(Note("district.not_authorised", text, {"connection": self.name}, alarm=True))
            self._take_next_server()
        elif error.code == mqtt_types.TAKEN_OVER:
            self._failures = max(self._failures, _TAKEN_OVER_FAILURES)
            self.was_taken_over = True
            text = f"another client calls itself {self._client_id}"
            self._tell(Note("district.duplicate_id", text, {"connection": self.name}, alarm=True))
        elif error.code in {mqtt_types.USE_ANOTHER_SERVER, mqtt_types.SERVER_MOVED}:
            self._take_next_server()
