"""The process that notifies: it reads the alarms of the running gateway, and sends changes by channels.

It only reads, through the socket of questions, so it needs no right but that.  Its state is on disk: after a
restart it goes on, and nothing that waits is forgotten.  A power cut between the sending of a message and the
saving of that sends the message twice.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quartier.notification.channels import DeliveryFailed, send
from quartier.notification.message_queue import AlarmChange, Message, MessageQueue
from quartier.notification.settings import Channel, NotifySettings
from quartier.runtime import state_file
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.site.alarm_catalogue import ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import AlarmSeverity
from quartier.site.alarm_types import format_alarm_name, format_remedy

STATE_FILE = "notified"
LOOK_PERIOD_S = 5.0
SILENT = "gateway.silent"
UNKNOWN_GATEWAY = "gateway"
_STEP_MS = 30_000
"""A larger difference between the clocks is a step of the wall clock."""
Log = Callable[[str], None]
Seen = dict[str, int]
"""When each alarm that is known was raised, UTC ms, by its name."""


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """The name and the time zone of a running gateway, and its list of alarms by name."""

    gateway: str
    zone: str
    alarms: Mapping[str, Mapping[str, Any]]


def ask_gateway(runtime_dir: Path) -> GatewayAnswer:
    """Ask the running gateway.  Raises NoDaemon."""
    about = ask(runtime_dir, "status")["gateway"]
    found = ask(runtime_dir, "alarms")
    alarms = {format_alarm_name(row["code"], row["of"]): row for row in found["alarms"]}
    return GatewayAnswer(f"{about['district']}.{about['site']}", found["zone"], alarms)


class NotificationService:
    """Looks at the alarms and sends what is due; ``run`` until ``stop``."""

    def __init__(
        self,
        settings: NotifySettings,
        runtime_dir: Path,
        state_dir: Path,
        utc_ms: Callable[[], int],
        elapsed_ns: Callable[[], int],
        log: Log,
    ) -> None:
        """Go on from what is on disk; a damaged file counts as none.

        ``elapsed_ns`` is a clock that nobody sets; by it a step of the wall clock is known.
        """
        self._settings, self._runtime_dir, self._path = settings, runtime_dir, state_dir / STATE_FILE
        self._utc_ms, self._log, self._elapsed_ns = utc_ms, log, elapsed_ns
        self._clocks = utc_ms(), elapsed_ns()
        self._queues = {name: MessageQueue(channel) for name, channel in settings.channels.items()}
        self._seen: Seen = {}
        self._looked_ms: int | None = None
        self._gateway, self._zone = UNKNOWN_GATEWAY, "UTC"
        self._answered_ms = utc_ms()
        self._stopped = threading.Event()
        self._under_way: dict[str, tuple[Message, Future[None]]] = {}
        self._saved: dict[str, Any] = {}
        self._recall(state_file.load_facts(self._path) or {})

    def stop(self) -> None:
        """End ``run``; a message that is under way is waited for."""
        self._stopped.set()

    def run(self, period_s: float = LOOK_PERIOD_S) -> None:
        """Look and send until ``stop``."""
        with ThreadPoolExecutor(len(self._queues), "channel") as pool:
            while not self._stopped.is_set():
                self.look()
                self.deliver(pool)
                self._stopped.wait(period_s)
            self._settle(wait=True)
            self._save()

    def look(self) -> None:
        """Ask the gateway for its alarms, and take what has changed."""
        now_ms = self._follow_clock()
        try:
            answer = ask_gateway(self._runtime_dir)
        except NoDaemon as error:
            self._note_silence(str(error), now_ms)
            return
        except (KeyError, TypeError, ValueError) as error:
            self._note_silence(f"its answer cannot be read: {type(error).__name__}: {error}", now_ms)
            return
        self._gateway, self._zone, self._answered_ms = answer.gateway, answer.zone, now_ms
        for change in self._compare(answer.alarms, now_ms):
            for queue in self._queues.values():
                queue.add(change)
        self._save()

    def _follow_clock(self) -> int:
        """Return the time now; after a step of the wall clock, what waits waits as long as before."""
        now_ms, elapsed_ns = self._utc_ms(), self._elapsed_ns()
        step_ms = now_ms - self._clocks[0] - round((elapsed_ns - self._clocks[1]) / 1e6)
        self._clocks = now_ms, elapsed_ns
        if abs(step_ms) > _STEP_MS:
            self._answered_ms += step_ms
            for queue in self._queues.values():
                queue.shift(step_ms)
        return now_ms

    def _compare(self, alarms: Mapping[str, Mapping[str, Any]], now_ms: int) -> Iterator[AlarmChange]:
        """Yield what was raised or cleared since the last look."""
        if self._seen.pop(SILENT, None) is not None:
            yield _describe_silence("the gateway answers again", now_ms, is_raised=False)
        for name, row in alarms.items():
            is_known = self._seen.get(name) == row["since_utc_ms"]
            if row["cleared_utc_ms"] is None:
                if not is_known:
                    yield _describe_alarm(name, row, now_ms, is_raised=True)
                self._seen[name] = row["since_utc_ms"]
            elif self._seen.pop(name, None) is not None:
                yield _describe_alarm(name, row, now_ms, is_raised=False)
            elif self._looked_ms is not None and row["cleared_utc_ms"] > self._looked_ms:
                # It came and went while nobody looked.
                yield _describe_alarm(name, row, now_ms, is_raised=True)
                yield _describe_alarm(name, row, now_ms, is_raised=False)
        for name in sorted(set(self._seen) - set(alarms)):
            del self._seen[name]
            yield _describe_end(name, now_ms)
        self._looked_ms = now_ms

    def _note_silence(self, why: str, now_ms: int) -> None:
        silent_s = (now_ms - self._answered_ms) / 1000
        if silent_s < self._settings.silent_after_s or SILENT in self._seen:
            return
        self._seen[SILENT] = now_ms
        text = f"the gateway has not answered for {silent_s:.0f} s: {why}"
        for queue in self._queues.values():
            queue.add(_describe_silence(text, now_ms, is_raised=True))
        self._save()

    def deliver(self, pool: ThreadPoolExecutor) -> None:
        """Settle what has ended, and begin to send what is due: one message per channel at a time."""
        self._settle(wait=False)
        for name, queue in self._queues.items():
            if name in self._under_way:
                continue
            message = queue.make_message(self._gateway, self._utc_ms(), self._zone)
            if message is not None:
                self._under_way[name] = message, pool.submit(send, self._settings.channels[name], message)

    def _settle(self, *, wait: bool) -> None:
        for name, (message, future) in tuple(self._under_way.items()):
            if not (wait or future.done()):
                continue
            del self._under_way[name]
            try:
                future.result()
            except DeliveryFailed as error:
                self._queues[name].settle(message, self._utc_ms(), is_sent=False)
                self._log(f"{name}: {message.title}: not sent: {error}")
            else:
                self._queues[name].settle(message, self._utc_ms(), is_sent=True)
                self._log(f"{name}: {message.title}: sent")
            self._save()

    # On disk

    def _recall(self, facts: Mapping[str, Any]) -> None:
        try:
            self._seen = {str(name): int(since_ms) for name, since_ms in facts.get("seen", {}).items()}
            looked_ms = facts.get("looked_ms")
            self._looked_ms = None if looked_ms is None else int(looked_ms)
            self._gateway = str(facts.get("gateway", UNKNOWN_GATEWAY))
            self._zone = str(facts.get("zone", "UTC"))
            ZoneInfo(self._zone)
            for name, rows in facts.get("channels", {}).items():
                if name in self._queues:
                    self._queues[name].load(rows)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            self._log(f"{self._path} cannot be used and counts as empty: {error}")

    def _save(self) -> None:
        """Save if something has changed; a disk that refuses is said, and stops nothing."""
        channels = {name: queue.save() for name, queue in self._queues.items()}
        about = {"gateway": self._gateway, "zone": self._zone}
        facts = {"seen": dict(self._seen), "channels": channels, **about}
        if facts == self._saved:
            return
        try:
            state_file.save_facts(self._path, {**facts, "looked_ms": self._looked_ms})
        except OSError as error:
            self._log(f"{self._path}: {error.strerror}: after a restart something may be sent twice")
            return
        self._saved = facts


def _describe_alarm(name: str, row: Mapping[str, Any], now_ms: int, *, is_raised: bool) -> AlarmChange:
    kind = ALARM_KINDS_BY_CODE.get(row["code"])  # None for a code of another version
    return AlarmChange(
        name=name,
        severity=str(AlarmSeverity.WARNING if kind is None else kind.severity),
        text=row["words"],
        remedy="" if kind is None else format_remedy(kind, row["of"]),
        is_raised=is_raised,
        utc_ms=row["since_utc_ms"] if is_raised else row["cleared_utc_ms"],
        noticed_ms=now_ms,
    )


def _describe_end(name: str, now_ms: int) -> AlarmChange:
    """Describe an alarm that left the list while it was active: a worse one replaced it and names it."""
    kind = ALARM_KINDS_BY_CODE.get(name.partition(":")[0])
    return AlarmChange(
        name=name,
        severity=str(AlarmSeverity.WARNING if kind is None else kind.severity),
        text="it is part of another alarm now",
        remedy="",
        is_raised=False,
        utc_ms=now_ms,
        noticed_ms=now_ms,
    )


def _describe_silence(text: str, now_ms: int, *, is_raised: bool) -> AlarmChange:
    remedy = "journalctl -u quartier -e; systemctl status quartier" if is_raised else ""
    return AlarmChange(
        SILENT,
        str(AlarmSeverity.CRITICAL),
        text,
        remedy,
        is_raised=is_raised,
        utc_ms=now_ms,
        noticed_ms=now_ms,
    )


def make_test_message(gateway: str, channel: Channel, utc_ms: int, zone: str) -> Message:
    """Return a message that says that it is a test."""
    change = AlarmChange(
        name="notify.test",
        severity=str(channel.severity),
        text="this is a test of the notifications: no alarm is active because of it",
        remedy="nothing",
        is_raised=True,
        utc_ms=utc_ms,
        noticed_ms=utc_ms,
    )
    return Message(gateway, (change,), 0, zone)
