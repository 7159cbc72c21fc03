"""A room controller with a meter, and an air-handling unit, on BACnet/IP.

Air-handling unit: no maker's list; the objects that the profile ``quartier/ventilation_bacnet`` states for
an installer's controller, by the types of ASHRAE 135-2020 clause 12.  A ventilation unit's own automation
decides; the gateway gives it a limit of the fans' speed.  The limit ends by itself when the watchdog was
not written for the seconds that it shows.
"""

from collections.abc import Mapping
from datetime import datetime

from quartier_sim.bacnet.bacnet_device import EPOCH, BacnetDevice
from quartier_sim.bacnet.load_control import LoadControl
from quartier_sim.bacnet.objects import BacnetObject, PriorityArray, make_setpoint
from quartier_sim.bacnet.services import Capabilities


class RoomController(BacnetDevice):
    """A room controller with a meter: ``sensors_count`` temperatures, power, a shift of its setpoint.

    Orders ``setpoint_shift_k``, plus is warmer.
    """

    model = "room"

    def __init__(
        self,
        instance: int = 301,
        *,
        sensors_count: int = 1,
        habits: Capabilities | None = None,
        seed: int = 0,
    ) -> None:
        self.power = BacnetObject("analog-input", 1, "Power", units="watts", cov_increment=10.0)
        self.sensors = [
            BacnetObject(
                "analog-input",
                number,
                f"Temperature {number - 1}",
                units="degrees-celsius",
                cov_increment=0.2,
            )
            for number in range(2, 2 + sensors_count)
        ]
        self.shift = make_setpoint(1, "Setpoint shift", "delta-degrees-kelvin", 0.0, -10.0, 10.0)
        self.occupied = BacnetObject("binary-input", 1, "Occupied", states=("empty", "occupied"))
        super().__init__(
            instance, (self.power, *self.sensors, self.shift, self.occupied), habits=habits, seed=seed
        )
        self.show({"room_c": 24.0})

    def show(self, values: Mapping[str, float]) -> None:
        """``power_w``, ``occupied_on``, ``room_c`` (each sensor a tenth of a degree above the one before)."""
        for quantity, value in values.items():
            if quantity == "room_c":
                for place, sensor in enumerate(self.sensors):
                    sensor.show(value + 0.1 * place)
            else:
                {"power_w": self.power, "occupied_on": self.occupied}[quantity].show(value)

    def orders(self) -> Mapping[str, float]:
        """The shift in force."""
        return {"setpoint_shift_k": self.shift.value}


_INPUTS: Mapping[str, tuple[int, str, str, float]] = {
    # quantity -> instance, name, units, COV increment
    "supply_c": (1, "Supply air temperature", "degrees-celsius", 0.2),
    "extract_c": (2, "Extract air temperature", "degrees-celsius", 0.2),
    "outdoor_c": (3, "Outdoor air temperature", "degrees-celsius", 0.2),
    "co2_ppm": (4, "CO2 in the extract air", "parts-per-million", 20.0),
    "fan_supply_pct": (5, "Supply fan speed", "percent", 1.0),
    "fan_extract_pct": (6, "Extract fan speed", "percent", 1.0),
    "power_w": (7, "Electric power", "watts", 10.0),
    "energy_import_wh": (8, "Electric energy", "kilowatt-hours", 0.1),
}
_WH_PER_KWH = 1000.0
MIN_SPEED_PCT, FULL_PCT = 10.0, 100.0
_OFF, _NORMAL = 1, 3
_SPEEDS_PCT = {_OFF: 0.0, 2: 60.0, _NORMAL: 100.0, 4: 100.0}
_HEATER_ON_S, _HEATER_OFF_S = 120.0, 180.0


class VentilationUnit(BacnetDevice):
    """Orders ``speed_pct``: the most speed that mode, limit and shed leave to the fans."""

    model = "quartier ventilation"

    def __init__(
        self,
        instance: int = 201,
        *,
        rated_w: float = 4000.0,
        habits: Capabilities | None = None,
        seed: int = 0,
        epoch: datetime = EPOCH,
    ) -> None:
        self.inputs = {
            quantity: BacnetObject(
                "analog-input", number, name, units=units, cov_increment=step, about=name.lower(), value=0.0
            )
            for quantity, (number, name, units, step) in _INPUTS.items()
        }
        self.filter_alarm = BacnetObject("binary-input", 1, "Filter alarm", states=("clean", "clogged"))
        self.mode = BacnetObject(
            "multi-state-value",
            1,
            "Operating mode",
            commands=PriorityArray(_NORMAL),
            states=("off", "reduced", "normal", "boost"),
        )
        self.limit = make_setpoint(2, "Most speed of the fans", "percent", FULL_PCT, MIN_SPEED_PCT, FULL_PCT)
        self.watchdog = make_setpoint(10, "Watchdog", "seconds", 0.0, 0.0, 3600.0)
        self.heater = BacnetObject(
            "binary-output",
            1,
            "Pre-heater",
            commands=PriorityArray(0.0, _HEATER_ON_S, _HEATER_OFF_S),
            states=("off", "on"),
        )
        self.shed = LoadControl(1, "Load shed", rated_w, 40.0, lambda: self.local_time)
        setpoints = (
            make_setpoint(1, "Supply air setpoint", "degrees-celsius", 20.0, 15.0, 28.0),
            make_setpoint(3, "CO2 setpoint", "parts-per-million", 900.0, 500.0, 2000.0),
        )
        whole = (self.filter_alarm, self.mode, self.limit, self.watchdog, self.heater, self.shed)
        super().__init__(
            instance, (*self.inputs.values(), *setpoints, *whole), habits=habits, seed=seed, epoch=epoch
        )
        self.show({"supply_c": 20.0, "extract_c": 22.0, "outdoor_c": 15.0, "co2_ppm": 600.0})

    # -- the plant's side --------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> None:
        """Put the plant's values into its objects; ``filter_on`` is the alarm of its filter."""
        for quantity, value in values.items():
            if quantity == "filter_on":
                self.filter_alarm.show(value)
            elif quantity == "energy_import_wh":
                self.inputs[quantity].show(value / _WH_PER_KWH)
            elif quantity == "speed_pct":
                self.inputs["fan_supply_pct"].show(value)
                self.inputs["fan_extract_pct"].show(value)
            else:
                self.inputs[quantity].show(value)

    def orders(self) -> Mapping[str, float]:
        """The most speed; the shed counts as power, which is the third power of the speed."""
        shed_pct = FULL_PCT * (self.shed.share_pct / FULL_PCT) ** (1 / 3)
        by_mode_pct = _SPEEDS_PCT[int(self.mode.value)]
        return {"speed_pct": min(by_mode_pct, self.limit.value, shed_pct)}

    def expire(self) -> None:
        """Take the limit back when the watchdog was not written in time."""
        super().expire()
        dog = self.watchdog.commands
        if dog is not None and dog.value and self.now_s - dog.written_s >= dog.value:
            self.limit.forget()
            self.watchdog.forget()
