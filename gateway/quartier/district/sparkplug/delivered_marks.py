"""Marks of what counts as delivered; they move only over what this session sent (pure).

Source: spec/sync.md#watermark and spec/sync.md#key-types. Invariant: a watermark never moves the mark of a
stream over a sample that the store holds and this session did not send. So no watermark, forged, replayed or
mistaken, can trim a sample that was never sent.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping

from quartier.district.records import EVENT_STREAM, Note, Outbox, has_reached
from quartier.site.samples import StreamPosition

# Number of streams named in a note; the rest is counted.
_NAMED_MAX = 3


class NumberRanges:
    """A set of whole numbers, stored as disjoint ranges in ascending order."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def add(self, first: int, last: int) -> None:
        """Add ``first`` to ``last``; adjacent ranges become one."""
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high], self._lasts[low:high] = [first], [last]

    def end(self, number: int) -> int | None:
        """Return the last number of the range that contains ``number``; None if none does."""
        place = bisect_right(self._firsts, number) - 1
        return self._lasts[place] if place >= 0 and self._lasts[place] >= number else None

    def overlaps(self, first: int, last: int) -> bool:
        """Return whether the set contains any of ``first`` to ``last``."""
        place = bisect_left(self._lasts, first)
        return place < len(self._lasts) and self._firsts[place] <= last


class DeliveredMarks:
    """The marks of all streams. Events use the control connection, and have a session of their own.

    ``is_stranger`` says whether a boot of which nothing was sent in this session belongs to another machine.
    """

    def __init__(
        self,
        marks: Mapping[str, StreamPosition] | None = None,
        is_stranger: Callable[[int], bool] = lambda _boot: True,
    ) -> None:
        self.marks: dict[str, StreamPosition] = dict(marks or {})
        self._is_foreign_boot = is_stranger
        self._sent: dict[str, dict[int, NumberRanges]] = {}
        self._sent_ever: dict[str, dict[int, NumberRanges]] = {}
        self._claims: dict[str, StreamPosition] = {}

    def start_data_session(self) -> None:
        """Start a session of the data connection: nothing was sent in it."""
        self._sent = {stream: sent for stream, sent in self._sent.items() if stream == EVENT_STREAM}

    def start_event_session(self) -> None:
        """Start a session of the control connection: no event was sent in it."""
        self._sent.pop(EVENT_STREAM, None)

    def note_sent_samples(self, stream: str, boot: int, first: int, count: int) -> None:
        """Note that samples ``first`` to ``first + count - 1`` were sent in this session."""
        for sent in (self._sent, self._sent_ever) if count > 0 else ():
            sent.setdefault(stream, {}).setdefault(boot, NumberRanges()).add(first, first + count - 1)

    def has_sent(self, stream: str, boot: int, first: int, last: int) -> bool:
        """Return whether any of these samples was sent, in this session or an earlier one."""
        ranges = self._sent_ever.get(stream, {}).get(boot)
        return ranges is not None and ranges.overlaps(first, last)

    @property
    def district_marks(self) -> Mapping[str, StreamPosition]:
        """Return up to where the district has each stream, also what the store does not hold any more."""
        claims = self._claims
        ahead = {
            stream: mark for stream, mark in self.marks.items() if has_reached(mark, claims.get(stream, mark))
        }
        return {**claims, **ahead}

    def confirm(self, stream: str, mark: StreamPosition) -> None:
        """Raise a mark ourselves, if the host sends no watermark; marks never go back."""
        if not has_reached(self.marks.get(stream), mark):
            self.marks[stream] = mark

    def watermark(self, claims: Mapping[str, StreamPosition], outbox: Outbox) -> list[Note]:
        """Move each mark as far as the district stored its stream and this session sent it.

        Return an alarm if the district claims samples that this gateway never numbered.
        """
        if not outbox.is_whole:  # what is hidden was not sent
            return []
        heads = outbox.heads()
        newest = max((head.boot for head in heads.values()), default=0)
        ahead: dict[str, StreamPosition] = {}
        self._claims.clear()
        for stream, claim in claims.items():
            head = heads.get(stream)
            if head is None:
                continue
            # A power cut may have erased samples of an older boot that were sent already.
            if not has_reached(head, claim) and claim.boot >= newest:
                ahead[stream] = claim
                continue
            if not self._is_foreign(stream, claim):
                self._claims[stream] = claim
            before = self.marks.get(stream)
            after = self._find_reached(stream, before, claim, outbox)
            if after is not None and after != before:
                self.marks[stream] = after
                self._forget(stream, after.boot)
        return [_make_ahead_note(ahead)] if ahead else []

    def _find_reached(
        self, stream: str, before: StreamPosition | None, claim: StreamPosition, outbox: Outbox
    ) -> StreamPosition | None:
        """Return how far towards ``claim`` everything that the store holds above ``before`` was sent.

        A claim for a boot of another machine says nothing about ours.
        """
        if has_reached(before, claim) or self._is_foreign(stream, claim):
            return before
        sent = self._sent.get(stream, {})
        place = before
        while True:
            if place is not None:
                place = self._find_end(sent, place.boot, place.seq + 1) or place
                if place.boot == claim.boot and place.seq >= claim.seq:
                    return claim
            oldest = outbox.run(stream, place, 1)
            if oldest is None or not has_reached(claim, StreamPosition(oldest.boot, oldest.first)):
                return place
            further = self._find_end(sent, oldest.boot, oldest.first)
            if further is None:
                return place
            place = further

    def _is_foreign(self, stream: str, claim: StreamPosition) -> bool:
        return claim.boot not in self._sent.get(stream, {}) and self._is_foreign_boot(claim.boot)

    @staticmethod
    def _find_end(sent: Mapping[int, NumberRanges], boot: int, seq: int) -> StreamPosition | None:
        ranges = sent.get(boot)
        end = None if ranges is None else ranges.end(seq)
        return None if end is None else StreamPosition(boot, end)

    def _forget(self, stream: str, boot: int) -> None:
        """Forget what was sent of boots before ``boot``, because it is covered."""
        for sent in (self._sent.get(stream, {}), self._sent_ever.get(stream, {})):
            for older in [number for number in sent if number < boot]:
                del sent[older]


def _make_ahead_note(marks: Mapping[str, StreamPosition]) -> Note:
    named = ", ".join(f"{name} {mark.boot}/{mark.seq}" for name, mark in sorted(marks.items())[:_NAMED_MAX])
    more = f" and {len(marks) - _NAMED_MAX} more" if len(marks) > _NAMED_MAX else ""
    text = f"a watermark covers samples that this gateway never numbered: {named}{more}"
    return Note("district.watermark_ahead", text, {"streams": sorted(marks)[:_NAMED_MAX]}, alarm=True)
