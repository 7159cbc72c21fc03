import pytest

from quartier_drivers import register_codec
from quartier_drivers.device_profile import loading
from quartier_sim.modbus.io_boards import IoBoard

CHANNELS = range(1, 9)


def read_all(board):
    registers = {f"discrete:{n}": [word] for n, word in board.units[1].tables["discrete"].items()}
    loaded = loading.load_profile("waveshare/io8")
    return {n: register_codec.decode_part(loaded, f"in{n}", registers)["input_on"][0] for n in CHANNELS}


def test_a_profile_reads_the_contacts_that_are_closed():
    board = IoBoard()
    board.publish({"in1.input_on": 1.0, "in8.input_on": 1.0})

    assert {n: n in {1, 8} for n in CHANNELS} == read_all(board)
    board.publish({"in1.input_on": 0.0})
    assert {n: n == 8 for n in CHANNELS} == read_all(board)


def test_outputs_take_single_and_many_orders_and_open_without_power():
    board = IoBoard()
    unit = board.units[1]

    assert bytes([5, 0, 2, 0xFF, 0]) == unit.answer(bytes([5, 0, 2, 0xFF, 0]))
    assert bytes([15, 0, 6, 0, 2]) == unit.answer(bytes([15, 0, 6, 0, 2, 1, 0b11]))
    assert {3, 7, 8} == {n for n in CHANNELS if board.orders()[f"out{n}.relay_on"]}

    board.fault("off")
    assert not any(board.orders().values())


def test_what_is_not_there_is_refused():
    board = IoBoard()

    assert bytes([0x85, 2]) == board.units[1].answer(bytes([5, 0, 8, 0xFF, 0]))
    assert bytes([0x82, 2]) == board.units[1].answer(bytes([2, 0, 0, 0, 9]))
    assert bytes([0x83, 1]) == board.units[1].answer(bytes([3, 0, 0, 0, 1]))
    with pytest.raises(KeyError):
        board.publish({"in9.input_on": 1.0})
