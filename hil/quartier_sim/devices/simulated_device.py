"""Base of every simulated device: units, plant time, faults, values in, orders out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from quartier_sim.devices.device_faults import Fault, FaultKind, FaultyValues

if TYPE_CHECKING:
    from quartier_sim.modbus.unit import Unit

# Bytes of a device that answers noise: enough for a client to distinguish it from silence.
_NOISE_BYTES = 11


@dataclass(frozen=True, slots=True)
class Reply:
    """Result of one request: nothing (``pdu`` None), or ``pdu`` after ``wait_s`` real seconds.

    ``late``: other requests are served meanwhile.  ``noise``: the bytes go out without a valid frame
    around them.
    """

    pdu: bytes | None = None
    wait_s: float = 0.0
    late: bool = False
    noise: bool = False


SILENCE = Reply()


class Device(ABC):
    """Base of the simulated devices.  One object may answer as several units.

    The rig calls ``tick`` with plant seconds and ``publish`` with the plant's values, then reads
    ``orders``.  A write counts from the last ``tick``: no timer of a device runs longer than the
    real one's.  ``absent`` is the exception for a unit that its endpoint does not have (None:
    silence), used on TCP where this device is the endpoint's first.
    """

    absent: int | None = None

    def __init__(self, seed: int = 0) -> None:
        self.units: dict[int, Unit] = {}
        self.faults: dict[FaultKind, Fault] = {}
        self.now_s = 0.0
        self.writes_count = 0
        self.watchers: list[Callable[[], None]] = []
        self._since_s: dict[FaultKind, float] = {}
        self._shown = FaultyValues()
        self._random = Random(seed)  # noqa: S311 - noise that can be repeated, no secret
        self._requests_count = 0

    # -- the plant's side ------------------------------------------------------------------

    def publish(self, values: Mapping[str, float]) -> None:
        """Show the plant's values by quantity (``"power_w"``, ``"grid.power_w"``), in gateway units and sign.

        A missing quantity keeps its last value.  Unknown names raise KeyError.
        """
        stuck = self.faults.get("stuck")
        if stuck is None or not stuck.is_whole:
            self.show(self._shown.apply(self.faults, values, self.now_s))

    def orders(self) -> Mapping[str, float]:
        """Return the orders in force, in gateway units: the last ones, or the fallback once they expire."""
        return {}

    def effective_orders(self) -> Mapping[str, float]:
        """Return the orders that act on the plant: those in force, bent by a fault where there is one."""
        orders, bent = self.orders(), self.faults.get("bent")
        if bent is None:
            return orders
        return {
            point: value * bent.factor if bent.applies_to(point) else value for point, value in orders.items()
        }

    def tick(self, now_s: float) -> None:
        """Plant time goes on; timers of the device run out."""
        self.now_s = max(self.now_s, now_s)
        self.expire()

    def fault(self, kind: FaultKind, **args: Any) -> None:
        """Put a fault in force in addition to the others; see ``Fault`` for its arguments."""
        self.faults[kind] = Fault(kind, **args)
        self._since_s[kind] = self.now_s
        if kind == "off":
            self.forget()
        self._changed()

    def clear(self, kind: FaultKind | None = None) -> None:
        """End one fault, or all."""
        if kind is None:
            self.faults.clear()
        else:
            self.faults.pop(kind, None)
        self._changed()

    @property
    def off(self) -> bool:
        """Return whether it has no power."""
        return "off" in self.faults

    @property
    def away(self) -> bool:
        """True if it is absent from its wire: no power, or its cable is out."""
        return self.off or "unplugged" in self.faults

    @property
    def is_deaf(self) -> bool:
        """Return whether no request reaches it."""
        silent, loose = self.faults.get("silent"), self.faults.get("intermittent")
        apart = loose is not None and loose.is_contact_open(self.now_s - self._since_s["intermittent"])
        return self.away or apart or (silent is not None and not silent.acts)

    # -- what a device fills in ------------------------------------------------------------

    @abstractmethod
    def show(self, values: Mapping[str, float]) -> None:
        """Put values into registers."""

    def expire(self) -> None:  # noqa: B027 - a device without timers has none to run out
        """Let timers run out at ``now_s``."""

    def forget(self) -> None:  # noqa: B027 - a meter forgets nothing
        """Lose what a loss of power loses."""

    # -- the wire's side -------------------------------------------------------------------

    def answer(self, unit: int, pdu: bytes) -> Reply:
        """Return the result of one request to one of its units, faults included."""
        self._requests_count += 1
        silent = self.faults.get("silent")
        if self.is_deaf:
            return SILENCE
        answered = self.units[unit].answer(pdu)
        if pdu[0] in (5, 6, 15, 16, 22, 23) and not answered[0] & 0x80:
            self.writes_count += 1
        if silent is not None:
            return SILENCE
        if "garbage" in self.faults:
            return self._garbage(pdu[0])
        late, slow = self.faults.get("late"), self.faults.get("slow")
        if late is not None and self._requests_count % late.every == 0:
            return Reply(answered, late.seconds, late=True)
        return Reply(answered, slow.seconds if slow is not None else 0.0)

    def _garbage(self, function: int) -> Reply:
        """Return garbage in rotation: no frame, a valid frame with a broken body, one of another function."""
        body = self._random.randbytes(_NOISE_BYTES)
        turn = self._requests_count % 3
        if turn == 0:
            return Reply(body, noise=True)
        return Reply(bytes([function if turn == 1 else function ^ 0x18]) + body)

    def _changed(self) -> None:
        for watcher in self.watchers:
            watcher()
