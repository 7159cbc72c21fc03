"""Solves a linear program whose rows couple only with near rows, by an interior-point method.

This is the specification; the compiled kernel gives the same bits.
"""

import math
import operator
from array import array
from typing import NamedTuple

ROUNDS_MAX = 60
"""Steps of the method at most; 15 to 30 are usual."""
ROWS_MAX = 100_000
COLUMNS_MAX = 400_000
BAND_MAX = 300
NUMBER_MAX = 1e12
NEAR = 1e-9
"""Relative, of both residuals and of the gap: where it ends."""
_STEP = 0.9995
_TINY = 1e-15
_HUGE = 1e128
_FAR = 1e100
"""No direction that leads anywhere is longer."""


class Solved(NamedTuple):
    """The result of the method: its number of rounds and its residuals."""

    rounds: int
    primal: float
    """The largest residual of a row, relative to the largest right-hand side."""
    dual: float
    """The largest residual of a reduced cost, relative to the largest cost."""
    gap: float
    """Primal less dual objective, relative to them."""


def solve_interior(
    starts: "array[int]",
    rows: "array[int]",
    numbers: "array[float]",
    right: "array[float]",
    bounds: "array[float]",
    found: "array[float]",
    prices: "array[float]",
) -> Solved:
    """Minimise c·x subject to A·x = ``right`` and 0 <= x <= u.

    A has its columns one after the other: column k has the entries ``starts[k]`` to ``starts[k + 1]`` of
    ``rows`` (rising) and ``numbers``.  ``bounds`` has c, then u (may be infinite), ``found`` gets x,
    ``prices`` the price of each row.  The band of A·A' is at most BAND_MAX.

    The method is Mehrotra's predictor and corrector (*SIAM J. Optimization* 2 (1992) 575..601) on the
    normal equations A·Θ·A'·dy = r, by a banded Cholesky factor.  A row whose pivot vanishes is left as it
    is, as is usual.  At most ROUNDS_MAX rounds of rows·band² operations: bounded by construction, and what it
    has then is told with its residuals.  It ends before where a direction goes out of all range, as numbers
    of very different sizes can make it: what is written is finite in any case.

    Raises TypeError for other arrays than of doubles and of ints, ValueError for what does not fit.
    """
    return _Method(starts, rows, numbers, right, bounds, found, prices).run(found, prices)


