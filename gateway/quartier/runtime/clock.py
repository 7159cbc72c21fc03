"""Read the time; the only module that does: boot clock for ages and deadlines, UTC for stamps.

The boot clock (CLOCK_BOOTTIME) only moves forward and also runs while the machine sleeps.  A duration
therefore ends when that much real time has passed, and documents are timed by it.

``QUARTIER_CLOCK`` (test rigs only) sets origin and speed factor, for example ``rate=60,offset=-2d``:

``rate``    seconds of gateway time per real second;
``offset``  offset of the gateway's wall clock from the real one at the origin (s, m, h or d);
``origin``  the real Unix time at which both started, so that a restarted daemon stays in step;
``word``    a file that says ``yes`` or ``no`` (synchronised or not), by how many seconds the wall clock
          has jumped, ``no 7200``, and at which Unix second it stands still, ``yes 0 1781281800``;
          without it a simulated clock counts as synchronised;
``boot``    the id of this boot of the machine, in place of the kernel's id.
"""

import asyncio
import ctypes
import os
import re
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from quartier.site.records import Now
from quartier_drivers.contract import find_wait_s
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.transport.precise_timer import PreciseTimer

CLOCK_VARIABLE = "QUARTIER_CLOCK"
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPEED_FACTOR_MAX = 10_000.0
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_STA_UNSYNC = 0x0040  # adjtimex(2), status bit
# Written by quartier-clock.service, because the unit's sandbox forbids adjtimex(2).
_SYNC_FILE = Path("/run/quartier-clock/synced")
_SYNC_FILE_AGE_MAX_S = 60.0
_RIG_FILE_PERIOD_S = 0.05


@dataclass(frozen=True, slots=True)
class RigClock:
    """The changes of a rig's file to the wall clock; the default is a correct and trusted clock."""

    synced: bool = True
    jump_s: float = 0.0
    stands_utc_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """The content of ``QUARTIER_CLOCK``; the default is real time."""

    rate: float = 1.0
    offset_s: float = 0.0
    origin_unix_s: float | None = None
    word: Path | None = None
    boot: str = ""

    @property
    def is_simulated(self) -> bool:
        """True if gateway time differs from real time."""
        return self != ClockSetting()


def parse_clock_setting(text: str) -> ClockSetting:
    """Parse ``rate=…,offset=…,origin=…,word=…,boot=…``.  Raises ConfigError with every fault."""
    values: dict[str, float] = {}
    faults = []
    words: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, _, value = item.partition("=")
        if key in {"word", "boot"} and value:
            words[key] = value
            continue
        match = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)([smhd]?)", value)
        if key not in {"rate", "offset", "origin"} or match is None:
            faults.append(
                Fault(
                    CLOCK_VARIABLE,
                    None,
                    key,
                    f"{item!r}; expected rate=, offset= or origin= and a number, word= and a file, "
                    "or boot= and a name",
                )
            )
            continue
        values[key] = float(match[1]) * (_UNITS_S[match[2]] if key == "offset" else 1.0)
    rate = values.get("rate", 1.0)
    if not 0.0 < rate <= _SPEED_FACTOR_MAX:
        faults.append(Fault(CLOCK_VARIABLE, None, "rate", f"{rate:g} is outside 0..{_SPEED_FACTOR_MAX:g}"))
    if faults:
        raise ConfigError(faults)
    word = Path(words["word"]) if "word" in words else None
    return ClockSetting(rate, values.get("offset", 0.0), values.get("origin"), word, words.get("boot", ""))


read_boot_clock_ns = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
"""Nanoseconds since the machine booted, including sleep."""


