"""Run one loss on the simulated building: cause it, observe it, and measure the reaction; a watchdog acts
as systemd.
"""

import asyncio
import contextlib
import socket
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

from quartier_hil.drill.reactions import Measure, Reaction
from quartier_hil.processes.daemon_process import find_value
from quartier_hil.runner.run import Run, RunOptions

WATCHDOG_POLL_REAL_S = 0.01


class Watchdog:
    """Hears ``WATCHDOG=1`` on its own socket; ``on_timeout`` is called once it stays away for ``after_s``."""

    def __init__(self, path: Path, after_s: float, on_timeout: Callable[[], Awaitable[None]]) -> None:
        self.after_s = after_s
        self._on_timeout = on_timeout
        self._heard_real_s: float | None = None
        self.timeout_real_s: float | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))

    async def run(self) -> None:
        """Listen until it has bitten once."""
        while True:
            with contextlib.suppress(BlockingIOError):
                while b"WATCHDOG=1" in self._socket.recv(4096).split(b"\n"):
                    self._heard_real_s = time.monotonic()
            heard_s = self._heard_real_s
            if heard_s is not None and time.monotonic() - heard_s >= self.after_s:
                self.timeout_real_s = time.monotonic()
                await self._on_timeout()
                return
            await asyncio.sleep(WATCHDOG_POLL_REAL_S)

    def close(self) -> None:
        """No more is heard."""
        self._socket.close()


STATUS_POLL_REAL_S = 0.05
OUTPUT_POLL_REAL_S = 0.002
CALM_S = 5.0
DAEMON_LOSSES = ("controller-killed", "controller-frozen")
"""Losses after which somebody else writes the safe values."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A power of the plant that a loss requires, at least ``min_w``; ``unmet`` describes its absence."""

    point: str
    min_w: float
    unmet: str


@dataclass(frozen=True, kw_only=True)
class LossCause:
    """Way to cause one row of the loss table here.

    ``watched`` is a value of the plant or of the daemon's status, ``measure`` the time found in it (None: the
    time that the daemon states); ``sign`` is the row by which the daemon notices, where that is another.
    Where ``condition`` does not hold at the loss, no reaction can be shown.
    ``needs`` returns the reason why it is impossible on this machine, empty if it is possible.
    """

    loss: str
    of: str = ""
    sign: str = ""
    how: str
    start: str = "2026-06-12T20:30:00"
    make: "Callable[[LossRun], Awaitable[None]]"
    undo: "Callable[[LossRun], Awaitable[None]]"
    lasts_s: float
    warm_s: float = 60.0
    rate: float = 10.0
    house: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Mapping[str, Any]] = ()
    watched: str = ""
    measure: Measure | None = None
    condition: Condition | None = None
    needs: Callable[[], str] = lambda: ""
    set_up_environment: "Callable[[LossRun, Path, AsyncExitStack], Awaitable[None]] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LossMeasurement:
    """Result: the daemon's own row, and both times in s of the site's clock; None: not seen.

    ``is_shown`` is False if nothing had to be reduced: then a missing reaction breaks no promise.
    ``others`` are further figures by name; ``words`` describe the values at the output.
    """

    declared: Mapping[str, Any] | None
    noticed_s: float | None
    reached_s: float | None
    words: str
    others: Mapping[str, float]
    is_shown: bool


