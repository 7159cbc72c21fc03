import pytest

from quartier_sim.bacnet.building_controllers import RoomController


def test_it_measures_and_takes_a_shift():
    room = RoomController(sensors_count=3)
    room.publish({"room_c": 22.0, "power_w": 300.0, "occupied_on": 1.0})
    room.shift.commands.put(1.5, 10, 0.0)

    assert pytest.approx([22.0, 22.1, 22.2]) == [one.value for one in room.sensors]
    assert (300.0, 1.0) == (room.power.value, room.occupied.value)
    assert {"setpoint_shift_k": 1.5} == room.orders()


def test_what_it_does_not_measure_is_an_error():
    with pytest.raises(KeyError, match="co2_ppm"):
        RoomController().publish({"co2_ppm": 1.0})
