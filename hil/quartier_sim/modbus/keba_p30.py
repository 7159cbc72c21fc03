"""KEBA KeContact P30 c-series and x-series, a charging station on Modbus TCP.

Source: KEBA, KeContact P30 Modbus TCP Programmers Guide V1.07 (12.2025): unit 255, functions 3 and
6 only, every value is an unsigned 32-bit number that is asked for on its own, writable registers
are 16 bits and cannot be read.
"""

from collections.abc import Mapping, Sequence

from quartier_sim.devices.meter_values import PHASES
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refusal, Table, Unit

UNIT = 255
MIN_MA, _TIMEOUT_MIN_S, _TIMEOUT_MAX_S = 6_000, 10, 600
_NOT_READY, _READY, _CHARGING, _SUSPENDED = 1, 2, 3, 5
_CABLE_AND_CAR_LOCKED, _CABLE_LOCKED = 7, 3
_QUANTITIES = frozenset(
    {"power_w", "plugged_on", "charge_state", "session_energy_wh", "energy_import_wh"}
    | {f"{kind}_{phase}_{unit}" for phase in PHASES for kind, unit in (("voltage", "v"), ("current", "a"))}
)


class P30(Device):
    """Orders ``current_max_a`` (0: paused).

    A pause is register 5014 = 0; 5004 takes no less than 6 A.  The fail-safe of the station: with a
    time-out set (register 5018), a client that writes none of 5004, 5014 and 5018 for that long
    leaves the fail-safe current (register 5016) in force, until it sends a current and enables the
    station again (UDP Programmers Guide V2.01, 3.3.3).  ``failsafe_a`` is its value from
    commissioning.  ``charge_state`` follows from plug, power and order when the plant does not state it.
    """

    def __init__(self, rated_a: float = 32.0, failsafe_a: float = 0.0, seed: int = 0) -> None:
        super().__init__(seed)
        self.rated_ma = round(rated_a * 1000)
        self._kept = (round(failsafe_a * 1000), 0)  # fail-safe current and time-out in flash
        self._told: dict[str, float] = {}
        self._unit = Unit(functions=(3, 6), words_max=2, single=True, accept=self._accept)
        self.units = {UNIT: self._unit}
        self._max_ma, self._enabled, self._fallen = self.rated_ma, True, False
        self._failsafe_ma, self._timeout_s = self._kept
        self._heard_s = self.now_s
        self._put(1014, 17_619_300)  # serial number
        self._put(1016, 304_110)  # product: P30, with a meter
        self._put(1018, 0x030A_2A00)  # firmware 3.10.42
        self._put(1006, 0)  # no error
        self._put(1110, self.rated_ma)
        self.show({})

    def show(self, values: Mapping[str, float]) -> None:
        """Put the station's values into its registers."""
        if unknown := set(values) - _QUANTITIES:
            raise KeyError(unknown.pop())
        self._told.update(values)
        power_w = self._told.get("power_w", 0.0)
        plugged = bool(self._told.get("plugged_on", 0.0))
        self._put(1000, self._state(plugged=plugged, power_w=power_w))
        self._put(1004, _CABLE_AND_CAR_LOCKED if plugged else _CABLE_LOCKED)
        self._put(1020, power_w * 1000)  # mW
        self._put(1036, self._told.get("energy_import_wh", 0.0) * 10)  # 0.1 Wh
        self._put(1502, self._told.get("session_energy_wh", 0.0) * 10)
        for place, phase in enumerate(PHASES):
            volt = self._told.get(f"voltage_{phase}_v", 230.0)
            ampere = self._told.get(f"current_{phase}_a", power_w / len(PHASES) / volt)
            self._put(1008 + 2 * place, ampere * 1000)  # mA
            self._put(1040 + 2 * place, volt)
        self._settings()

    def orders(self) -> Mapping[str, float]:
        """Return the current that the car may draw per phase, A."""
        return {"current_max_a": self._max_ma / 1000 if self._enabled or self._fallen else 0.0}

    def expire(self) -> None:
        """Fall back when no client wrote for the time-out."""
        if self._timeout_s and self.now_s - self._heard_s >= self._timeout_s:
            self._max_ma = min(self._failsafe_ma, self.rated_ma)
            self._enabled, self._fallen = False, True
            self._settings()

    def forget(self) -> None:
        """After a loss of power the rated current and the kept fail-safe are in force."""
        self._max_ma, self._enabled, self._fallen = self.rated_ma, True, False
        self._failsafe_ma, self._timeout_s = self._kept
        self._heard_s = self.now_s
        self._settings()

    def _state(self, *, plugged: bool, power_w: float) -> float:
        state = self._told.get("charge_state")
        if state is not None:
            return state
        if not plugged:
            return _NOT_READY
        if power_w > 0:
            return _CHARGING
        return _READY if self.orders()["current_max_a"] else _SUSPENDED

    def _settings(self) -> None:
        self._put(1100, self._max_ma)
        self._put(1600, self._failsafe_ma)
        self._put(1602, self._timeout_s)

    def _put(self, address: int, value: float) -> None:
        self._unit.put("holding", address, framing.encode_integer(value, 32, signed=False))

    def _accept(self, _table: Table, address: int, words: Sequence[int]) -> None:
        value = words[0]
        if address == 5004:
            if value < MIN_MA:
                raise Refusal(ILLEGAL_VALUE)
            self._max_ma = min(value, self.rated_ma)
        elif address == 5014:
            self._enabled, self._fallen = value != 0, False
        elif address == 5016:
            if 0 < value < MIN_MA:
                raise Refusal(ILLEGAL_VALUE)
            self._failsafe_ma = value
        elif address == 5018:
            if value and not _TIMEOUT_MIN_S <= value <= _TIMEOUT_MAX_S:
                raise Refusal(ILLEGAL_VALUE)
            self._timeout_s = value
        elif address == 5020:
            self._kept = (self._failsafe_ma, self._timeout_s) if value else self._kept
        else:
            raise Refusal(ILLEGAL_ADDRESS)
        if address in (5004, 5014, 5018):
            self._heard_s = self.now_s
        self._settings()
