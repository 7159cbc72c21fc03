"""What an asset's own sense says for now: which mode it would like, and how far it may be moved."""

from dataclasses import dataclass

from quartier.control.reason import Reason
from quartier.house.assets import Tier


@dataclass(frozen=True, slots=True)
class Leaning:
    """Indices into the asset's modes, of which the first takes most: ``highest <= wanted <= lowest``.

    ``tier`` is its turn now: what nears its deadline, or the edge of its comfort, comes later; the step to
    the lowest mode stands in ``last_tier``, where that is another.  ``reason`` says why it is wanted: only
    what was wanted for ``after_s`` without a break is gone to.  ``claims``: what a cap holds asks for its
    place now, and others of an earlier turn give way.  ``given_back`` says why its own control must have it.
    """

    wanted: int
    highest: int
    lowest: int
    tier: Tier
    reason: Reason
    last_tier: Tier | None = None
    after_s: float = 0.0
    claims: bool = False
    given_back: Reason | None = None
