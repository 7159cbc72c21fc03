"""What a point offers: whether it takes orders, forgets them, is given back, how often it is read (pure)."""

from collections.abc import Mapping
from math import inf

from quartier_drivers.contract import PointInfo


def writable(points: Mapping[str, PointInfo], point: str) -> bool:
    """Whether it takes orders."""
    return point in points and points[point].writable


def gives_back(points: Mapping[str, PointInfo], point: str) -> bool:
    """Whether leaving gives it back to its device's own control."""
    return point in points and points[point].on_release == "own"


def own_controls(points: Mapping[str, PointInfo]) -> dict[str, bool]:
    """The points that go back to their device's own control, and whether they show that they did.

    One that does not show it and whose memory each write wears is given back once: it is not among them.
    """
    given = {name: one for name, one in points.items() if one.writable and one.on_release == "own"}
    return {
        name: one.shows_own and one.read_back
        for name, one in given.items()
        if (one.shows_own and one.read_back) or not one.persistent
    }


def reads_back(points: Mapping[str, PointInfo], point: str) -> bool:
    """Whether what its device holds can be read; true where there is no such point."""
    return point not in points or points[point].read_back


def falls_back(points: Mapping[str, PointInfo], point: str) -> bool:
    """Whether its device forgets orders by itself; true where there is no such point."""
    return point not in points or points[point].fallback is not None


def lease_s(points: Mapping[str, PointInfo], point: str) -> float:
    """How long an order stands without being written again, in s; infinite without a timer."""
    fallback = points[point].fallback if point in points else None
    return (
        inf if fallback is None else min(fallback.after_s, 3 * (fallback.refresh_s or fallback.after_s / 3))
    )


def period_s(points: Mapping[str, PointInfo], point: str) -> float:
    """How often it is read, in s."""
    return points[point].period_s if point in points else 1.0


def measured_s(points: Mapping[str, PointInfo], point: str) -> float | None:
    """How often it is read, in s; None where there is no such point."""
    return points[point].period_s if point in points else None
