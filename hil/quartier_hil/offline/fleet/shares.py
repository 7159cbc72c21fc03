"""Shares of equipment in French homes and offices, from which a fleet is drawn (pure).

Sources.  Yearly use without heat and hot water, 2,228 kWh in the mean, and 55 % houses: ADEME, RTE and
Enertech, Panel Elecdom, first year (2021).  6 kVA for about half of the homes: CRE, regulated tariff, 2024.
A water heater with a tank in about one home of two, most of them by the meter's off-peak contact: ADEME.
Off-peak hours are eight, spread by Enedis over the evening from 22 h on.  A share without a source for a
fleet that has gateways because it has something to control is an assumption, and marked as one.
"""

from dataclasses import dataclass

from quartier_hil.offline.fleet.pieces import Piece

HOUSE, FLAT, OFFICE = range(3)
KINDS = ("house", "flat", "office")
KIND_SHARE = (0.50, 0.40, 0.10)
"""Of the connections: five houses to four flats as in the panel; the offices are a supposition."""
CONTRACT_KVA = (
    ((6.0, 0.40), (9.0, 0.42), (12.0, 0.18)),
    ((3.0, 0.15), (6.0, 0.68), (9.0, 0.17)),
    ((36.0, 0.60), (72.0, 0.30), (120.0, 0.10)),
)
"""What is subscribed, by kind, so that 6 kVA has about half of the homes."""
USE_KWH = ((1900.0, 3300.0), (1200.0, 2300.0), (20_000.0, 30_000.0))
"""From least to most in a year; of an office for each 36 kVA."""
CAR_SHARE, CAR_BIG_SHARE, CAR_TIMER_SHARE = (0.40, 0.15), 0.6, 0.55
"""Houses and flats with a charging point, 32 A beside 16 A, and those with a timer: suppositions for 2030."""
TANK_SHARE, TANK_FREE_SHARE = (0.50, 0.45), 0.20
PANELS_SHARE, PUMP_SHARE = (0.20, 0.30), (0.25, 0.0)
"""Electric heating in a third of the homes, as in the panel, and heat pumps in a quarter of the houses."""
SUN_SHARE, STORE_SHARE = (0.30, 0.0, 0.40), 0.40
"""Suppositions: roofs with panels, and houses with panels that have a battery too."""
NIGHTS_H = (22.0, 22.5, 23.0, 23.5, 24.0)
"""When the eight off-peak hours begin, by turns."""
COLD_C = -7.0
"""At which the heating just holds the room: base temperature of the Paris region (NF EN 12831-1/CN)."""
ROOM_C = 19.0
"""By the Code de l'énergie, article R241-26."""
POWER_FACTOR_CAP = 0.9
"""A contract of 1 kVA caps 900 W where only W are measured."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One building: its kind, its contract and the most that it may feed in, in W, its use and its pieces.

    ``shift_min``: how much later than the standard its people live.
    """

    kind: int
    contract_w: float
    export_w: float
    use_kwh: float
    shift_min: int
    pieces: tuple[Piece, ...]
