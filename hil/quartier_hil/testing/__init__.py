"""Test your own gateway or controller on a simulated building: the stable Python interface of the rig.

The names of ``__all__`` do not change within a major version (from 1.0 on).  ``quartier_hil.testing``
imports little: the building runs in a process of its own.
"""

from quartier_hil.testing.building import (
    BuildingNotServed,
    CommandRefused,
    DeviceAddress,
    ExpectationFailed,
    Order,
    SimulatedBuilding,
)

__all__ = [
    "BuildingNotServed",
    "CommandRefused",
    "DeviceAddress",
    "ExpectationFailed",
    "Order",
    "SimulatedBuilding",
]
