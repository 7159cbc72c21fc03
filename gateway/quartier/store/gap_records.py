"""Describe gaps: what is missing from the history, from when to when, and why (pure)."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from quartier.site.samples import StreamPosition

GAP_EVENT_CODE = "store.gap"
GapReason = Literal["power-cut", "evicted", "damaged", "dropped", "removed"]


@dataclass(frozen=True, slots=True)
class GapRecord:
    """Samples ``first`` to ``last`` of one stream of one boot that are missing.

    ``last`` is 0 if nobody knows how many followed (a power cut); ``stream`` is then ``"*"`` and ``firsts``
    gives per stream the first sequence that may be missing.
    """

    why: GapReason
    stream: str
    boot: int
    first: int
    last: int
    from_utc_ms: int
    to_utc_ms: int
    firsts: tuple[tuple[str, int], ...] = ()

    @property
    def count(self) -> int:
        """The number of samples known to be missing."""
        return max(0, self.last - self.first + 1) if self.last else 0

    def data(self) -> dict[str, Any]:
        """Return the record, JSON-ready, as it is sent in the event ``store.gap``."""
        return asdict(self) | {"firsts": dict(self.firsts), "count": self.count}

    def text(self) -> str:
        """Return one line for people."""
        if not self.last and self.why == "removed":
            return f"what was committed up to boot {self.boot} is missing ({self.why})"
        if not self.last:
            return f"samples after the last commit of boot {self.boot} are missing ({self.why})"
        samples_are = ("sample", "is") if self.count == 1 else ("samples", "are")
        what = f"{self.count} {samples_are[0]} of {self.stream} {samples_are[1]} missing"
        return f"{what} ({self.why}; boot {self.boot}, from {self.first})"

    def part(self, first: int, last: int) -> "GapRecord":
        """Return the same record for a part of its samples."""
        return replace(self, first=first, last=last)


class KnownGaps:
    """Gap records that were reported: what they name need not be reported again."""

    def __init__(self, gaps: Iterable[GapRecord] = ()) -> None:
        self._spans: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self._ends: dict[int, list[dict[str, int]]] = {}
        for gap in gaps:
            self.add(gap)

    def add(self, gap: GapRecord) -> None:
        """Add one more record."""
        if gap.last:
            self._spans.setdefault((gap.stream, gap.boot), []).append((gap.first, gap.last))
        else:
            self._ends.setdefault(gap.boot, []).append(dict(gap.firsts))

    def subtract(self, gap: GapRecord) -> list[GapRecord]:
        """Return the parts of ``gap`` that no record names: none, the whole, or some."""
        if not gap.last:
            return [] if self._is_end_named(gap) else [gap]
        spans = self._spans.get((gap.stream, gap.boot), ())
        return [gap.part(first, last) for first, last in subtract_spans((gap.first, gap.last), spans)]

    def _is_end_named(self, gap: GapRecord) -> bool:
        """Return whether a record names at least all that ``gap`` states about the end of its boot."""
        firsts = dict(gap.firsts)
        return any(
            all(told.get(stream, 1) <= firsts.get(stream, 1) for stream in told.keys() | firsts.keys())
            for told in self._ends.get(gap.boot, ())
        )


def find_above(gap: GapRecord, mark: StreamPosition) -> GapRecord | None:
    """Return the part of ``gap``, whose end is known, above the mark; None if all of it is covered."""
    if (mark.boot, mark.seq) >= (gap.boot, gap.last):
        return None
    return gap.part(max(gap.first, mark.seq + 1), gap.last) if mark.boot == gap.boot else gap


def subtract_spans(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of the integers ``first`` to ``last`` that are in no other span."""
    left: list[tuple[int, int]] = []
    at, end = span
    for first, last in sorted(others):
        if first > end:
            break
        if last < at:
            continue
        if first > at:
            left.append((at, first - 1))
        at = max(at, last + 1)
    return [*left, (at, end)] if at <= end else left


def load_gap(data: dict[str, Any]) -> GapRecord:
    """Invert ``GapRecord.data``.  Raises KeyError or TypeError for anything else."""
    known = {key: data[key] for key in ("why", "stream", "boot", "first", "last", "from_utc_ms", "to_utc_ms")}
    return GapRecord(**known, firsts=tuple(data["firsts"].items()))


def render_event(text: str, data: dict[str, Any]) -> str:
    """Return the value of a sample of the stream ``event``: one JSON object with ``text`` and ``data``."""
    return json.dumps({"text": text, "data": data}, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