class SiteClock:
    """The gateway's time; implements ``contract.Clock``."""

    def __init__(self, setting: ClockSetting | None = None) -> None:
        self.setting = setting or ClockSetting()
        self.rate = self.setting.rate
        self._simulated = self.setting.is_simulated
        since_s = 0.0
        if self.setting.origin_unix_s is not None:
            since_s = time.time() - self.setting.origin_unix_s
        self._origin_ns = read_boot_clock_ns() - int(since_s * 1e9)
        self._floor_utc_ms = self._good_utc_ms = self._good_ns = 0
        self._ask_again_s = 0.0
        self._synced = False
        self._rig = RigClock()
        self._origin_utc_ms = time.time_ns() // 1_000_000 - int(since_s * 1e3)
        if not self._simulated:  # called several times per answer of a device: avoid one call of ours
            self.now_ns = read_boot_clock_ns  # type: ignore[method-assign]  # the same answer, in a third of the time

    def now_ns(self) -> int:
        """Return the monotonic gateway time in ns.

        Real time counts from the machine's boot, simulated time from its origin.  Both continue over a
        restart of the daemon (simulated time if the origin is given).
        """
        return int((read_boot_clock_ns() - self._origin_ns) * self.rate)

    def utc_ms(self) -> int:
        """Return the gateway's wall clock, UTC in ms; it may jump when the machine's clock does."""
        if not self._simulated:
            return time.time_ns() // 1_000_000
        self._read_rig()
        return self._find_rig_time_ms()

    def _find_rig_time_ms(self) -> int:
        if self._rig.stands_utc_ms is not None:
            return self._rig.stands_utc_ms
        offset_s = self.setting.offset_s + self._rig.jump_s
        return self._origin_utc_ms + int(offset_s * 1e3) + self.now_ns() // 1_000_000

    def is_synced(self) -> bool:
        """Return whether the wall clock may be trusted; the kernel is asked once a second."""
        if self._simulated:
            self._read_rig()
            return self._rig.synced
        if time.monotonic() >= self._ask_again_s:
            self._ask_again_s = time.monotonic() + 1.0
            self._synced = is_kernel_synced() and self.utc_ms() >= self._floor_utc_ms
            if self._synced:
                self._note_reached(self.utc_ms())
        return self._synced

    def _note_reached(self, utc_ms: int) -> None:
        """Note a time that has certainly been reached."""
        self._good_utc_ms, self._good_ns = utc_ms, self.now_ns()

    def _read_rig(self) -> None:
        """Read the rig's file a few times a second; a missing or invalid file means synchronised."""
        word, now_s = self.setting.word, time.monotonic()
        if now_s < self._ask_again_s:
            return
        self._ask_again_s = now_s + _RIG_FILE_PERIOD_S
        self._rig = RigClock() if word is None else read_rig_clock(word)
        if self._rig.synced:
            self._note_reached(self._find_rig_time_ms())

    def raise_floor(self, utc_ms: int) -> None:
        """Distrust a wall clock before this time, which the clock had reached in an earlier run."""
        self._floor_utc_ms = max(self._floor_utc_ms, utc_ms)
        if utc_ms > self._good_utc_ms:
            self._note_reached(utc_ms)

    def moments(self) -> tuple[int, ...]:
        """Return the times (UTC in ms) at which to check validity periods; empty: use the machine's clock.

        While that clock is not trusted, the first time is the latest one known to have passed plus the time
        since then (the time floor).  The wall clock follows if it is later.
        """
        if self.is_synced() or not self._good_utc_ms:
            return ()
        floor_ms = self._good_utc_ms + (self.now_ns() - self._good_ns) // 1_000_000
        return (floor_ms, utc_ms) if (utc_ms := self.utc_ms()) > floor_ms else (floor_ms,)

    def now(self) -> Now:
        """Return monotonic time, UTC and synchronisation at once, for the pure packages."""
        return Now(self.now_ns(), self.utc_ms(), self.is_synced())

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of gateway time."""
        await asyncio.sleep(max(0.0, seconds) / self.rate)

    async def wait_until(self, due_ns: int) -> None:
        """Wait until ``now_ns`` reaches ``due_ns``, to about 0.1 ms; asyncio alone rounds up to whole ms.

        It may end a little early.  It costs more than ``sleep``.
        """
        # Read the loop's time first: the due time then stays fixed even if this thread is held up, for
        # example by the store's writer.  A remaining time would start only after that delay.
        loop_s = asyncio.get_running_loop().time()
        left_s = (due_ns - self.now_ns()) / 1e9
        try:
            bell = PreciseTimer()
        except OSError:  # perhaps no descriptor is left: an inexact wait is better than none
            await self.sleep(left_s)
            return
        woken = asyncio.Event()
        try:
            bell.set(loop_s + left_s / self.rate, woken.set)
            await woken.wait()
        finally:
            bell.close()

    async def sleep_coarsely(self, seconds: float, floor_s: float = 0.0) -> None:
        """Wait as ``in_step_s`` says, at least ``floor_s`` of real time: a fast clock must not spin."""
        await asyncio.sleep(max(find_wait_s(self.now_ns(), seconds) / self.rate, floor_s))


class _Timex(ctypes.Structure):
    """The head of ``struct timex`` (adjtimex(2)); the rest is padding."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_byte * 256),
    )


_LIBC = ctypes.CDLL(None, use_errno=True)


def is_kernel_synced() -> bool:
    """Ask adjtimex(2) without changing anything; if that is forbidden, use ``is_told_synced``."""
    timex = _Timex()
    state = int(_LIBC.adjtimex(ctypes.byref(timex)))
    if state == -1:
        return is_told_synced(_SYNC_FILE, time.clock_gettime(time.CLOCK_BOOTTIME))
    return state != _TIME_ERROR and not timex.status & _STA_UNSYNC


def is_told_synced(word: Path, uptime_s: float) -> bool:
    """Return whether the file says ``yes UPTIME``, at most 60 s old; False if there is none."""
    try:
        answer, asked_s = word.read_text(encoding="ascii").split()
        return answer == "yes" and 0 <= uptime_s - float(asked_s) <= _SYNC_FILE_AGE_MAX_S
    except (OSError, ValueError):
        return False


def read_rig_clock(word: Path) -> RigClock:
    """Read the wall clock settings of a rig's file; the default if it is missing or invalid."""
    try:
        text, *numbers = word.read_text(encoding="ascii").split()
        jump_s, stands_s = [*map(float, numbers), *(0.0, 0.0)[len(numbers) :]]
        stands_utc_ms = round(stands_s * 1e3) if len(numbers) > 1 else None
    except (OSError, ValueError):
        return RigClock()
    return RigClock(text != "no", jump_s, stands_utc_ms)


def find_boot_id() -> str:
    """Return the id of the machine's boot, from a rig or else from the kernel; empty if unknown."""
    if named := load_clock_setting().boot:
        return named
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def load_clock_setting() -> ClockSetting:
    """Load the setting of ``QUARTIER_CLOCK``; real time if it is not set."""
    return parse_clock_setting(os.environ.get(CLOCK_VARIABLE, ""))
