"""Simulated meters with a line of their own: they send or are polled, and can have faults."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from quartier_sim.devices.device_faults import FaultKind, MeterFaults
from quartier_sim.devices.serial_ports import Port, ReceiveCallback
from quartier_sim.meters.iec62056.optical_meter import OpticalPort
from quartier_sim.meters.line_noise import GARBAGE_NOISE
from quartier_sim.meters.mbus.bus_line import MBUS_BAUD, MbusLine
from quartier_sim.meters.push_sender import PushSender

PERIODS_S: Mapping[str, float] = {"p1": 1.0, "sml": 1.0, "dlms": 2.5, "tic": 0.0}
"""From the start of a telegram to the next; 0: without a pause."""
UNSUPPORTED_FAULTS: Mapping[str, str] = {
    "bent": "a meter takes no orders",
    "late": "what a meter says bears no id of a request",
    "unplugged": "its cable is pulled out with `pull BUS`",
}
"""Ways of failing that no meter has, and why."""


class SerialMeter:
    """One meter; ``body`` is what it says, its wire how it comes to say it."""

    def __init__(self, body: Any) -> None:
        self.body = body
        self.meter_faults = MeterFaults()
        self._wire: PushSender | MbusLine | OpticalPort | None = None
        self._hear: ReceiveCallback | None = None
        self._now_s = 0.0

    def attach(self, wire: PushSender | MbusLine | OpticalPort) -> None:
        """It is on that wire from now on."""
        self._wire = wire
        self._hear = wire.port.hear

    def publish(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Show the plant's values."""
        self._now_s = now.timestamp()
        self._apply_faults()
        shown_values = self.meter_faults.apply(values, self._now_s)
        if shown_values is not None:
            self.body.tell(shown_values, now)

    def fault(self, kind: FaultKind, **args: Any) -> None:
        """Make it misbehave.  Raises ValueError for a way of failing that it has not."""
        why = UNSUPPORTED_FAULTS.get(kind, "")
        if kind == "slow" and not isinstance(self._wire, MbusLine):
            why = "it speaks by itself, nobody waits for an answer"
        if why:
            raise ValueError(f"it cannot be {kind}: {why}")
        # Who is not heard has no power, as far as anybody can tell.
        self.meter_faults.fault("off" if kind == "silent" else kind, self._now_s, **args)
        self._apply_faults()

    def clear(self) -> None:
        """End all faults."""
        self.meter_faults.clear()
        self._apply_faults()

    def _apply_faults(self) -> None:
        mute = self.meter_faults.is_mute(self._now_s)
        noise = GARBAGE_NOISE if "garbage" in self.meter_faults.faults else None
        match self._wire:
            case PushSender():
                self._wire.silent, self._wire.noise = mute, noise
            case MbusLine():
                self.body.off, self._wire.noise = mute, noise
                self.body.wait_s = self.meter_faults.seconds("slow")
            case OpticalPort():
                assert self._hear is not None
                self._wire.port.hear = _ignore_bytes if mute else self._hear
                self._wire.bad_checks_count = 1 if noise else 0
            case None:
                pass


def _ignore_bytes(_: bytes) -> None:
    """It hears nothing."""


def connect_meters(
    kind: str, meters: Sequence[SerialMeter], port: Port, *, rate: float, seed: int, baud: int | None
) -> Any:
    """The meters of a bus of this kind on a port: to be entered as a context."""
    found: PushSender | MbusLine | OpticalPort
    if kind == "mbus":
        found = MbusLine([meter.body for meter in meters], port, baud=baud or MBUS_BAUD, seed=seed)
    elif kind == "iec62056":
        found = OpticalPort(meters[0].body.sets, port, shows_parity=True)
    else:
        found = PushSender(meters[0].body, port, period_s=PERIODS_S[kind], rate=rate, seed=seed)
    for meter in meters:
        meter.attach(found)
    return found
