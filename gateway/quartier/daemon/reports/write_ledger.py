"""Keep the write ledger: every order with its source, its reason and its outcome.

The ledger gets commands from the cycle and outcomes from the buses, and hands rows to the store.  Nothing
here waits.  A row goes to the store when it begins, when its outcome becomes known or changes, and when it
ends.  Counts and times of an order that continues follow every ten minutes, a value that moves every minute.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from quartier.control.orders import book as orders_book
from quartier.control.reason import Reason, make_reason, render_data
from quartier.daemon.reports import ledger_rows
from quartier.daemon.reports.ledger_rows import LedgerRow, is_continuous
from quartier.runtime.bus.mailbox import ClientWriteOutcome, WriteOutcome
from quartier.site.ledger import REPEATS_STORED_PERIOD_S, LedgerEntry, OrderOutcome
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now
from quartier_drivers.contract import Command, Origin, PointInfo

LAST_ROWS_COUNT = 24  # rows of an asset that stay in memory
CLIENT_ROWS_COUNT_MAX = 64  # points that other clients write to, whose rows may continue
OPEN_ROWS_COUNT_MAX = 4  # rows of a point that may continue: reasons alternate within seconds
RESUME_MAX_MS, ROW_MAX_MS = 60_000, 3_600_000
FLUSH_PERIOD_NS, FLUSH_MOVED_PERIOD_NS, FLUSH_CHANGED_PERIOD_NS = (
    round(REPEATS_STORED_PERIOD_S * 1e9),
    60_000_000_000,
    10_000_000_000,
)
CHECK_PERIOD_NS = 5_000_000_000
OUTCOME_DELAY_MAX_NS = 1_000_000_000  # this long after expiry the mailbox has reported all that it knows
GATEWAY_LEFT_WHO = Origin("release", "gateway left")
WRITE_BUDGET_WHO = Origin("rule", "write budget")
_INPUT_LOST_REASON, _USED_UP_REASON, _LEFT_REASON = (
    make_reason("input.lost"),
    make_reason("output.used_up"),
    make_reason("output.left"),
)


class LedgerStore(Protocol):
    """The storage of the rows: the store."""

    @property
    def boot(self) -> int:
        """The number of this boot."""
        ...

    def write_down(self, entry: LedgerEntry, now: Now) -> None:
        """Save the present state of a row."""
        ...


@dataclass(slots=True, eq=False)
class _PendingCommand:
    """A command whose outcome may still change, and whether it was sent."""

    command: Command
    row: LedgerRow
    is_out: bool = False


class WriteLedger:
    """The rows of this run; a write listener of the buses (``runtime/bus/mailbox.py``)."""

    def __init__(self, keeper: LedgerStore) -> None:
        self._store = keeper
        self._now = Now(0, 0, synced=False)
        self._number = 0
        self._open: dict[str, list[LedgerRow]] = {}  # by point, the latest order last
        self._recent: dict[str, deque[LedgerRow]] = {}
        self._pending_commands: dict[int, _PendingCommand] = {}
        self._client_rows: dict[str, LedgerRow] = {}  # of other clients, beside our own
        self._changed: dict[int, LedgerRow] = {}
        self._infos: Mapping[str, PointInfo] = {}
        self._safe: Mapping[str, float | None] = {}
        self._look_ns = 0

    def follow(self, infos: Mapping[str, PointInfo], safe: Mapping[str, float | None]) -> None:
        """Set the points of the site and their release values (None: nothing is written)."""
        self._infos, self._safe = infos, safe
        owners = {point.partition(".")[0] for point in infos}
        self._recent = {name: rows for name, rows in self._recent.items() if name in owners}
        self._open = {point: rows for point, rows in self._open.items() if point in infos}

    def of(self, asset: str) -> list[LedgerEntry]:
        """Return the last rows of an asset, newest first."""
        return [row.copy_entry() for row in reversed(self._recent.get(asset, ()))]

    def render_rows(self, asset: str, now_ns: int) -> list[dict[str, Any]]:
        """Return the last rows of an asset, JSON-ready, newest first.

        A row that this run began has its age in s, which no change of the clock affects.
        """
        rows = reversed(self._recent.get(asset, ()))
        return [
            row.copy_entry().data()
            | ({} if row.begun_ns is None else {"age_s": round((now_ns - row.begun_ns) / 1e9, 1)})
            for row in rows
        ]

    # From the cycle

    def record_orders(self, commands: Iterable[Command], frozen: FrozenImage, now: Now) -> None:
        """Record what a cycle orders, before it is posted; ``frozen`` is the process image of that cycle."""
        self._now = now
        for command in commands:
            self._note_drift(command.point, frozen)
            row = self._find_continued_row(command)
            self._settle_command(command.point)
            if row is None:
                row = self._begin_row(self._make_order_entry(command, frozen), command)
            else:
                row.repeat_order(command, now.utc_ms, self._find_utc_ms(command.expires_ns))
                row.order_ns = now.ns
                self._changed[row.entry.number] = row
            self._pending_commands[id(command)] = _PendingCommand(command, row)

    def record_releases(self, points: Iterable[str], why: Mapping[str, Reason], now: Now) -> None:
        """Record points that are given back to the control of their own device, with the reason by point."""
        self._now = now
        for point in points:
            reason = orders_book.make_release_reason(why.get(point, _INPUT_LOST_REASON))
            row = next(iter(self._open.get(point, ())[-1:]), None)
            if row is not None and row.is_given_back(reason.who, render_data(reason)):
                row.note_repeat(now.utc_ms)
                row.order_ns = now.ns
                self._changed[row.entry.number] = row
            else:
                self._begin_row(self._make_own_entry(point, reason, reason.who))

    def look(self, frozen: FrozenImage, now: Now) -> None:
        """Check every few seconds whether points still show what was ordered, even without new orders."""
        if now.ns < self._look_ns:
            return
        self._now, self._look_ns = now, now.ns + CHECK_PERIOD_NS
        for point in list(self._open):
            self._note_drift(point, frozen)

    def take_release_rows(self, entries: Iterable[LedgerEntry], now: Now) -> None:
        """Take over rows written while no daemon ran: they count as this run's and hold until it orders."""
        self._now = now
        for entry in entries:
            self._number += 1
            self._begin_row(replace(entry, boot=self._store.boot, number=self._number)).begun_ns = None

    def tick(self, now: Now) -> None:
        """Settle commands with no outcome after expiry, and hand changed rows to the store."""
        self._now = now
        late_ns = now.ns - OUTCOME_DELAY_MAX_NS
        for flight in [one for one in self._pending_commands.values() if one.command.expires_ns <= late_ns]:
            self._expire_command(flight)
        for row in [row for row in self._changed.values() if _is_due(row, now.ns)]:
            self._save_row(row)

    def close(self, now: Now) -> None:
        """Hand all changed rows to the store."""
        self._now = now
        for row in list(self._changed.values()):
            self._save_row(row)

    # From the buses

    def handle_outcome(self, outcome: WriteOutcome) -> None:
        """Record the outcome of a command."""
        flight = self._pending_commands.get(id(outcome.command))
        if flight is None:
            return
        row = flight.row
        if outcome.is_out and not flight.is_out:
            flight.is_out = True
            row.count_write()
        if outcome.verdict != "pending":
            if flight.command is row.command:
                row.set_outcome(
                    outcome.verdict, self._find_utc_ms(outcome.since_ns), outcome.why, outcome.read_value
                )
                row.known_ns = outcome.since_ns
            else:
                row.count_outcome(outcome.verdict)
                del self._pending_commands[id(flight.command)]
        self._changed[row.entry.number] = row

    def handle_relinquish(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Record points that were given back to their device.

        A bus does that by itself if the write budget of a point is used up.
        """
        for point in points:
            rows = self._open.get(point)
            row = rows[-1] if rows else None
            if row is None or row.command is not None or row.entry.outcome != "pending":
                row = self._begin_row(
                    self._make_own_entry(
                        point,
                        orders_book.make_release_reason(_USED_UP_REASON),
                        WRITE_BUDGET_WHO,
                        self._safe.get(point),
                    )
                )
            row.set_outcome(verdict, self._find_utc_ms(now_ns), why)
            row.known_ns = now_ns
            row.count_write()

    def handle_release(self, points: Iterable[str], verdict: OrderOutcome, why: str, now_ns: int) -> None:
        """Record release values that were written because the gateway leaves the device."""
        for point in points:
            info = self._infos.get(point)
            if info is None or info.on_release in {None, "hold"}:
                continue
            row = self._begin_row(
                self._make_own_entry(
                    point, _LEFT_REASON, GATEWAY_LEFT_WHO, self._find_value_left(point, info)
                )
            )
            row.set_outcome(verdict, self._find_utc_ms(now_ns), why)
            row.known_ns = now_ns
            row.count_write()

    def handle_client_write(self, write: ClientWriteOutcome, now_ns: int) -> None:
        """Record a write of another client to a point that the gateway does not order; count repeats."""
        utc_ms = self._find_utc_ms(now_ns)
        row = self._client_rows.pop(write.point, None)
        if row is not None and (row.entry.who, row.entry.value, row.entry.outcome) == (
            write.who,
            write.value,
            write.verdict,
        ):
            row.entry.count, row.entry.last_ms = row.entry.count + 1, utc_ms
            row.count_outcome(write.verdict)
        else:
            if row is not None:
                row.set_end("replaced", utc_ms)
                self._changed[row.entry.number] = row
            entry = self._make_entry(write.point, write.who, write.why, write.value)
            row = self._add_row(LedgerRow(replace(entry, utc_ms=utc_ms, last_ms=utc_ms)))
            row.set_outcome(write.verdict, utc_ms, write.note)
        if len(self._client_rows) >= CLIENT_ROWS_COUNT_MAX:
            del self._client_rows[next(iter(self._client_rows))]
        self._client_rows[write.point] = row
        row.count_write()
        self._changed[row.entry.number] = row

    # Rows

    def _find_value_left(self, point: str, info: PointInfo) -> float | None:
        """Return the release value of a point; a lower limit in force is not raised by leaving."""
        value, rows = self._safe.get(point), self._open.get(point)
        if value is None or info.on_release != "cap" or not rows or rows[-1].entry.outcome != "done":
            return value
        stands = rows[-1].entry.value
        return value if stands is None else min(value, stands)

    def _find_continued_row(self, command: Command) -> LedgerRow | None:
        """Return the row that the command continues, moved to the end of its point; None for a new row."""
        rows = self._open.get(command.point, [])
        for row in reversed(rows):
            is_last = row is rows[-1]
            if not row.takes(command) or (not row.entry.is_in_force and not is_continuous(command.point)):
                continue
            age_ms, rest_ms = self._now.utc_ms - row.entry.utc_ms, self._now.utc_ms - row.entry.last_ms
            same = row.entry.value == command.value
            if (is_last and same and row.entry.is_in_force) or (
                age_ms < ROW_MAX_MS and rest_ms < RESUME_MAX_MS
            ):
                if not is_last:
                    self._end_row(command.point)
                    row.entry.resumed += 1
                    self._open[command.point] = [*(one for one in rows if one is not row), row]
                return row
        return None

    def _note_drift(self, point: str, frozen: FrozenImage) -> None:
        """End the order of a point that shows something else, and begin a row for what it shows."""
        row, info = next(iter(self._open.get(point, ())[-1:]), None), self._infos.get(point)
        if row is None or info is None or row.entry.outcome != "done" or not row.entry.is_in_force:
            return
        found = ledger_rows.find_drift(row.entry, info, frozen, row.order_ns, row.known_ns)
        if found is not None:
            row.set_end(found.end, self._now.utc_ms)
            self._changed[row.entry.number] = row
            fresh = self._begin_row(
                self._make_entry(point, found.who, found.why, found.value, row.entry.value)
            )
            fresh.set_outcome("done", self._now.utc_ms, "seen by reading it", found.value)

    def _begin_row(self, entry: LedgerEntry, command: Command | None = None) -> LedgerRow:
        self._end_row(entry.point)
        row = self._add_row(LedgerRow(entry, command))
        self._open[entry.point] = [*self._open.get(entry.point, ()), row][-OPEN_ROWS_COUNT_MAX:]
        return row

    def _add_row(self, row: LedgerRow) -> LedgerRow:
        row.begun_ns = row.order_ns = row.known_ns = self._now.ns
        self._recent.setdefault(row.entry.asset, deque(maxlen=LAST_ROWS_COUNT)).append(row)
        self._changed[row.entry.number] = row
        return row

    def _end_row(self, point: str) -> None:
        """End the row in force of a point, as replaced."""
        for row in self._open.get(point, ())[-1:]:
            if row.entry.is_in_force:
                row.set_end("replaced", self._now.utc_ms)
                self._changed[row.entry.number] = row

    def _make_order_entry(self, command: Command, frozen: FrozenImage) -> LedgerEntry:
        seen = frozen.good(command.point)
        before = None if seen is None else seen[0]
        entry = self._make_entry(command.point, command.who, command.reason, command.value, before)
        expires_ms = self._find_utc_ms(command.expires_ns)
        cause = dict(command.cause)
        return replace(entry, expires_ms=expires_ms, until_ms=command.until_utc_ms, cause=cause)

    def _make_own_entry(
        self, point: str, reason: Reason, who: Origin, value: float | None = None
    ) -> LedgerEntry:
        return replace(self._make_entry(point, who, str(reason), value), cause=render_data(reason))

    def _make_entry(
        self, point: str, who: Origin, why: str, value: float | None = None, before: float | None = None
    ) -> LedgerEntry:
        self._number += 1
        utc_ms = self._now.utc_ms
        return LedgerEntry(
            boot=self._store.boot,
            number=self._number,
            point=point,
            who=who,
            why=str(why),
            utc_ms=utc_ms,
            last_ms=utc_ms,
            before=before,
            value=value,
            low=value,
            high=value,
        )

    def _settle_command(self, point: str) -> None:
        """Forget the last command of a point if its outcome is known: a newer command replaces it."""
        for row in self._open.get(point, ())[-1:]:
            if row.entry.outcome != "pending" and row.command is not None:
                self._pending_commands.pop(id(row.command), None)

    def _expire_command(self, flight: _PendingCommand) -> None:
        """Settle a command that expired without an outcome."""
        verdict: OrderOutcome = "unknown" if flight.is_out else "expired"
        row = flight.row
        if flight.command is not row.command:
            row.count_outcome(verdict)
            del self._pending_commands[id(flight.command)]
        elif row.entry.outcome == "pending":
            words = "written, but not read back until it expired" if flight.is_out else "it never went out"
            row.set_outcome(verdict, self._now.utc_ms, words)
        else:
            return
        self._changed[row.entry.number] = row

    def _save_row(self, row: LedgerRow) -> None:
        self._store.write_down(row.copy_entry(), self._now)
        row.note_saved(self._now.ns)
        del self._changed[row.entry.number]

    def _find_utc_ms(self, ns: int) -> int:
        return self._now.utc_ms + (ns - self._now.ns) // 1_000_000


def _is_due(row: LedgerRow, now_ns: int) -> bool:
    """Return whether the store should have the row now; rows that last or change often are saved seldom."""
    told, entry = row.saved_status, row.entry
    if told is None or (told[0] == "pending" and entry.outcome != "pending"):
        return True
    age_ns = now_ns - row.save_ns
    if entry.outcome != "pending" and told != (entry.outcome, entry.end):
        return age_ns >= FLUSH_CHANGED_PERIOD_NS or not is_continuous(entry.point)
    return age_ns >= (FLUSH_MOVED_PERIOD_NS if row.has_new_value else FLUSH_PERIOD_NS)
