"""Whether the district sees a session: its watermark echoes bdSeq in time (pure; sync.md section 4)."""

from quartier.district.effects import Note
from quartier.house.now import Now

_S = 1_000_000_000


class Echo:
    """Waits ``first_s`` for the echo of a session, and up to ``longest_s`` where it did not come before."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._wait_s = first_s
        self._due_ns: int | None = None

    def begin(self) -> None:
        """A new session, or an echo came: nothing is waited for, and the next wait is a short one."""
        self._due_ns = None
        self._wait_s = self._first_s

    def expect(self, now: Now) -> None:
        """Births went out: an echo is due, if none was before."""
        if self._due_ns is None:
            self._due_ns = now.ns + int(self._wait_s * _S)

    def missed(self, bdseq: int, now: Now) -> Note | None:
        """Say that the echo of ``bdseq`` is overdue, once; the next wait is twice as long."""
        if self._due_ns is None or now.ns < self._due_ns:
            return None
        note = Note(
            "district.no_echo",
            "no watermark echoed the bdSeq of this session: births go out again",
            {"bdseq": bdseq, "waited_s": self._wait_s},
            alarm=True,
        )
        self._wait_s = min(2 * self._wait_s, self._longest_s)
        self._due_ns = None
        return note
