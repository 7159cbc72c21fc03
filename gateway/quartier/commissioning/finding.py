"""A finding, and where its cure stands (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Where the cure stands: the profile line of a point (``asset``, ``command``, ``grid``) or the site file.

    ``key`` is ``sign`` or ``scale`` of the quantity, or a key of the asset's section of the site file.
    ``should``: for sign -1 (turn it), for scale what it is to be multiplied by, else the new value.
    """

    where: str
    quantity: str
    key: str
    should: float | str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so; ``is_fault``: until it is cured the asset is not steered as it should be."""

    code: str
    words: str
    is_fault: bool = True
    targets: Sequence[Target] = ()
