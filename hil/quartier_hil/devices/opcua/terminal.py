"""A terminal of pneumatic waste collection, with an OPC UA server of its own.

Source: made for the rig.  Its quantities are those of the map ``quartier/waste_plant``.
"""

from quartier_hil.devices.opcua.space import Space, Variable
from quartier_hil.devices.opcua.station import LEASE_VARIABLES, Station

URI = "urn:quartier:rig:waste-collection"
_KILO = 1e-3
SPACE = Space(
    URI,
    "Terminal",
    (
        Variable(name="Power", quantity="power_w", unit="KWT", high=1_000.0, scale=_KILO),
        Variable(name="Energy", quantity="energy_import_wh", unit="KWH", high=1e9, scale=_KILO),
        Variable(name="BatchLeft", quantity="left_s", kind="UInt32", unit="SEC", high=86_400.0),
        Variable(name="Waiting", quantity="waiting_on", kind="Boolean"),
        Variable(name="FansOn", quantity="fans_on", kind="Boolean"),
        Variable(name="MayRun", quantity="run_on", kind="Boolean", start=1.0, writable=True, order=True),
        *LEASE_VARIABLES,
    ),
)


class WasteTerminal(Station):
    """Ordered by ``run_on``: whether a batch may run."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(SPACE, seed)
