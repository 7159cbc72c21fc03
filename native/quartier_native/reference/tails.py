"""The columns of what one commit adds to many chunks, laid end to end: the specification.

A part is a run of samples of one chunk: its columns of points, kinds, values and moments (times, and up to
which sample each holds), the sequence of the chunk's first sample, and from which sample to which
(exclusive).
"""

import struct
from array import array
from bisect import bisect_right
from collections.abc import Sequence

Part = tuple["array[int]", "array[int]", "array[float]", "array[int]", "array[int]", int, int, int]
"""Points (typecode ``I``), kinds (``B``), values (``d``), times (``q``), ends (``I``), first, start, stop."""

_BLOCK = struct.Struct("<QII")
_FIRST_MAX = 2**64


def gather(
    parts: Sequence[Part],
) -> tuple[bytes, "array[int]", "array[float]", "array[int]", "array[float]"]:
    """A block per part (first sequence, count, first point: 8, 4 and 4 bytes, lowest first), then columns.

    These are points (typecode ``q``), kinds (``d``), times (``q``) and values (``d``).  ValueError where a
    part has no sample or names one that is not there, or its columns are of other types.
    """
    blocks = []
    points, kinds, times, values = array("q"), array("d"), array("q"), array("d")
    for of_points, of_kinds, of_values, of_times, ends, first, start, stop in parts:
        columns = (of_points, of_kinds, of_values, of_times, ends)
        if [column.typecode for column in columns] != ["I", "B", "d", "q", "I"]:
            raise ValueError("columns of points, kinds, values, times and ends are needed")
        there = min(len(of_points), len(of_kinds), len(of_values), ends[-1] if ends else 0)
        if not 0 <= start < stop <= there or len(of_times) < len(ends):
            raise ValueError("samples that are not there")
        if not 0 <= first + start < _FIRST_MAX:
            raise ValueError("a sequence beyond 64 bits")
        blocks.append(_BLOCK.pack(first + start, stop - start, of_points[start]))
        points.extend(of_points[start:stop].tolist())
        kinds.extend(map(float, of_kinds[start:stop]))
        values.extend(of_values[start:stop])
        place, at = bisect_right(ends, start), start
        while at < stop:
            end = max(at, min(ends[place], stop))
            times.extend([of_times[place]] * (end - at))
            at, place = end, place + 1
    return b"".join(blocks), points, kinds, times, values
