"""Consecutive spans from a start: which one runs at an instant, and until when (pure)."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar


class _Timed(Protocol):
    @property
    def duration_s(self) -> float: ...


_Span = TypeVar("_Span", bound=_Timed)


def find_edges(start_utc_ms: int, spans: Sequence[_Span]) -> Iterator[tuple[int, int, _Span]]:
    """Yield each span with its start and end, in ms UTC; from sums, so that rounding does not add up."""
    begin_ms, elapsed_s = start_utc_ms, 0.0
    for span in spans:
        elapsed_s += span.duration_s
        end_ms = start_utc_ms + int(elapsed_s * 1000)
        yield begin_ms, end_ms, span
        begin_ms = end_ms


def find_running_span(
    start_utc_ms: int, exp_utc_ms: int, spans: Sequence[_Span], utc_ms: int, lost_ms: int | None = None
) -> tuple[_Span, int] | None:
    """Return the running span and its end, at the latest ``exp_utc_ms``; None outside all spans.

    ``lost_ms``: when the wall clock was last trusted, if it is not now. Then the span that ran at that
    instant goes on to its end, and none after it (spec/failsafe.md#clock).
    """
    if not start_utc_ms <= utc_ms < exp_utc_ms:
        return None
    begin_ms, elapsed_s = start_utc_ms, 0.0
    for span in spans:  # each cycle, for each asset: kept as plain as possible
        elapsed_s += span.duration_s
        end_ms = start_utc_ms + int(elapsed_s * 1000)
        if utc_ms < end_ms:
            known = lost_ms is None or begin_ms <= lost_ms
            return (span, min(end_ms, exp_utc_ms)) if known else None
        begin_ms = end_ms
    return None


def find_end_ms(start_utc_ms: int, exp_utc_ms: int, spans: Sequence[_Timed]) -> int:
    """Return when the last span ends, in ms UTC, at the latest the end of the document."""
    return min(exp_utc_ms, start_utc_ms + int(sum(span.duration_s for span in spans) * 1000))