class _Method:
    def __init__(
        self,
        starts: "array[int]",
        rows: "array[int]",
        numbers: "array[float]",
        right: "array[float]",
        bounds: "array[float]",
        found: "array[float]",
        prices: "array[float]",
    ) -> None:
        self.starts, self.rows, self.numbers, self.right = starts, rows, numbers, right
        self.columns, self.height = _check_columns(starts, rows, numbers, right, bounds, found, prices)
        self.cost = bounds[: self.columns]
        self.upper = bounds[self.columns :]
        self.bounded = [not math.isinf(upper) for upper in self.upper]
        self.width = _band(starts, rows) + 1
        count = self.columns
        self.x = [
            0.5 * min(upper, 2.0) if b else 1.0 for upper, b in zip(self.upper, self.bounded, strict=True)
        ]
        self.s = [
            upper - x if b else 1.0 for upper, x, b in zip(self.upper, self.x, self.bounded, strict=True)
        ]
        self.z = [1.0] * count
        self.w = [1.0 if b else 0.0 for b in self.bounded]
        self.y = [0.0] * self.height
        self.pairs = count + sum(self.bounded)
        self.right_scale = max(1.0, *(abs(number) for number in right), 1.0)
        self.cost_scale = max(1.0, *(abs(number) for number in self.cost), 1.0)
        self.theta = [0.0] * count
        self.factor = [0.0] * (self.height * self.width)

    def run(self, found: "array[float]", prices: "array[float]") -> Solved:
        rounds = 0
        while True:
            rp, rd, ru = self._residuals()
            primal, dual, gap, mu = self._find_residuals(rp, rd)
            if rounds == ROUNDS_MAX or (primal <= NEAR and dual <= NEAR and gap <= NEAR):
                break
            if not mu > 0.0 or not self._round(rp, rd, ru, mu):
                break
            rounds += 1
        for k in range(self.columns):
            found[k] = self.x[k]
        for r in range(self.height):
            prices[r] = self.y[r]
        return Solved(rounds, primal, dual, gap)

    def _find_residuals(self, rp: list[float], rd: list[float]) -> tuple[float, float, float, float]:
        """Both residuals, the gap, and the mean product of an unknown and its reduced cost."""
        primal = dual = 0.0
        for number in rp:
            primal = max(primal, abs(number))
        for number in rd:
            dual = max(dual, abs(number))
        primal, dual = primal / self.right_scale, dual / self.cost_scale
        mu, up, down = 0.0, 0.0, 0.0
        for k in range(self.columns):
            mu += self.x[k] * self.z[k]
            up += self.cost[k] * self.x[k]
            if self.bounded[k]:
                mu += self.s[k] * self.w[k]
                down -= self.upper[k] * self.w[k]
        for r in range(self.height):
            down += self.right[r] * self.y[r]
        return primal, dual, abs(up - down) / (1.0 + abs(up)), mu / self.pairs

    def _round(self, rp: list[float], rd: list[float], ru: list[float], mu: float) -> bool:
        """Return whether there was a way on; where numbers went out of all range nothing is changed."""
        self._factorise()
        rxz = [0.0 - x * z for x, z in zip(self.x, self.z, strict=True)]
        rsw = [0.0 - s * w for s, w in zip(self.s, self.w, strict=True)]
        dx, ds, dy, dz, dw = self._direction(rp, rd, ru, rxz, rsw)
        far, deep = self._steps(dx, ds, dz, dw)
        after = 0.0
        for k in range(self.columns):
            after += (self.x[k] + far * dx[k]) * (self.z[k] + deep * dz[k])
            if self.bounded[k]:
                after += (self.s[k] + far * ds[k]) * (self.w[k] + deep * dw[k])
        share = after / self.pairs / mu
        centre = share * share * share * mu
        for k in range(self.columns):
            rxz[k] += centre - dx[k] * dz[k]
            if self.bounded[k]:
                rsw[k] += centre - ds[k] * dw[k]
        dx, ds, dy, dz, dw = self._direction(rp, rd, ru, rxz, rsw)
        if not all(abs(number) <= _FAR for numbers in (dx, ds, dy, dz, dw) for number in numbers):
            return False
        far, deep = self._steps(dx, ds, dz, dw)
        far, deep = min(1.0, _STEP * far), min(1.0, _STEP * deep)
        for k in range(self.columns):
            self.x[k] += far * dx[k]
            self.z[k] += deep * dz[k]
            if self.bounded[k]:
                self.s[k] += far * ds[k]
                self.w[k] += deep * dw[k]
        for r in range(self.height):
            self.y[r] += deep * dy[r]
        return True

    def _residuals(self) -> tuple[list[float], list[float], list[float]]:
        rp = list(self.right)
        rd, ru = [0.0] * self.columns, [0.0] * self.columns
        for k in range(self.columns):
            total = self.cost[k]
            for at in range(self.starts[k], self.starts[k + 1]):
                rp[self.rows[at]] -= self.numbers[at] * self.x[k]
                total -= self.numbers[at] * self.y[self.rows[at]]
            rd[k] = total - self.z[k] + self.w[k]
            if self.bounded[k]:
                ru[k] = self.upper[k] - self.x[k] - self.s[k]
        return rp, rd, ru

    def _factorise(self) -> None:
        width, factor = self.width, self.factor
        for at in range(self.height * width):
            factor[at] = 0.0
        for k in range(self.columns):
            weight = self.z[k] / self.x[k]
            if self.bounded[k]:
                weight += self.w[k] / self.s[k]
            self.theta[k] = 1.0 / weight
            for at in range(self.starts[k], self.starts[k + 1]):
                part = self.numbers[at] * self.theta[k]
                row = self.rows[at]
                for other in range(self.starts[k], at + 1):
                    # Row r has its band from column r - width + 1 to r.
                    factor[row * width + self.rows[other] - row + width - 1] += part * self.numbers[other]
        for row in range(self.height):
            first = max(0, row - width + 1)
            base = row * width - row + width - 1
            for column in range(first, row):
                other = column * width - column + width - 1
                total = factor[base + column]
                for at in range(max(first, column - width + 1), column):
                    total -= factor[base + at] * factor[other + at]
                factor[base + column] = total / factor[other + column]
            total = whole = factor[base + row]
            for at in range(first, row):
                total -= factor[base + at] * factor[base + at]
            factor[base + row] = math.sqrt(total) if total > _TINY * whole else _HUGE

    def _substitute(self, values: list[float]) -> None:
        width, factor = self.width, self.factor
        for row in range(self.height):
            base = row * width - row + width - 1
            total = values[row]
            for at in range(max(0, row - width + 1), row):
                total -= factor[base + at] * values[at]
            values[row] = total / factor[base + row]
        for row in range(self.height - 1, -1, -1):
            base = row * width - row + width - 1
            values[row] /= factor[base + row]
            for at in range(max(0, row - width + 1), row):
                values[at] -= factor[base + at] * values[row]

    def _direction(
        self, rp: list[float], rd: list[float], ru: list[float], rxz: list[float], rsw: list[float]
    ) -> tuple[list[float], list[float], list[float], list[float], list[float]]:
        count = self.columns
        dy = list(rp)
        pull = [0.0] * count
        for k in range(count):
            pull[k] = rd[k] - rxz[k] / self.x[k]
            if self.bounded[k]:
                pull[k] += (rsw[k] - self.w[k] * ru[k]) / self.s[k]
            part = self.theta[k] * pull[k]
            for at in range(self.starts[k], self.starts[k + 1]):
                dy[self.rows[at]] += self.numbers[at] * part
        self._substitute(dy)
        dx, ds, dz, dw = [0.0] * count, [0.0] * count, [0.0] * count, [0.0] * count
        for k in range(count):
            total = 0.0 - pull[k]
            for at in range(self.starts[k], self.starts[k + 1]):
                total += self.numbers[at] * dy[self.rows[at]]
            dx[k] = self.theta[k] * total
            dz[k] = (rxz[k] - self.z[k] * dx[k]) / self.x[k]
            if self.bounded[k]:
                ds[k] = ru[k] - dx[k]
                dw[k] = (rsw[k] - self.w[k] * ds[k]) / self.s[k]
        return dx, ds, dy, dz, dw

    def _steps(
        self, dx: list[float], ds: list[float], dz: list[float], dw: list[float]
    ) -> tuple[float, float]:
        """Return how far one may go in both spaces until something is zero; at most 1 / _STEP."""
        far = deep = 1.0 / _STEP
        for k in range(self.columns):
            if dx[k] < 0.0:
                far = min(far, 0.0 - self.x[k] / dx[k])
            if dz[k] < 0.0:
                deep = min(deep, 0.0 - self.z[k] / dz[k])
            if self.bounded[k]:
                if ds[k] < 0.0:
                    far = min(far, 0.0 - self.s[k] / ds[k])
                if dw[k] < 0.0:
                    deep = min(deep, 0.0 - self.w[k] / dw[k])
        return far, deep


