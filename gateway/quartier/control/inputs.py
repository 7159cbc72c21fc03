"""The inputs of one cycle: what all its parts need to know and none of them changes."""

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
    """The inputs of one cycle.

    ``grid_w`` is None unless the grid meter is current and not implausible. ``is_meter_lost``: the reading is
    too old even for FREEZE, or implausible. ``running_s`` is the time since the first cycle of this process.

    ``common``: all buildings saw this change, so restores are spread. ``grid_effects`` are the effects of
    grid events and shed commands.
    """

    state: ControlState
    requests: Requests
    active_limits: ActiveLimits
    grid_w: float | None
    grid_age_s: float
    is_meter_lost: bool
    dt_s: float
    running_s: float
    now: Now
    common: bool
    grid_effects: GridEffects = field(default_factory=GridEffects)

    @property
    def meter(self) -> MeterCheck:
        """The result of the checks of the grid meter."""
        return self.state.meter

    @property
    def site(self) -> Site:
        """The site."""
        return self.state.site

    @property
    def now_ns(self) -> int:
        """The monotonic time of this cycle."""
        return self.now.ns

    @property
    def stage(self) -> ControlStage:
        """The control stage."""
        return self.state.judgement.stage
