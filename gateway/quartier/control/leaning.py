"""What an asset's own sense says for now: which mode it would like, and how far it may be moved."""

from dataclasses import dataclass

from quartier.house.assets import Tier


@dataclass(frozen=True, slots=True)
class Leaning:
    """Indices into the asset's modes, of which the first takes most: ``highest <= wanted <= lowest``.

    ``tier`` is its turn now: what nears its deadline, or the edge of its comfort, comes later.  ``words``
    say why it is wanted.
    """

    wanted: int
    highest: int
    lowest: int
    tier: Tier
    words: str
