"""The inputs of one cycle: what its parts need to know and none of them changes."""

from dataclasses import dataclass, field

from quartier.control.events.effects import GridEffects
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check.judge import MeterCheck
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.site.records import Now
from quartier.site.site_layout import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleInputs:
    """``grid_w`` is None unless current and believed.

    ``lost``: it is too old even to freeze upon, or it is implausible.
    ``running_s`` is since this process's first cycle.

    ``common`` is a moment that all buildings saw, after which restores are spread; ``duties`` are what the
    public grid's own events ask.
    """

    state: ControlState
    wishes: Requests
    force: ActiveLimits
    grid_w: float | None
    grid_age_s: float
    lost: bool
    dt_s: float
    running_s: float
    now: Now
    common: bool
    duties: GridEffects = field(default_factory=GridEffects)

    @property
    def meter(self) -> MeterCheck:
        """Return how far the grid meter is believed."""
        return self.state.meter

    @property
    def house(self) -> Site:
        """The building."""
        return self.state.house

    @property
    def now_ns(self) -> int:
        """The instant, monotonic."""
        return self.now.ns

    @property
    def stage(self) -> ControlStage:
        """Return how careful to be."""
        return self.state.judgement.stage
