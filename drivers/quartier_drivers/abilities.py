"""Optional abilities of drivers and lines beyond the contract; callers test for them with ``isinstance``."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from quartier_drivers.contract import ArmedFallback, Note, do_nothing
from quartier_drivers.readings import Readings

if TYPE_CHECKING:
    from quartier_drivers.transport.frame_recorder import FrameRecorder


@runtime_checkable
class SpeakingDriver(Protocol):
    """A driver whose device sends unasked: giving it a turn takes no bus time from other devices."""

    def on_data(self, wake: Callable[[], None]) -> None:
        """Register ``wake``, called when something arrived that moves ``due_ns`` forward."""
        ...


@runtime_checkable
class SubscribingDriver(Protocol):
    """A driver that is polled and whose device also reports changes by itself (a subscription)."""

    def on_notification(self, wake: Callable[[], None]) -> None:
        """Register ``wake``, called when a notification waits to be read."""
        ...

    @property
    def notification_ns(self) -> int | None:
        """Return when the waiting notification arrived (monotonic ns); None if nothing waits.

        If one waits, ``read`` makes no exchange.
        """
        ...


@runtime_checkable
class PausingDriver(Protocol):
    """A driver that needs many exchanges to identify its device; other devices may be served in between."""

    def on_pause(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Register ``turn``, awaited between two exchanges of ``open``; it may raise LinkLost."""
        ...


@runtime_checkable
class BatchingDriver(Protocol):
    """A driver that may make all due exchanges in one go; it returns their readings one by one."""

    def go_on(self, is_urgent: Callable[[], bool]) -> None:
        """Allow several exchanges per ``read`` as long as ``is_urgent`` returns False.

        Once it returns True, something else cannot wait.
        """
        ...

    def rest(self) -> Iterable[Readings]:
        """Return the other readings of the last go, one item per exchange; called before anything is written.

        Readings that are not taken here are returned by ``read``.  Raises NoReply or LinkLost in place of a
        failed exchange.
        """
        ...


class ClientRequests(Protocol):
    """Other clients whose requests go through our line, each only while no request of ours waits for it."""

    @property
    def again_s(self) -> float:
        """Return after how many seconds ``serve`` may be useful again without a call; mostly infinite."""
        ...

    async def serve(self, gap_ns: int | None) -> bool:
        """Make at most one request; ``gap_ns`` is the time until our next request is due (None: none is due).

        Return whether one was answered.  Raises LinkLost.
        """
        ...


@runtime_checkable
class NoteSource(Protocol):
    """A driver or a line that has notes for people."""

    def notes(self) -> Sequence[Note]:
        """Return the notes since the last call."""
        ...


@runtime_checkable
class PluggableLine(Protocol):
    """A line whose port may be unplugged and plugged in again."""

    def is_back(self) -> bool:
        """Return whether the port that was missing at the last ``open`` is there.

        Cheap, called each second.
        """
        ...


@runtime_checkable
class RecordableLine(Protocol):
    """A line that can record the traffic on its wire."""

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record the traffic to ``tape`` from now on; None stops recording."""
        ...


class IdentityKeeper(Protocol):
    """A record of a line that keeps the last identity exchange of each device."""

    @property
    def next_number(self) -> int:
        """Return the number of the next frame."""
        ...

    def keep_identity(self, device: str, since: int) -> None:
        """Keep the frames from number ``since`` on as the newest identity exchange of the device."""
        ...


@runtime_checkable
class ConcurrentLine(Protocol):
    """A line whose answers name their device: it may ask several devices at once, each for one thing.

    None of its drivers is a ``PausingDriver`` or an ``ArmableDriver``: those share a line by taking turns.
    """

    @property
    def concurrency(self) -> tuple[int, int]:
        """Return how many devices may be asked at once, and how many of those behind the same ``trunk``."""
        ...


@runtime_checkable
class TrunkedDriver(Protocol):
    """A driver whose device may be behind a bottleneck, and other devices of its line with it."""

    @property
    def trunk(self) -> str:
        """Return the id of the bottleneck, the same for all devices behind it; empty if there is none."""
        ...


@runtime_checkable
class RememberingDriver(Protocol):
    """A driver with state that must survive a restart."""

    def dump_state(self) -> Mapping[str, Any]:
        """Return the state to keep, JSON-ready; empty if there is none."""
        ...

    def recall(self, kept: Mapping[str, Any], away_s: float) -> None:
        """Restore the state that ``kept`` returned ``away_s`` seconds ago; ignore what cannot be used."""
        ...


@runtime_checkable
class ArmableDriver(Protocol):
    """A driver that can write the fallbacks of its device and read them back."""

    async def arm(
        self,
        points: Collection[str] = (),
        *,
        writes: bool,
        between: Callable[[], Awaitable[None]] = do_nothing,
    ) -> Sequence[ArmedFallback]:
        """Return the state in the device of the fallback of each of ``points`` (empty: all that have one).

        With ``writes`` the registers of the fallbacks are written first.  A timer that is written with each
        setpoint may be 0 while no setpoint is active: that is no problem.  ``between`` is awaited between two
        exchanges; ``write`` and ``read`` may be called in it.  Raises NoReply or LinkLost.
        """
        ...
