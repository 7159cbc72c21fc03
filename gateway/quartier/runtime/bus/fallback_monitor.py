"""Read back the fallbacks of devices, and know their state.

A fallback is checked when its device is opened, again after the first order that carries a timer, and once a
day.  A fallback that was not as declared is checked again after some minutes.  A check never delays a write
by more than one exchange, and it alternates with reads that are due.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.clock import SiteClock
from quartier_drivers.abilities import ArmableDriver
from quartier_drivers.contract import ArmedFallback, Note

CHECK_PERIOD_S = 86_400.0
RECHECK_MIN_S, RECHECK_MAX_S = 300.0, 3600.0
# A device that comes and goes is not checked each time.
AFTER_OPENING_S = 60.0
# The timer of an order must show after the order has had its time to act.
AFTER_ORDER_S = 2.0
# A fault counts after a second check: a timer may show late, an answer may be an old one.
CONFIRMATION_S = 5.0
# A bus that is never idle still makes an overdue check.
OVERDUE_S = 30.0
_NEVER_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class FallbackCheck:
    """The result of checking one point, and when (UTC)."""

    armed: ArmedFallback
    utc_ms: int

    @property
    def is_as_declared(self) -> bool:
        """True if the fallback is as declared."""
        return not self.armed.problem


@dataclass(frozen=True, slots=True)
class FallbackProof:
    """The observed behaviour of a timer that was declared with ``after_s``; ``acts`` if it worked.

    ``words`` say what was seen, ``serial`` is that of the device.  ``seen_s`` is how long after the last
    write it acted; None if it did not while it was watched.
    """

    acts: bool
    after_s: float
    seen_s: float | None
    words: str
    utc_ms: int
    serial: str = ""

    def holds_for(self, after_s: float | None, serial: str) -> bool:
        """Return whether it applies to this timer and, as far as both serials are known, to this device."""
        same_device = not serial or not self.serial or serial == self.serial
        return same_device and after_s == self.after_s

    def facts(self) -> dict[str, Any]:
        """Return the fields, JSON-ready."""
        return asdict(self)


class KnownFallbacks:
    """The last check of each point of the site, and the proof of its timer if it was let run out.

    ``facts`` are those of an earlier run, of ``quartier arm`` or of ``quartier probe``.
    """

    def __init__(self, facts: Mapping[str, Any] | None = None) -> None:
        every = facts or {}
        self._looks = {
            str(point): _load_check(str(point), kept) for point, kept in every.items() if {*kept} != {"proof"}
        }
        self._proofs = {
            str(point): load_fallback_proof(kept["proof"]) for point, kept in every.items() if "proof" in kept
        }
        self.changes_count = 0
        """Grows with each check, so that the code that saves the facts sees a change."""

    def note(self, armed: ArmedFallback, utc_ms: int) -> bool:
        """Record a check; return whether it changed the verdict on the point."""
        before = self._looks.get(armed.point)
        look = self._looks[armed.point] = FallbackCheck(armed, utc_ms)
        self.changes_count += 1
        return look.is_as_declared != (before is None or before.is_as_declared)

    def prove(self, point: str, found: FallbackProof) -> None:
        """Record the proof of a point's timer."""
        self._proofs[point] = found
        self.changes_count += 1

    def drop_outdated_proof(self, point: str, after_s: float | None, serial: str) -> None:
        """Drop the proof of a point if it is of another device, or of a timer with another ``after_s``."""
        found = self._proofs.get(point)
        if found is not None and not found.holds_for(after_s, serial):
            del self._proofs[point]
            self.changes_count += 1

    def of(self, point: str) -> FallbackCheck | None:
        """Return the last check of a point; None if there was none."""
        return self._looks.get(point)

    def find_proof(self, point: str) -> FallbackProof | None:
        """Return the proof of its timer; None if nobody let it run out."""
        return self._proofs.get(point)

    def is_as_declared(self, point: str) -> bool | None:
        """Return whether its fallback is as declared and was not seen to fail; None if nothing is known."""
        look, proof = self.of(point), self.find_proof(point)
        if look is None and proof is None:
            return None
        return (look is None or look.is_as_declared) and (proof is None or proof.acts)

    def keep(self, points: Iterable[str]) -> None:
        """Forget all points except these."""
        kept = set(points)
        self._looks = {point: look for point, look in self._looks.items() if point in kept}
        self._proofs = {point: found for point, found in self._proofs.items() if point in kept}

    def facts(self) -> dict[str, Any]:
        """Return the facts to save over a restart, JSON-ready."""
        looks = {point: _dump_check(look) for point, look in self._looks.items()}
        for point, found in self._proofs.items():
            looks.setdefault(point, {})["proof"] = found.facts()
        return looks


