"""A simulated meter with a line of its own: it sends by itself or is polled, and can have faults."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from quartier_hil.devices.ailing import Ailing
from quartier_hil.devices.fault import Kind
from quartier_hil.devices.meters.iec62056.optical import Optical
from quartier_hil.devices.meters.mbus.line import Line
from quartier_hil.devices.meters.port import Hear, Port
from quartier_hil.devices.meters.push import Push
from quartier_hil.metering import GARBAGE, MBUS_BAUD

PERIODS_S: Mapping[str, float] = {"p1": 1.0, "sml": 1.0, "dlms": 2.5, "tic": 0.0}
"""From the start of a telegram to the next; 0: without a pause."""
REFUSED: Mapping[str, str] = {
    "bent": "a meter takes no orders",
    "late": "what a meter says bears no id of a request",
    "unplugged": "its cable is pulled out with `pull BUS`",
}
"""Ways of failing that no meter has, and why."""


class Meter:
    """One meter; ``body`` is what it says, its wire how it comes to say it."""

    def __init__(self, body: Any) -> None:
        self.body = body
        self.ailing = Ailing()
        self._wire: Push | Line | Optical | None = None
        self._hear: Hear | None = None
        self._now_s = 0.0

    def attach(self, wire: Push | Line | Optical) -> None:
        """It is on that wire from now on."""
        self._wire = wire
        self._hear = wire.port.hear

    def publish(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Show the plant's values."""
        self._now_s = now.timestamp()
        self._act()
        told = self.ailing.told(values, self._now_s)
        if told is not None:
            self.body.tell(told, now)

    def fault(self, kind: Kind, **args: Any) -> None:
        """Make it misbehave.  Raises ValueError for a way of failing that it has not."""
        why = REFUSED.get(kind, "")
        if kind == "slow" and not isinstance(self._wire, Line):
            why = "it speaks by itself, nobody waits for an answer"
        if why:
            raise ValueError(f"it cannot be {kind}: {why}")
        # Who is not heard has no power, as far as anybody can tell.
        self.ailing.fault("off" if kind == "silent" else kind, self._now_s, **args)
        self._act()

    def clear(self) -> None:
        """End all faults."""
        self.ailing.clear()
        self._act()

    def _act(self) -> None:
        mute = self.ailing.is_mute(self._now_s)
        noise = GARBAGE if "garbage" in self.ailing.faults else None
        match self._wire:
            case Push():
                self._wire.silent, self._wire.noise = mute, noise
            case Line():
                self.body.off, self._wire.noise = mute, noise
                self.body.wait_s = self.ailing.seconds("slow")
            case Optical():
                assert self._hear is not None
                self._wire.port.hear = _deaf if mute else self._hear
                self._wire.bad_checks_count = 1 if noise else 0
            case None:
                pass


def _deaf(_: bytes) -> None:
    """It hears nothing."""


def wire(kind: str, meters: Sequence[Meter], port: Port, *, rate: float, seed: int, baud: int | None) -> Any:
    """The meters of a bus of this kind on a port: to be entered as a context."""
    found: Push | Line | Optical
    if kind == "mbus":
        found = Line([meter.body for meter in meters], port, baud=baud or MBUS_BAUD, seed=seed)
    elif kind == "iec62056":
        found = Optical(meters[0].body.sets, port, shows_parity=True)
    else:
        found = Push(meters[0].body, port, period_s=PERIODS_S[kind], rate=rate, seed=seed)
    for meter in meters:
        meter.attach(found)
    return found
