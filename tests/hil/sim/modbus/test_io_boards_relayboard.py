import pytest

from quartier_sim.modbus.endpoints import serve_pty
from quartier_sim.modbus.io_boards import RelayBoard


def pulled(board):
    return [number for number in range(1, 9) if board.orders()[f"relay{number}.relay_on"]]


@pytest.mark.peer
async def test_mbpoll_switches_and_reads_relays(tmp_path, poll):
    board = RelayBoard(unit=4)
    async with await serve_pty(board, tmp_path / "board") as line:
        assert "Written 1 references." in (await poll(line, 4, "0", 2, write=(1,))).said
        assert "Written 2 references." in (await poll(line, 4, "0", 6, write=(1, 1))).said
        assert ["0", "0", "1", "0", "0", "0", "1", "1"] == list(
            (await poll(line, 4, "0", 0, count=8)).values.values()
        )
        assert {0x8000: "200"} == (await poll(line, 4, "4", 0x8000)).values

    assert [3, 7, 8] == pulled(board)


def test_the_manuals_commands_switch_one_turn_one_and_switch_all():
    board = RelayBoard()
    assert bytes.fromhex("05 0000 FF00") == board.answer(1, bytes.fromhex("05 0000 FF00")).pdu
    assert [1] == pulled(board)
    assert bytes.fromhex("05 0001 5500") == board.answer(1, bytes.fromhex("05 0001 5500")).pdu
    assert [1, 2] == pulled(board)
    board.answer(1, bytes.fromhex("05 00FF FF00"))
    assert [1, 2, 3, 4, 5, 6, 7, 8] == pulled(board)


def test_there_is_no_ninth_relay():
    board = RelayBoard()

    assert bytes.fromhex("85 02") == board.answer(1, bytes.fromhex("05 0008 FF00")).pdu
    assert bytes.fromhex("8F 02") == board.answer(1, bytes.fromhex("0F 0007 0002 01 03")).pdu


def test_relays_stay_without_a_client_and_drop_without_power():
    board = RelayBoard()
    board.answer(1, bytes.fromhex("05 0002 FF00"))
    board.tick(1e6)
    assert [3] == pulled(board)

    board.fault("off")
    assert [] == pulled(board)


def test_it_measures_nothing():
    with pytest.raises(KeyError, match="power_w"):
        RelayBoard().publish({"power_w": 1.0})
