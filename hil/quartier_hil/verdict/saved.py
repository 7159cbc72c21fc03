"""Check what a plan saved: the same day was simulated without one too (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict


class _AtTheEnd:
    """A check that has nothing to see before."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: the data come at the end."""


@dataclass
class Saved(_AtTheEnd):
    """Check of the cost of the day with a plan and without."""

    asked: asked.Saved

    def verdict(self, ending: Ending) -> Verdict:
        """Return the costs; energy left in battery and hot water counts at the price of the last moment."""
        promised = f"the plan saves {self.asked.low_eur:g} EUR or more, what is stored at the end counted"
        found = ending.saving
        if found is None:
            return Verdict("saved", promised, "", holds=False, unshown="nobody lived the day without a plan")
        paid = "; the largest imports {:.2f} and {:.2f} EUR".format(*found.tops_eur)
        tops = paid if any(found.tops_eur) else ""
        heat = f" and {found.heat_wh / 1e3:+.2f} kWh as heat" if found.heat_wh else ""
        measured = (
            f"{found.planned_eur:.2f} EUR, {found.unplanned_eur:.2f} without a plan{tops}; "
            f"{found.stored_wh / 1e3:+.2f} kWh{heat} stored: saved {found.saved_eur:.2f} EUR"
        )
        is_alike = (found.planned_eur, found.stored_wh) == (found.unplanned_eur, 0.0)
        unshown = "the day was the same without a plan" if is_alike and not self.asked.guard else ""
        return Verdict("saved", promised, measured, found.saved_eur >= self.asked.low_eur, unshown)


@dataclass
class Lowered(_AtTheEnd):
    """Check of the largest import of an hour with a plan and without."""

    asked: asked.Lowered

    def verdict(self, ending: Ending) -> Verdict:
        """Both are of whole hours."""
        promised = f"the largest import of an hour is {self.asked.by_w:g} W or more below that without a plan"
        found = ending.saving
        if found is None or found.top_w is None:
            return Verdict("peak-lowered", promised, "", holds=False, unshown="nobody looked at both days")
        top_w, other_w = found.top_w
        measured = f"{top_w:.0f} W, {other_w:.0f} without a plan: {other_w - top_w:.0f} lower"
        return Verdict("peak-lowered", promised, measured, other_w - top_w >= self.asked.by_w)
