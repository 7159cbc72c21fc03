"""Linear programs whose rows couple near ones alone, drawn at random; each has a solution and an optimum."""

import math
import random
from array import array
from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    starts: "array[int]"
    rows: "array[int]"
    numbers: "array[float]"
    right: "array[float]"
    bounds: "array[float]"

    def arrays(self) -> list:
        columns = len(self.starts) - 1
        copies = [
            array(each.typecode, each)
            for each in (self.starts, self.rows, self.numbers, self.right, self.bounds)
        ]
        return [*copies, array("d", bytes(8 * columns)), array("d", bytes(8 * len(self.right)))]


def drawn(seed: int, height: int = 10) -> Drawn:
    source = random.Random(seed)
    height = source.randint(1, height)
    starts, rows, numbers = array("i", [0]), array("i"), array("d")
    costs, upper, inside = array("d"), array("d"), []
    for _ in range(source.randint(height, 4 * height)):
        first = source.randrange(height)
        for row in sorted({first, min(height - 1, first + source.randint(0, 3))}):
            rows.append(row)
            numbers.append(source.choice((1.0, -1.0, 0.95, -1.05, source.uniform(-2, 2))))
        starts.append(len(rows))
        costs.append(source.choice((0.0, 0.1, 0.3, source.uniform(0.0, 5.0))))
        upper.append(source.choice((math.inf, 1.0, 10.0, source.uniform(0.1, 5.0))))
        inside.append(source.uniform(0.0, min(3.0, upper[-1])))
    right = array("d", bytes(8 * height))
    for column, value in enumerate(inside):  # this one keeps all rows
        for at in range(starts[column], starts[column + 1]):
            right[rows[at]] += numbers[at] * value
    return Drawn(starts, rows, numbers, right, costs + upper)
