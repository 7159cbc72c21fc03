"""One figure of the bench: ours, a peer's, their ratio and the floor it has to keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Better = Literal["less", "more"]
SHORT_SHARE = 0.7
"""A short form, made in a hurry on a busy machine, fails only beyond this share of a floor."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement.  ``name`` begins with its group: ``codec.exact``.

    ``ours`` and ``peer`` are in ``unit``.  ``ratio`` is compared with the floor: ours by the peer's, or
    ours alone where there is no ``peer``.  ``better``: the floor is the most ("less") or the least ("more")
    that ``ratio`` may be; without a ``floor`` the figure only informs.  ``skipped`` names what to install
    where nothing could be measured: such a figure never holds.
    """

    name: str
    what: str
    ours: float | None
    peer: float | None
    unit: str
    ratio: float | None
    floor: float | None
    better: Better = "less"
    skipped: str = ""
    peer_name: str = ""

    @property
    def group(self) -> str:
        """The group that ``ONLY=`` picks."""
        return self.name.partition(".")[0]

    def holds(self, share: float = 1.0) -> bool | None:
        """Return whether the ratio keeps ``share`` of its floor; None where nothing was judged."""
        if self.skipped or self.ratio is None or self.floor is None:
            return None
        if self.better == "less":
            return self.ratio <= self.floor / share
        return self.ratio >= self.floor * share


def against(
    name: str,
    what: str,
    ours: Sequence[float],
    peer: Sequence[float],
    unit: str,
    floor: float | None,
    better: Better = "less",
    *,
    peer_name: str = "",
) -> Figure:
    """A figure of interleaved rounds: medians of both sides, and the median of the rounds' ratios.

    The ratio is taken round by round, so that a machine whose speed drifts does not decide it.
    Raises ValueError without a round, or with rounds that do not pair.
    """
    ratios = [mine / theirs if theirs else float("inf") for mine, theirs in zip(ours, peer, strict=True)]
    return Figure(name, what, median(ours), median(peer), unit, median(ratios), floor, better, "", peer_name)


def alone(
    name: str, what: str, ours: Sequence[float], unit: str, floor: float | None, better: Better = "less"
) -> Figure:
    """A figure that no peer shares: the median of its rounds against the floor itself."""
    middle = median(ours)
    return Figure(name, what, middle, None, unit, middle, floor, better)


def skipped(
    name: str, what: str, why: str, floor: float | None, better: Better = "less", *, peer_name: str = ""
) -> Figure:
    """A figure that could not be measured; ``why`` names what to install."""
    return Figure(name, what, None, None, "", None, floor, better, why, peer_name)
