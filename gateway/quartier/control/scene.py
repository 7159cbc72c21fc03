"""One cycle's circumstances: all that its parts need to know and none of them changes."""

from dataclasses import dataclass, field

from quartier.control.duties import Duties
from quartier.control.failsafe import Stage
from quartier.control.limits import Force
from quartier.control.plausibility.judge import Judge
from quartier.control.state import State
from quartier.control.wishes import Wishes
from quartier.house.assets import House
from quartier.house.now import Now


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``grid_w`` is None unless current and believed.

    ``lost``: it is too old even to freeze upon, or it is implausible.
    ``running_s`` is since this process's first cycle.

    ``common`` is a moment that all buildings saw, after which restores are spread; ``duties`` are what the
    public grid's own events ask.
    """

    state: State
    wishes: Wishes
    force: Force
    grid_w: float | None
    grid_age_s: float
    lost: bool
    dt_s: float
    running_s: float
    now: Now
    common: bool
    duties: Duties = field(default_factory=Duties)

    @property
    def meter(self) -> Judge:
        """How far the grid meter is believed."""
        return self.state.meter

    @property
    def house(self) -> House:
        """The building."""
        return self.state.house

    @property
    def now_ns(self) -> int:
        """The instant, monotonic."""
        return self.now.ns

    @property
    def stage(self) -> Stage:
        """How careful to be."""
        return self.state.judgement.stage
