"""Wall clock of the site as the gateway sees it, with its faults (pure)."""

from dataclasses import dataclass
from random import Random

from quartier_hil.scenario.events import ClockFault
from quartier_sim.devices.device_faults import is_contact_open

# A clock without sense shows another moment after this time.
_GARBAGE_MS = 10_000


@dataclass
class WallClock:
    """Right and trusted, until a fault."""

    fault: ClockFault | None = None
    since_ms: int = 0
    stopped_at_ms: int = 0

    def set_clock_fault(self, fault: ClockFault, true_ms: int) -> None:
        """From now on it lies so; ``well``: it is right again."""
        self.stopped_at_ms, _ = self.shows(true_ms)
        self.fault, self.since_ms = fault, true_ms

    @property
    def stands(self) -> bool:
        """True if it stands still."""
        return self.fault is not None and self.fault.kind == "stuck"

    def shows(self, true_ms: int) -> tuple[int, bool]:
        """Return its time at the true time ``true_ms``, UTC milliseconds, and whether it is trusted."""
        if self.fault is None:
            return true_ms, True
        seconds, lasted_s = self.fault.seconds, (true_ms - self.since_ms) / 1e3
        apart = self.fault.kind == "intermittent" and is_contact_open(lasted_s, seconds)
        if self.stands:
            return self.stopped_at_ms, True
        return true_ms + int(self._off_s(true_ms) * 1e3), self.fault.kind != "off" and not apart

    def _off_s(self, true_ms: int) -> float:
        """Return by how much it is ahead, s."""
        assert self.fault is not None
        seconds = self.fault.seconds
        match self.fault.kind:
            case "wrong":
                return seconds
            case "slow":
                return -(true_ms - self.since_ms) / 3.6e6 * seconds
            case "delayed":
                return -seconds
            case "garbage":
                drawn = Random(true_ms // _GARBAGE_MS)  # noqa: S311 - moments that can be drawn again, no secret
                return drawn.uniform(-seconds, seconds)
            case _:
                return 0.0

    def word(self, true_ms: int) -> str:
        """Return the same for a daemon, in the form of the file that QUARTIER_CLOCK names."""
        shown_ms, synced = self.shows(true_ms)
        text = "yes" if synced else "no"
        if self.stands:
            return f"{text} 0 {shown_ms / 1e3:.3f}\n"
        return f"{text} {(shown_ms - true_ms) / 1e3:.3f}\n"
