"""The transformer's load over the last hours, as far as it is known (pure)."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from quartier_hil.district.fleet.member import Member, Standing
from quartier_hil.district.fleet.roster import Roster

SAMPLE_S = 15.0
KEPT_S = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: the sum of what was measured, and what of it was only assumed, in W."""

    at_ms: int
    load_w: float
    assumed_w: float


@dataclass
class Trace:
    """Samples each ``SAMPLE_S``, the oldest first."""

    samples: "deque[Sample]" = field(default_factory=lambda: deque(maxlen=int(KEPT_S / SAMPLE_S)))

    def see(self, members: Iterable[Member], roster: Roster, now_ms: int) -> None:
        """Record the present moment; a silent building counts at its share."""
        if self.samples and now_ms - self.samples[-1].at_ms < SAMPLE_S * 1e3:
            return
        load_w, assumed_w = roster.transformer.other_w, roster.transformer.other_w
        for member in members:
            power_w = member.power_w
            if power_w is None or member.standing(now_ms) not in {Standing.LIVE, Standing.OVER}:
                power_w = member.place.share_w("import")
                assumed_w += power_w
            load_w += power_w
        self.samples.append(Sample(now_ms, load_w, assumed_w))

    @property
    def last_w(self) -> float | None:
        """The newest load."""
        return self.samples[-1].load_w if self.samples else None
