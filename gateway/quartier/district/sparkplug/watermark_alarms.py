"""Alarms about watermarks: births missed, none received, backlog grows, duplicate gateway (pure).

A takeover at the broker (0x8E) alone does not show which machine should go on. A watermark that names a boot
which none of our starts had does: the district stores what another machine sends under our name.
"""

from collections.abc import Callable, Mapping

from quartier.district.records import Note, SessionRules, has_reached
from quartier.district.wire_formats import Watermark, parse_watermark
from quartier.site.records import Now
from quartier.site.samples import StreamPosition

_S = 1_000_000_000


class BirthConfirmation:
    """Waits ``first_s`` for the echo of a session's bdSeq, and up to ``longest_s`` after missed echoes.

    Only a watermark with another bdSeq can show that births were lost. A district that still processes what
    was sent before them is late: while its watermark moves, the wait begins again.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._wait_s = first_s
        self._due_ns: int | None = None

    def begin(self) -> None:
        """Expect no echo, after a new session or an echo; the next wait is the short one."""
        self._due_ns = None
        self._wait_s = self._first_s

    def expect(self, now: Now) -> None:
        """Expect an echo of births that were sent, if none is expected yet."""
        if self._due_ns is None:
            self._due_ns = now.ns + int(self._wait_s * _S)

    def process_missing_echo(self, bdseq: int, now: Now, *, is_passed: bool, is_moved: bool) -> Note | None:
        """Process a watermark with another bdSeq: return an alarm if the births of ``bdseq`` were lost.

        ``is_passed``: it covers what was sent after the births; ``is_moved``: it covers more than the last.
        """
        if self._due_ns is None or now.ns < self._due_ns:
            return None
        if is_moved and not is_passed:
            self._due_ns = now.ns + int(self._wait_s * _S)
            return None
        text = "no watermark echoed the bdSeq of this session: births go out again"
        note = Note("district.no_echo", text, {"bdseq": bdseq, "waited_s": self._wait_s}, alarm=True)
        self._wait_s = min(2 * self._wait_s, self._longest_s)
        self._due_ns = None
        return note


class WatermarkSilence:
    """Reports once that no watermark came for ``limit_s``, and once that they come again."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since_ns: int | None = None
        self._is_reported = False

    def begin(self, now: Now) -> None:
        """Expect a watermark from now on, after births, if none was expected before."""
        if self._since_ns is None:
            self._since_ns = now.ns

    def end(self) -> None:
        """Expect no watermark: the connection is gone."""
        self._since_ns = None

    def process_watermark(self, now: Now) -> Note | None:
        """Process a watermark."""
        self._since_ns = now.ns
        was_told, self._is_reported = self._is_reported, False
        return Note("district.watermark_back", "the district sends watermarks again") if was_told else None

    def look(self, now: Now) -> Note | None:
        """Return the alarm if the limit has passed."""
        if self._is_reported or self._since_ns is None or now.ns - self._since_ns < self._limit_s * _S:
            return None
        self._is_reported = True
        text = f"no watermark for {self._limit_s:.0f} s: samples are kept until one confirms them"
        return Note("district.no_watermark", text, {"limit_s": self._limit_s}, alarm=True)


