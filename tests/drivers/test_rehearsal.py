from quartier_drivers import registry
from quartier_drivers.rehearsal import RehearsalFactory, SimulatedDevices


def test_the_lines_of_modbus_can_be_rehearsed_and_so_can_the_sunspec_devices_on_them() -> None:
    assert isinstance(registry.load_factory("modbus-rtu"), RehearsalFactory)
    assert isinstance(registry.load_factory("modbus-tcp", "sunspec"), RehearsalFactory)


def test_who_speaks_by_itself_cannot() -> None:
    assert not isinstance(registry.load_factory("tic"), RehearsalFactory)


def test_two_rehearsals_share_nothing() -> None:
    first, second = SimulatedDevices(), SimulatedDevices()
    first.dead.add(1)

    assert not second.dead
