"""What a driver or a line may be able to do beside the verbs of the contract; who needs it asks for it."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from quartier_drivers.contract import Armed, Note, Readings, at_once

if TYPE_CHECKING:
    from quartier_drivers.tape import Tape


@runtime_checkable
class Speaker(Protocol):
    """A driver whose device speaks unasked: nothing is lost on others by turning to it."""

    def on_word(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when something came that makes its turn come nearer."""
        ...


@runtime_checkable
class Telling(Protocol):
    """A driver that is asked, and whose device also tells of changes by itself (a subscription)."""

    def on_news(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called when something came that waits to be read."""
        ...

    @property
    def news_ns(self) -> int | None:
        """Return when it came; None: nothing waits.  Then ``read`` makes no exchange."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A driver whose device takes many exchanges to be known: others may have their turn in between."""

    def on_pause(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Have ``turn`` awaited between two exchanges of its opening; it may raise LinkLost."""
        ...


@runtime_checkable
class Brisk(Protocol):
    """A driver that makes what is due in one go where it may: what that brought is told in turn."""

    def go_on(self, is_urgent: Callable[[], bool]) -> None:
        """From now on it may, until ``is_urgent`` says that somebody else has something that cannot wait."""
        ...

    def rest(self) -> Iterable[Readings]:
        """Return what else the last go brought, one for each exchange, asked for before anything is written.

        What is not asked for is told by ``read``.  Raises NoReply or LinkLost in place of what failed.
        """
        ...


class Guests(Protocol):
    """Others whose requests go through our line, each while nothing of ours waits for it."""

    @property
    def again_s(self) -> float:
        """In how many seconds ``serve`` may be of use again, if nobody calls before; infinite mostly."""
        ...

    async def serve(self, gap_ns: int | None) -> bool:
        """Make one request at most, where nothing of ours is due for so long (None: at all).

        Returns whether one was answered.  Raises LinkLost.
        """
        ...


@runtime_checkable
class Noting(Protocol):
    """A driver, or a line, that has something to say to people."""

    def notes(self) -> Sequence[Note]:
        """Return what happened since the last call."""
        ...


@runtime_checkable
class Pluggable(Protocol):
    """A line whose port may be unplugged, and plugged in again."""

    def is_back(self) -> bool:
        """Whether the port that was absent when it was last opened is there; cheap, asked once a second."""
        ...


@runtime_checkable
class Recordable(Protocol):
    """A line that can say what stands on its wire."""

    def record(self, tape: "Tape | None") -> None:
        """From now on say it to ``tape``; None: to nobody."""
        ...


class KeepsIdentities(Protocol):
    """A record of a line that keeps the last identity exchange of each device."""

    @property
    def next_number(self) -> int:
        """Of the frame that comes next."""
        ...

    def keep_identity(self, device: str, since: int) -> None:
        """Keep the frames from the number ``since`` on as the device's newest identity exchange."""
        ...


@runtime_checkable
class Wide(Protocol):
    """A line whose answers say whose they are: its devices may be asked at the same time, each one thing.

    None of its drivers is ``Patient`` or ``Armable``: those share a line by taking turns.
    """

    @property
    def lanes(self) -> tuple[int, int]:
        """So many devices at once, at most, and so many of those that are behind the same (``Behind``)."""
        ...


@runtime_checkable
class Behind(Protocol):
    """A driver whose device may be behind something narrow, and others of its line with it."""

    @property
    def trunk(self) -> str:
        """Return what that is, the same for all behind it; empty: nothing."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A driver that must know after a restart what it knew before."""

    def kept(self) -> Mapping[str, Any]:
        """JSON-ready; empty where there is nothing."""
        ...

    def recall(self, kept: Mapping[str, Any], away_s: float) -> None:
        """Take what ``kept`` gave ``away_s`` seconds ago; what it cannot use is left."""
        ...


@runtime_checkable
class Armable(Protocol):
    """A driver that can write the fall-backs of its device, and read them back."""

    async def arm(
        self, points: Collection[str] = (), *, writes: bool, between: Callable[[], Awaitable[None]] = at_once
    ) -> Sequence[Armed]:
        """How the fall-back of each of ``points`` (none named: all that have one) stands in the device.

        With ``writes`` its registers are written first.  A timer that is written with each setpoint may stand
        at 0 while no setpoint does: no problem.  ``between`` is awaited between two exchanges; ``write`` and
        ``read`` may be called in it.  Raises NoReply or LinkLost.
        """
        ...
