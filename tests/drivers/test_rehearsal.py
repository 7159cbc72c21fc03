from quartier_drivers import registry
from quartier_drivers.rehearsal import Pretence, Rehearsable


def test_the_lines_of_modbus_can_be_rehearsed_and_so_can_the_sunspec_devices_on_them() -> None:
    assert isinstance(registry.door("modbus-rtu"), Rehearsable)
    assert isinstance(registry.door("modbus-tcp", "sunspec"), Rehearsable)


def test_who_speaks_by_itself_cannot() -> None:
    assert not isinstance(registry.door("tic"), Rehearsable)


def test_two_rehearsals_share_nothing() -> None:
    first, second = Pretence(), Pretence()
    first.dead.add(1)

    assert not second.dead
