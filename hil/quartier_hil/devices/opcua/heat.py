"""A heat substation on a geothermal loop, with an OPC UA server of its own.

Source: made for the rig.  Its quantities are those of the map ``quartier/substation``, and further the valve,
the heat given to the building and a shift of its supply set-point; kW and kWh as such plants show them.
"""

from quartier_hil.devices.opcua.space import Space, Variable
from quartier_hil.devices.opcua.station import LEASE_VARIABLES, Station

URI = "urn:quartier:rig:heat-substation"
_KILO = 1e-3
SPACE = Space(
    URI,
    "Substation",
    (
        Variable(name="Power", quantity="power_w", unit="KWT", high=1_000.0, scale=_KILO),
        Variable(name="Energy", quantity="energy_import_wh", unit="KWH", high=1e9, scale=_KILO),
        Variable(name="SupplyTemperature", quantity="supply_c", unit="CEL", low=-40.0, high=150.0),
        Variable(name="ReturnTemperature", quantity="return_c", unit="CEL", low=-40.0, high=150.0),
        Variable(name="Flow", quantity="flow_m3_per_h", kind="Float", unit="MQH", high=500.0),
        Variable(name="PumpSpeed", quantity="speed_pct", unit="P1", high=110.0),
        Variable(name="ValvePosition", quantity="valve_pct", kind="Float", unit="P1", high=100.0),
        Variable(name="HeatPower", quantity="heat_w", unit="KWT", high=10_000.0, scale=_KILO),
        Variable(
            name="PumpLimit",
            quantity="pump_pct",
            unit="P1",
            low=10.0,
            high=100.0,
            start=100.0,
            writable=True,
            order=True,
        ),
        Variable(
            name="SetpointShift",
            quantity="setpoint_shift_k",
            unit="KEL",
            low=-5.0,
            high=5.0,
            writable=True,
            order=True,
        ),
        *LEASE_VARIABLES,
    ),
)


class HeatSubstation(Station):
    """Ordered by ``pump_pct`` (the most speed of its pump) and ``setpoint_shift_k``."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(SPACE, seed)
