"""Victron GX (Cerbo GX and kin) with a VE.Bus inverter in ESS, seen on Modbus TCP.

Source: Victron Energy, CCGX Modbus TCP register list 3.81, field list, and the text of the same
name in the maker's dbus_modbustcp; "ESS mode 2 and 3", sections 2 and 3.  All registers answer to
functions 3 and 4, most significant word first.  One address, several units: 100 for the system and
its settings, one for each device.
"""

from collections.abc import Mapping, Sequence

from quartier_sim.devices.meter_values import PHASES, QUANTITIES, MeterValues
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import GATEWAY_PATH, GATEWAY_TARGET, ILLEGAL_ADDRESS, Refusal, Table, Unit

SYSTEM = 100
EXTERNAL_CONTROL = 3
_IDLE, _CHARGING, _DISCHARGING = 0, 1, 2
_SETPOINTS = {37: 0, 40: 1, 41: 2}  # 16 bits; register -> phase
_SETPOINTS_32 = {96: 0, 98: 1, 100: 2}
_BATTERY = frozenset({"power_w", "soc_pct", "voltage_v"})
_PV = frozenset({"power_w", "dc_power_w", "energy_export_wh"})


class _Service(Unit):
    """One unit of the GX: asked for a register of another service it has no way there."""

    def __init__(self, gx: "Gx") -> None:
        super().__init__(functions=(3, 4, 6, 16), accept=self._take)
        self._gx = gx

    def get(self, _table: Table, address: int, count: int = 1) -> list[int]:
        if address not in self.tables["holding"] and self._gx.serves(address):
            raise Refusal(GATEWAY_PATH)
        return super().get("holding", address, count)

    def _take(self, _table: Table, address: int, words: Sequence[int]) -> None:
        self._gx.write(self, address, words)


