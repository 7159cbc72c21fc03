"""The alarms that the daemon raised, and whether one came when it had to (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict


@dataclass
class Raised:
    """Each alarm as (house seconds, words), once when it comes and again when it comes back."""

    found: list[tuple[float, str]] = field(default_factory=list)
    standing: frozenset[str] = frozenset()

    def look(self, now_s: float, words: Iterable[str]) -> None:
        """Take the alarms that stand now."""
        here = frozenset(words)
        self.found += [(now_s, one) for one in sorted(here - self.standing)]
        self.standing = here


@dataclass
class Alarmed:
    """Whether an alarm with some words came within a span."""

    asked: asked.Alarmed

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Nothing to see in the plant."""

    def verdict(self, ending: Ending) -> Verdict:
        """When it came first."""
        wanted = self.asked
        times = [at_s for at_s, words in ending.alarms if wanted.words in words]
        inside = [at_s for at_s in times if wanted.from_s <= at_s <= wanted.until_s]
        promised = f"an alarm with {wanted.words!r} from {wanted.from_s:g} s to {wanted.until_s:g} s"
        measured = f"came {len(inside)} times, first at {inside[0]:.0f} s" if inside else "never came"
        if times and times[0] < wanted.from_s:
            return Verdict("alarmed", promised, f"came too early, at {times[0]:.0f} s", holds=False)
        return Verdict("alarmed", promised, measured, bool(inside))