def _dump_check(look: FallbackCheck) -> dict[str, Any]:
    return {
        "value": look.armed.value,
        "after_s": look.armed.after_s,
        "problem": look.armed.problem,
        "is_verified": look.armed.is_verified,
        "utc_ms": look.utc_ms,
    }


def _load_check(point: str, kept: Mapping[str, Any]) -> FallbackCheck:
    """Parse a check.  Raises KeyError, TypeError or ValueError if the facts are not a check."""
    value, after_s = (None if kept[key] is None else float(kept[key]) for key in ("value", "after_s"))
    armed = ArmedFallback(point, value, after_s, str(kept["problem"]), is_verified=bool(kept["is_verified"]))
    return FallbackCheck(armed, int(kept["utc_ms"]))


class BusHalted(Exception):  # noqa: N818 - a state
    """The bus must end: work other than reading and writing is abandoned."""


class FallbackMonitor:
    """Schedules and makes the checks of fallbacks on one bus."""

    def __init__(
        self,
        fallbacks: KnownFallbacks,
        devices: Iterable[DeviceHealth],
        clock: SiteClock,
        log: Any,
        tell: Callable[[Note], None],
    ) -> None:
        self._fallbacks = fallbacks
        self._clock = clock
        self._log = log
        self._tell = tell
        self._points = {
            health.name: [
                point for point, info in health.driver.points.items() if info.writable and info.fallback
            ]
            for health in devices
        }
        self._health = {point: health for health in devices for point in self._points[health.name]}
        self._due_ns: dict[str, int] = {}
        self._looked_ns: dict[str, int] = {}
        self._timed: set[str] = set()
        self._doubted: set[str] = set()
        self._fails: dict[str, int] = {}
        self._soonest_ns = _NEVER_NS

    def schedule_checks(self, health: DeviceHealth) -> None:
        """Schedule checks of a device that was just identified: it may be another one, or have restarted."""
        now_ns = self._clock.now_ns()
        serial = health.identity.get("serial", "")
        for point in self._points[health.name]:
            fallback = health.driver.points[point].fallback
            self._fallbacks.drop_outdated_proof(point, None if fallback is None else fallback.after_s, serial)
            self._timed.discard(point)
            looked_ns = self._looked_ns.get(point)
            rested_ns = now_ns if looked_ns is None else looked_ns + int(AFTER_OPENING_S * 1e9)
            # A device that closed the connection because of a check is not checked at once when it is back.
            patient_ns = self._due_ns.get(point, now_ns) if point in self._fails else now_ns
            self._plan(point, max(now_ns, rested_ns, patient_ns))

    def schedule_timer_check(self, point: str) -> None:
        """Schedule a check of the timer after the first write to a point since its device was identified."""
        health = self._health.get(point)
        if health is None or point in self._timed:
            return
        info = health.driver.points[point]
        if info.fallback is not None and info.fallback.register:
            self._timed.add(point)
            self._plan(point, self._clock.now_ns() + int((info.settle_s + AFTER_ORDER_S) * 1e9))

    def is_due(self, now_ns: int) -> bool:
        """Return whether a check is due in an idle moment."""
        return now_ns >= self._soonest_ns

    def is_overdue(self, now_ns: int) -> bool:
        """Return whether a check has waited so long that it must be made now."""
        return now_ns >= self._soonest_ns + OVERDUE_S * 1e9

    def next(self) -> tuple[DeviceHealth, str] | None:
        """Return the next due point whose device is reachable; if there is none, return None and pause."""
        now_ns = self._clock.now_ns()
        due = sorted((due_ns, point) for point, due_ns in self._due_ns.items() if due_ns <= now_ns)
        for _, point in due:
            if self._health[point].reachable:
                return self._health[point], point
        later = (due_ns for due_ns in self._due_ns.values() if due_ns > now_ns)
        soon_ns = now_ns + int(AFTER_ORDER_S * 1e9)
        self._soonest_ns = min(later, default=_NEVER_NS) if not due else min(soon_ns, *later, _NEVER_NS)
        return None

    async def look(self, health: DeviceHealth, point: str, between: Callable[[], Awaitable[None]]) -> None:
        """Read back the fallback of one point; report once when it is lost, and once when it is restored.

        Raises NoReply or LinkLost; it is checked again later.
        """
        # A device that closes the connection at each check is checked less and less often.
        fails_count = self._fails.get(point, 0)
        self._fails[point] = fails_count + 1
        again_s = min(RECHECK_MIN_S * 2**fails_count, RECHECK_MAX_S)
        self._plan(point, self._clock.now_ns() + int(again_s * 1e9))
        for armed in await _read_fallbacks(health, point, between):
            now_ns = self._clock.now_ns()
            self._looked_ns[point] = now_ns
            self._fails.pop(point, None)
            if not armed.problem:
                self._plan(point, now_ns + int(CHECK_PERIOD_S * 1e9))
            elif self._note_first_doubt(point):
                self._plan(point, now_ns + int(CONFIRMATION_S * 1e9))
                continue
            else:
                self._plan(point, now_ns + int(RECHECK_MIN_S * 1e9))
            self._doubted.discard(point)
            if self._fallbacks.note(armed, self._clock.utc_ms()):
                self._report(armed, health)

    def _note_first_doubt(self, point: str) -> bool:
        """Return whether this is the first fault of a point that was good or unknown, and note it."""
        look = self._fallbacks.of(point)
        is_first = (look is None or look.is_as_declared) and point not in self._doubted
        if is_first:
            self._doubted.add(point)
        return is_first

    def _plan(self, point: str, due_ns: int) -> None:
        self._due_ns[point] = due_ns
        self._soonest_ns = min(self._due_ns.values())

    def _report(self, armed: ArmedFallback, health: DeviceHealth) -> None:
        data = {"point": armed.point, "device": health.name}
        if armed.problem:
            self._log.warning("fallback.lost", **data, why=armed.problem)
            text = f"{armed.point}: its fallback is not as declared: {armed.problem}"
            self._tell(Note("fallback.lost", text, data))
        else:
            self._log.info("fallback.recovered", **data)
            text = f"{armed.point}: its fallback is as declared again"
            self._tell(Note("fallback.recovered", text, data, is_good=True))


async def _read_fallbacks(
    health: DeviceHealth, point: str, between: Callable[[], Awaitable[None]]
) -> Iterable[ArmedFallback]:
    driver = health.driver
    if isinstance(driver, ArmableDriver):
        return await driver.arm([point], writes=False, between=between)
    fallback = driver.points[point].fallback
    after_s = None if fallback is None else fallback.after_s
    value = None if fallback is None else fallback.value
    return [ArmedFallback(point, value, after_s, is_verified=False)]


def load_fallback_proof(kept: Mapping[str, Any]) -> FallbackProof:
    """Parse a proof.  Raises KeyError, TypeError or ValueError if the facts are not a proof."""
    seen_s = kept["seen_s"]
    return FallbackProof(
        acts=bool(kept["acts"]),
        after_s=float(kept["after_s"]),
        seen_s=None if seen_s is None else float(seen_s),
        words=str(kept["words"]),
        utc_ms=int(kept["utc_ms"]),
        serial=str(kept["serial"]),
    )