def _band(starts: "array[int]", rows: "array[int]") -> int:
    band = 0
    for k in range(len(starts) - 1):
        if starts[k] < starts[k + 1]:
            band = max(band, rows[starts[k + 1] - 1] - rows[starts[k]])
    return band


def _check_columns(
    starts: "array[int]",
    rows: "array[int]",
    numbers: "array[float]",
    right: "array[float]",
    bounds: "array[float]",
    found: "array[float]",
    prices: "array[float]",
) -> tuple[int, int]:
    for array_of, code in (
        *((each, "i") for each in (starts, rows)),
        *((each, "d") for each in (numbers, right, bounds, found, prices)),
    ):
        if not isinstance(array_of, array) or array_of.typecode != code:
            raise TypeError("two arrays of ints and five of doubles are needed")
    columns, height = len(starts) - 1, len(right)
    if not (0 < columns <= COLUMNS_MAX and 0 < height <= ROWS_MAX):
        raise ValueError("too few or too many rows or columns")
    lengths = (len(numbers), len(bounds), len(found), len(prices))
    if lengths != (len(rows), 2 * columns, columns, height):
        raise ValueError("the arrays do not fit each other")
    _check_starts(starts, len(rows))
    _check_numbers(numbers, right, bounds)
    _check_rows(starts, rows, height)
    if _band(starts, rows) > BAND_MAX:
        raise ValueError(f"rows couple farther than {BAND_MAX}")
    return columns, height


def _check_starts(starts: "array[int]", entries: int) -> None:
    if starts[0] != 0 or starts[-1] != entries or any(map(operator.gt, starts, starts[1:])):
        raise ValueError("the columns do not fit their entries")


def _check_numbers(numbers: "array[float]", right: "array[float]", bounds: "array[float]") -> None:
    columns = len(bounds) // 2
    if not all(abs(cost) <= NUMBER_MAX for cost in bounds[:columns]):
        raise ValueError("a number is out of its range")
    if not all(upper > 0.0 for upper in bounds[columns:]):
        raise ValueError("a number is out of its range")
    if not all(abs(number) <= NUMBER_MAX for number in (*numbers, *right)):
        raise ValueError("a number is out of its range")


def _check_rows(starts: "array[int]", rows: "array[int]", height: int) -> None:
    firsts = set(starts)
    for at, row in enumerate(rows):
        if not 0 <= row < height or (at not in firsts and row <= rows[at - 1]):
            raise ValueError("the rows of a column do not rise, or there are none such")
