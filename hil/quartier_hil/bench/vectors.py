"""``allocate`` as a well-written numpy program would have it: the peer of the kernel."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Vectors:
    """A ladder of steps to walk down, one step an asset, in numpy's arrays.

    The walk is one running sum and one search; only around an indivisible step that would break the
    other cap is there a second look.  Raises ImportError without numpy.
    """

    def __init__(self, steps: list[tuple[int, float, bool]]) -> None:
        import numpy as np  # noqa: PLC0415 - the bench runs without it, this peer does not

        self._np = np
        self._asset = np.array([asset for asset, _, _ in steps], dtype=np.intp)
        self._target_w = np.array([target_w for _, target_w, _ in steps])
        self._divisible = np.array([divisible for _, _, divisible in steps])
        self._order = np.arange(len(steps))

    def wishes(self, want_w: "Sequence[float]") -> Any:
        """An array of numpy's."""
        return self._np.array(want_w)

    def allocate_in_place(
        self, setpoint_w: Any, base_w: float, import_max_w: float, export_max_w: float
    ) -> tuple[float, int, bool]:
        """Wishes in, setpoints out in the same array; total_w, how many steps acted, and met.

        ValueError where a number is not finite or beyond 1e12 W.
        """
        np = self._np
        if not np.abs(setpoint_w).max(initial=abs(base_w)) <= 1e12:
            raise ValueError("a number is not finite or beyond 1e12 W")
        total_w = base_w + setpoint_w.sum()
        low_w = -export_max_w
        count = 0
        if total_w > import_max_w:
            relief_w = setpoint_w[self._asset] - self._target_w
            np.maximum(relief_w, 0.0, out=relief_w)
            while True:
                after_w = total_w - np.cumsum(relief_w)
                crossing = int(np.searchsorted(-after_w, -import_max_w))
                if crossing == len(after_w):
                    count = crossing
                elif self._divisible[crossing]:
                    relief_w[crossing] -= import_max_w - after_w[crossing]
                    count = crossing + 1
                elif after_w[crossing] < low_w:
                    relief_w[crossing] = 0.0  # skipped: it would break the other cap
                    continue
                else:
                    count = crossing + 1
                break
            setpoint_w[self._asset[:count]] -= relief_w[:count]
            total_w -= relief_w[:count].sum()
        return float(total_w), count, bool(low_w - 1e-6 <= total_w <= import_max_w + 1e-6)
