"""The house's wall clock as the gateway sees it, and how it lies."""

from dataclasses import dataclass

from quartier_hil.happenings import ClockFault


@dataclass
class WallClock:
    """Right and trusted, until a fault."""

    offset_ms: int = 0
    synced: bool = True
    slow_s_per_h: float = 0.0
    since_ms: int = 0
    stands_at_ms: int | None = None

    def fault(self, event: ClockFault, true_ms: int) -> None:
        """From now on it lies so; ``well``: it is right again."""
        shown_ms, _ = self.shows(true_ms)
        self.synced = event.kind != "off"
        self.stands_at_ms = shown_ms if event.kind == "stuck" else None
        self.offset_ms = int(event.seconds * 1e3) if event.kind == "wrong" else 0
        self.slow_s_per_h = event.seconds if event.kind == "slow" else 0.0
        self.since_ms = true_ms

    def shows(self, true_ms: int) -> tuple[int, bool]:
        """What it shows at the true time, UTC milliseconds, and whether it is trusted."""
        if self.stands_at_ms is not None:
            return self.stands_at_ms, self.synced
        lost_ms = (true_ms - self.since_ms) / 3.6e6 * self.slow_s_per_h * 1e3
        return true_ms + self.offset_ms - int(lost_ms), self.synced