class LossRun(Run):
    """A run in which one loss happens."""

    def __init__(self, options: RunOptions, loss_cause: LossCause) -> None:
        super().__init__(options)
        self.loss_cause = loss_cause
        self.declared: Mapping[str, Any] | None = None
        self.began_s = 0.0
        self.began_real_s = 0.0
        self.looks: list[tuple[float, dict[str, Any]]] = []
        self.ends: dict[str, float] = {}
        self.ordered: list[tuple[float, float]] = []
        self.guardian: Watchdog | None = None

    def _step(self) -> None:
        super()._step()
        value = self.wiring.orders().values.get(self.loss_cause.watched)
        if value is not None:
            self.ordered.append((self.now_s, value))

    async def prepare(self, work: Path, stack: AsyncExitStack) -> None:
        """Prepare the surroundings of the daemon that this loss needs."""
        if self.loss_cause.set_up_environment is not None:
            await self.loss_cause.set_up_environment(self, work, stack)

    async def _events(self) -> None:
        async with asyncio.TaskGroup() as group:
            others = group.create_task(super()._events())
            await self.until(self.loss_cause.warm_s - CALM_S)
            looking = group.create_task(self._poll_status())
            self.declared = await self._declared()
            await self.until(self.loss_cause.warm_s)
            self.mark(self.loss_cause.how, "fault")
            ends = self.loss_cause.loss in DAEMON_LOSSES
            writing = group.create_task(self._watch_outputs()) if ends else None
            self.begin()
            await self.loss_cause.make(self)
            await self.until(self.loss_cause.warm_s + self.loss_cause.lasts_s)
            looking.cancel()
            if writing is not None:
                writing.cancel()
            self.mark("it is put right again", "fault")
            await self.loss_cause.undo(self)
            await others

    def begin(self) -> None:
        """From now on the times of this loss count; who makes it says so again where it begins later."""
        self.began_s, self.began_real_s = self.elapsed_s(), time.monotonic()

    async def _declared(self) -> Mapping[str, Any] | None:
        """The daemon's own row for this loss, with this building's periods and timers."""
        answer = await self.daemon.ask("ladder") or {}
        wanted = self.loss_cause.loss, self.loss_cause.of
        rows: list[dict[str, Any]] = answer.get("rows", [])
        return next((row for row in rows if (row["name"], row["of"]) == wanted), None)

    async def _poll_status(self) -> None:
        while True:
            status = await self.daemon.ask("status")
            if status:
                self.looks.append((self.elapsed_s(), status))
            await asyncio.sleep(STATUS_POLL_REAL_S)

    async def _watch_outputs(self) -> None:
        """Record the times of the end of the daemon, and of the first and last output at its safe value."""
        at_first = len(self.wiring.list_unreleased_outputs())
        while True:
            now_s = time.monotonic() - self.began_real_s
            left = len(self.wiring.list_unreleased_outputs())
            if "first_s" not in self.ends and left < at_first:
                self.ends["first_s"] = now_s
            if "all_s" not in self.ends and not left:
                self.ends["all_s"] = now_s
            if "gone_s" not in self.ends and not self.daemon.is_there:
                self.ends["gone_s"] = now_s
            await asyncio.sleep(OUTPUT_POLL_REAL_S)

    # What was seen

    def build_measurement(self) -> LossMeasurement:
        """Both times of this loss."""
        noticed_s = self._noticed_s()
        reaction = Reaction(noticed_s, "by the daemon's own word")
        if self.loss_cause.measure is not None:
            reaction = self.loss_cause.measure(self._series(self.loss_cause.watched))
        if self.loss_cause.loss in DAEMON_LOSSES:
            noticed_s = self.ends.get("gone_s")
            all_s = self.ends.get("all_s", float("nan"))
            reaction = Reaction(
                self.ends.get("first_s"), f"first safe value; all of them after {all_s:.2f} s"
            )
        if unmet := self._describe_unmet_condition():
            reaction = Reaction(None, unmet, is_shown=False)
        return LossMeasurement(
            declared=self.declared,
            noticed_s=noticed_s,
            reached_s=reaction.after_s,
            words=reaction.words,
            others={name: round(seconds, 3) for name, seconds in self.ends.items()},
            is_shown=reaction.is_shown,
        )

    def _describe_unmet_condition(self) -> str:
        """Return what was missing when the loss began; empty if nothing was."""
        condition = self.loss_cause.condition
        if condition is None:
            return ""
        place = bisect_left(self.record.times_s, self.began_s) - 1
        watts = self.record.columns[condition.point][place] if place >= 0 else 0.0
        return "" if watts >= condition.min_w else f"{condition.unmet}: {watts:.4g} W before the loss"

    def _noticed_s(self) -> float | None:
        """Return the time at which the daemon first named the row, by its stamp: polling adds no error."""
        wanted = self.loss_cause.sign or self.loss_cause.loss, self.loss_cause.of
        for at_s, status in self.looks:
            for row in find_value(status, "losses") or ():
                if at_s >= self.began_s and (row["name"], row["of"]) == wanted:
                    age_s = float(status["gateway"]["utc_ms"] - row["since_utc_ms"]) / 1000
                    return round(max(at_s - age_s - self.began_s, 0.0), 2)
        return None

    def _series(self, watched: str) -> list[tuple[float, float]]:
        """Return the watched values with their times from the loss in s, without NaN."""
        pairs = self.ordered or [(at_s, _read_number(status, watched)) for at_s, status in self.looks]
        end_s = self.loss_cause.warm_s + self.loss_cause.lasts_s
        return [(at_s - self.began_s, value) for at_s, value in pairs if at_s <= end_s and not isnan(value)]


def _read_number(status: Mapping[str, Any], watched: str) -> float:
    """A number of a status by its path, ``control.caps.import.max_w``."""
    found: Any = status
    for key in watched.split("."):
        found = found[key] if isinstance(found, Mapping) and key in found else float("nan")
    return float(found)
