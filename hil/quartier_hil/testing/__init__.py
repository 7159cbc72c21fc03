"""Test your own gateway or controller on a simulated building: the stable Python interface of the rig.

The names of ``__all__`` keep their meaning within a version of the first number.  ``quartier_hil.testing``
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