class BacklogGrowth:
    """Compares confirmed with recorded samples, each ``PERIOD_S`` of a live session.

    The alarm comes after ``PERIODS`` in a row in which the district confirmed less than half, or nothing of
    what is in flight.
    """

    PERIOD_S = 300.0
    PERIODS = 3

    def __init__(self) -> None:
        self._at_ns: int | None = None
        self._heads: dict[str, StreamPosition] = {}
        self._marks: dict[str, StreamPosition] = {}
        self._bad_count = 0
        self._is_reported = False

    def is_due(self, now: Now) -> bool:
        """Return whether ``look`` has something to do."""
        return self._at_ns is None or now.ns - self._at_ns >= self.PERIOD_S * _S

    def look(
        self,
        heads: Mapping[str, StreamPosition],
        marks: Mapping[str, StreamPosition],
        now: Now,
        *,
        flying: bool,
    ) -> Note | None:
        """Compare with the last call; ``flying`` says whether anything sent is unconfirmed."""
        before_ns, before = self._at_ns, (self._heads, self._marks)
        self._at_ns, self._heads, self._marks = now.ns, dict(heads), dict(marks)
        if before_ns is None or now.ns - before_ns > 2 * self.PERIOD_S * _S:  # the link was down
            return None
        recorded = _find_rise(before[0], heads)
        confirmed = _find_rise(before[1], marks)
        is_bad = confirmed < recorded / 2 or (flying and not confirmed)
        self._bad_count = self._bad_count + 1 if is_bad else 0
        if self._bad_count >= self.PERIODS:
            self._is_reported = True
            waiting = sorted(name for name, head in heads.items() if not has_reached(marks.get(name), head))
            minutes = self._bad_count * self.PERIOD_S / 60
            text = (
                f"for {minutes:.0f} min the district confirms less than is recorded: {recorded:.0f} samples"
                f" recorded and {confirmed:.0f} confirmed in the last {self.PERIOD_S:.0f} s"
            )
            return Note("district.backlog_grows", text, {"streams": waiting[:3]}, alarm=True)
        if self._is_reported and not self._bad_count:
            self._is_reported = False
            return Note("district.backlog_falls", "the district confirms what is recorded again")
        return None


def _find_rise(before: Mapping[str, StreamPosition], after: Mapping[str, StreamPosition]) -> float:
    """Return the samples by which the marks moved; a mark in another boot counts with its full number."""
    rise = 0.0
    for name, mark in after.items():
        start = before.get(name)
        if start is None or start.boot != mark.boot:
            rise += mark.seq
        else:
            rise += mark.seq - start.seq
    return rise


class WatermarkAlarms:
    """The three alarms of all sessions, one after the other."""

    def __init__(self, rules: SessionRules) -> None:
        self._is_on = rules.watermark
        self._echo = BirthConfirmation(rules.echo_s, rules.back_off_max_s)
        self._silence = WatermarkSilence(rules.silent_s)
        self._growth = BacklogGrowth()
        self._claims: Mapping[str, StreamPosition] = {}
        self._has_progress = False

    def process_opening(self) -> None:
        """Process a new connection."""
        self._echo.begin()

    def process_closing(self) -> None:
        """Process the end of the connection."""
        self._silence.end()

    def process_births(self, now: Now) -> None:
        """Process the sending of births."""
        if self._is_on:
            self._echo.expect(now)
            self._silence.begin(now)

    def process_watermark(self, found: Watermark, now: Now) -> list[Note]:
        """Process a watermark, whatever it says."""
        self._has_progress = any(
            not has_reached(self._claims.get(name), mark) for name, mark in found.streams.items()
        )
        self._claims = found.streams
        note = self._silence.process_watermark(now)
        return [] if note is None else [note]

    def note_confirmed(self) -> None:
        """Note that the last watermark had the bdSeq of this session."""
        self._echo.begin()

    def process_missing_echo(self, bdseq: int, now: Now, *, is_passed: bool) -> Note | None:
        """Process a watermark with another bdSeq: as ``BirthConfirmation.process_missing_echo``."""
        return self._echo.process_missing_echo(bdseq, now, is_passed=is_passed, is_moved=self._has_progress)

    def look(
        self,
        now: Now,
        heads: Callable[[], Mapping[str, StreamPosition]],
        marks: Mapping[str, StreamPosition],
        *,
        flying: bool,
    ) -> list[Note]:
        """Return the notes that are due.

        ``heads`` returns the newest sample of each stream that leaves the site.
        """
        if not self._is_on:
            return []
        notes = [self._silence.look(now)]
        if self._growth.is_due(now):
            known = heads()
            told = {name: mark for name, mark in marks.items() if name in known}
            notes.append(self._growth.look(known, told, now, flying=flying))
        return [note for note in notes if note is not None]


def find_superseded_note(watermark: bytes, is_stranger: Callable[[int], bool]) -> Note | None:
    """Return the alarm if the district stores samples of a boot that is not ours; else None."""
    found = parse_watermark(watermark)
    if found is None:
        return None
    boot = next((mark.boot for mark in found.streams.values() if is_stranger(mark.boot)), None)
    if boot is None:
        return None
    text = (
        f"another machine is this gateway now (boot {boot} is none of ours): the next try is in some minutes"
    )
    return Note("district.superseded", text, {"boot": boot}, alarm=True)
