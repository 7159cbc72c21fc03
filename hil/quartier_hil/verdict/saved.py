"""What a plan saved: the same day was lived without one too (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict


@dataclass
class Saved:
    """The cost of the day with a plan, and without."""

    asked: asked.Saved

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Nothing to see: the end tells."""

    def verdict(self, ending: Ending) -> Verdict:
        """What is left in the battery counts at the price of the last moment."""
        promised = f"the plan saves {self.asked.low_eur:g} EUR or more, what is stored at the end counted"
        found = ending.saving
        if found is None:
            return Verdict("saved", promised, "nobody lived the day without a plan", holds=False)
        measured = (
            f"{found.planned_eur:.2f} EUR, {found.unplanned_eur:.2f} without a plan; "
            f"{found.stored_wh / 1e3:+.2f} kWh stored: saved {found.saved_eur:.2f} EUR"
        )
        return Verdict("saved", promised, measured, found.saved_eur >= self.asked.low_eur)