class Gx(Device):
    """Shows ``grid.*`` (see ``mains``), ``battery.power_w soc_pct voltage_v`` and ``pv.power_w
    dc_power_w energy_export_wh`` (AC-coupled, DC-coupled, both never plus).

    Orders ``battery.setpoint_w`` (all phases, plus charges; 0 unless in external control) and
    ``grid.setpoint_w`` (modes 1 and 2).  A setpoint of external control is dropped ``timer_s`` plant
    seconds after its last write: 60 by the maker's page; about 10 were seen in the field.  The override
    of the grid setpoint is dropped ``override_timer_s`` after its last write: about 180 seen by owners.
    """

    absent = GATEWAY_TARGET

    def __init__(
        self,
        vebus: int = 227,
        meter: int = 30,
        pv: int = 32,
        *,
        mode: int = EXTERNAL_CONTROL,
        timer_s: float = 60.0,
        override_timer_s: float = 180.0,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.timer_s, self.override_timer_s = timer_s, override_timer_s
        self.vebus = vebus
        self._system, self._vebus, self._meter, self._pv = (_Service(self) for _ in range(4))
        self.units = {SYSTEM: self._system, vebus: self._vebus, meter: self._meter, pv: self._pv}
        self._mains = MeterValues()
        self._told: dict[str, float] = {}
        self._mode = mode
        self._phases_w = [0.0, 0.0, 0.0]
        self._written_s = self._override_written_s = 0.0
        self._grid_setpoint_w = 50  # the maker's default, kept in flash
        self._override_w = 0  # register 2716, volatile; 0 leaves the kept one in force
        for service, first, last in (
            (self._system, 800, 919),
            (self._vebus, 3, 101),
            (self._meter, 2600, 2648),
            (self._pv, 1026, 1064),
        ):  # the list has no holes inside a service; what is not shown here reads 0
            service.put("holding", first, [0] * (last - first + 1))
        self._system.put("holding", 800, framing.encode_text("c0619ab12345", 6))
        self._show_orders()
        self.show({})

    def serves(self, address: int) -> bool:
        """Return whether any of its units has this register."""
        return any(address in unit.tables["holding"] for unit in self.units.values())

    # -- the plant's side ------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> None:
        """Put the values of its parts into the registers of the services."""
        for point, value in values.items():
            part, _, quantity = point.partition(".")
            if part == "grid" and quantity in QUANTITIES:
                self._mains.take({quantity: value})
            elif quantity in {"battery": _BATTERY, "pv": _PV}.get(part, frozenset()):
                self._told[point] = value
            else:
                raise KeyError(point)
        self._show_grid()
        self._show_battery()
        self._show_pv()

    def orders(self) -> Mapping[str, float]:
        """Return the setpoints that the ESS works towards."""
        external = self._mode == EXTERNAL_CONTROL
        return {
            "battery.setpoint_w": sum(self._phases_w) if external else 0.0,
            "grid.setpoint_w": float(self._override_w or self._grid_setpoint_w),
        }

    def expire(self) -> None:
        """Drop setpoints of external control, and the override, that were not renewed in time."""
        if any(self._phases_w) and self.now_s - self._written_s >= self.timer_s:
            self._phases_w = [0.0, 0.0, 0.0]
            self._show_orders()
        if self._override_w and self.now_s - self._override_written_s >= self.override_timer_s:
            self._override_w = 0
            self._show_orders()

    def forget(self) -> None:
        """Forget the setpoints after a loss of power; values in flash stay."""
        self._phases_w = [0.0, 0.0, 0.0]
        self._override_w = 0
        self._show_orders()

    # -- the wire's side -------------------------------------------------------------------

    def write(self, service: Unit, address: int, words: Sequence[int]) -> None:
        """Take a write to one of its services; raises Refusal for what cannot be written."""
        taken = dict(enumerate(words, address))
        while taken:
            place, word = next(iter(taken.items()))
            del taken[place]
            if service is self._vebus and place in _SETPOINTS:
                self._order(_SETPOINTS[place], framing.decode_int16(word))
            elif service is self._vebus and place in _SETPOINTS_32 and place + 1 in taken:
                self._order(_SETPOINTS_32[place], framing.decode_int32(word, taken.pop(place + 1)))
            elif service is self._system and place == 2716 and place + 1 in taken:
                self._override_w = framing.decode_int32(word, taken.pop(place + 1))
                self._override_written_s = self.now_s
            elif service is self._system and place == 2700:
                self._grid_setpoint_w = framing.decode_int16(word)
            elif service is self._system and place == 2902 and word in (1, 2, 3):
                self._mode = word
            else:
                raise Refusal(ILLEGAL_ADDRESS)
        self._show_orders()

    def _order(self, phase: int, watt: int) -> None:
        self._phases_w[phase] = float(watt)
        self._written_s = self.now_s

    # -- registers -------------------------------------------------------------------------

    def _show_orders(self) -> None:
        for place, phase in _SETPOINTS.items():
            self._vebus.put("holding", place, framing.encode_integer(self._phases_w[phase], 16))
        for place, phase in _SETPOINTS_32.items():
            self._vebus.put("holding", place, framing.encode_integer(self._phases_w[phase], 32))
        self._system.put("holding", 2700, framing.encode_integer(self._grid_setpoint_w, 16))
        self._system.put("holding", 2716, framing.encode_integer(self._override_w, 32))
        self._system.put("holding", 2902, [self._mode])

    def _show_grid(self) -> None:
        mains = self._mains
        for place, phase in enumerate(PHASES):
            watt = mains.phase_power_w(phase)
            self._system.put("holding", 820 + place, framing.encode_integer(watt, 16))
            self._system.put("holding", 908 + 2 * place, framing.encode_integer(watt, 32))
            self._meter.put("holding", 2600 + place, framing.encode_integer(watt, 16))
            self._meter.put("holding", 2638 + 2 * place, framing.encode_integer(watt, 32))
            self._meter.put(
                "holding",
                2616 + 2 * place,
                framing.encode_integer(mains.phase_voltage_v(phase) * 10, 16, signed=False),
            )
            self._meter.put(
                "holding", 2617 + 2 * place, framing.encode_integer(mains.phase_current_a(phase) * 10, 16)
            )
        self._meter.put(
            "holding", 2634, framing.encode_integer(mains.energy_import_wh / 10, 32, signed=False)
        )  # 0.01 kWh
        self._meter.put(
            "holding", 2636, framing.encode_integer(mains.energy_export_wh / 10, 32, signed=False)
        )
        self._meter.put("holding", 2644, framing.encode_integer(mains.frequency_hz * 100, 16, signed=False))
        self._meter.put("holding", 2609, framing.encode_text("BX0300021", 7))

    def _show_battery(self) -> None:
        watt, volt = self._told.get("battery.power_w", 0.0), self._told.get("battery.voltage_v", 51.2)
        state = _CHARGING if watt > 0 else _DISCHARGING if watt < 0 else _IDLE
        self._system.put("holding", 840, framing.encode_integer(volt * 10, 16, signed=False))
        self._system.put("holding", 841, framing.encode_integer(watt / volt * 10, 16))
        self._system.put("holding", 842, framing.encode_integer(watt, 16))
        self._system.put(
            "holding", 843, framing.encode_integer(self._told.get("battery.soc_pct", 50.0), 16, signed=False)
        )
        self._system.put("holding", 844, [state])
        for place in range(3):  # the inverter's AC input, all of it on L1
            self._vebus.put("holding", 12 + place, framing.encode_integer(watt / 10 if place == 0 else 0, 16))
            self._vebus.put("holding", 3 + place, [2300])

    def _show_pv(self) -> None:
        ac_w, dc_w = -self._told.get("pv.power_w", 0.0), -self._told.get("pv.dc_power_w", 0.0)
        for place in range(9):  # coupled on output, on grid, on genset; three phases each
            watt = ac_w / 3 if 3 <= place < 6 else 0.0
            self._system.put("holding", 808 + place, framing.encode_integer(watt, 16, signed=False))
            self._system.put("holding", 884 + 2 * place, framing.encode_integer(watt, 32, signed=False))
        self._system.put("holding", 850, framing.encode_integer(dc_w, 16, signed=False))
        for place in range(3):
            third_wh = self._told.get("pv.energy_export_wh", 0.0) / 3
            self._pv.put("holding", 1058 + 2 * place, framing.encode_integer(ac_w / 3, 32, signed=False))
            self._pv.put("holding", 1046 + 2 * place, framing.encode_integer(third_wh / 10, 32, signed=False))
        self._pv.put("holding", 1039, framing.encode_text("32801234", 7))
