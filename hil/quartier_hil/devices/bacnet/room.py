"""A room controller on BACnet with a meter, or a box of many temperatures (made for the rig)."""

from collections.abc import Mapping

from quartier_hil.devices.bacnet.service import Habits
from quartier_hil.devices.bacnet.station import Station
from quartier_hil.devices.bacnet.thing import Thing, setpoint


class RoomController(Station):
    """A room controller with a meter: ``sensors_count`` temperatures, power, a shift of its setpoint.

    Orders ``setpoint_shift_k``, plus is warmer.
    """

    model = "room"

    def __init__(
        self, instance: int = 301, *, sensors_count: int = 1, habits: Habits | None = None, seed: int = 0
    ) -> None:
        self.power = Thing("analog-input", 1, "Power", units="watts", cov_increment=10.0)
        self.sensors = [
            Thing(
                "analog-input",
                number,
                f"Temperature {number - 1}",
                units="degrees-celsius",
                cov_increment=0.2,
            )
            for number in range(2, 2 + sensors_count)
        ]
        self.shift = setpoint(1, "Setpoint shift", "delta-degrees-kelvin", 0.0, -10.0, 10.0)
        self.occupied = Thing("binary-input", 1, "Occupied", states=("empty", "occupied"))
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
