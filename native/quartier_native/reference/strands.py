"""Samples of many points parted into one strand per point, and joined again: the specification.

In what order the strands take turns is told by steps: how many strands lie between a sample's and the one
before it, counted on and around.  Points that come in turn are then a row of zeros, which packs to nothing.
"""

from array import array
from collections.abc import Sequence

STRANDS_MAX = 65_536

Strand = tuple["array[int]", "array[float]"]  # times and values of one point


def part_strands(
    points: "array[int]", times: "array[int]", values: "array[float]"
) -> tuple["array[int]", bytes, list[Strand]]:
    """The points in the order of their first sample, the steps, and each point's own samples in sequence.

    Takes columns of typecodes ``I``, ``q`` and ``d``, gives points as ``I``.  A step is one byte, or two (low
    one first) where there are more than 256 points.  ValueError where the columns are others or differ in
    length, or there are more than ``STRANDS_MAX`` points.
    """
    if (points.typecode, times.typecode, values.typecode) != ("I", "q", "d"):
        raise ValueError("columns of points, times and values are needed")
    if not len(points) == len(times) == len(values):
        raise ValueError("as many points as times and values are needed")
    places: dict[int, int] = {}
    which = [places.setdefault(point, len(places)) for point in points]
    count = len(places)
    if count > STRANDS_MAX:
        raise ValueError(f"more than {STRANDS_MAX} points")
    strands: list[Strand] = [(array("q"), array("d")) for _ in places]
    steps = array("B" if count <= 256 else "H")
    before = count - 1
    for place, time, value in zip(which, times, values, strict=True):
        strands[place][0].append(time)
        strands[place][1].append(value)
        steps.append((place - before - 1) % count)
        before = place
    return array("I", places), steps.tobytes(), strands


def join_strands(
    steps: bytes, strands: Sequence[Strand]
) -> tuple["array[int]", "array[int]", "array[float]"]:
    """The inverse: for each sample the place of its strand (typecode ``I``), its time and its value.

    ValueError where the steps are not of these strands: one is too short or too long, or a step too wide.
    """
    count = len(strands)
    if count > STRANDS_MAX:
        raise ValueError(f"more than {STRANDS_MAX} points")
    if any((times.typecode, values.typecode) != ("q", "d") for times, values in strands):
        raise ValueError("strands of times and values are needed")
    if any(len(times) != len(values) for times, values in strands):
        raise ValueError("as many times as values are needed")
    if count > 256 and len(steps) % 2:
        raise ValueError("half a step")
    which, times, values = array("I"), array("q"), array("d")
    ends = [0] * count
    place = count - 1
    for step in steps if count <= 256 else array("H", steps):
        if step >= count:
            raise ValueError("a step is too wide")
        place = (place + step + 1) % count
        at = ends[place]
        if at == len(strands[place][0]):
            raise ValueError("a strand is too short")
        which.append(place)
        times.append(strands[place][0][at])
        values.append(strands[place][1][at])
        ends[place] = at + 1
    if any(end != len(strand[0]) for end, strand in zip(ends, strands, strict=True)):
        raise ValueError("a strand is too long")
    return which, times, values
