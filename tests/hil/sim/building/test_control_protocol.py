import asyncio
import socket

import pytest

from quartier_sim.building.command_handler import Answer
from quartier_sim.building.control_protocol import SOCKET_NAME, ControlSocket, send_line


@pytest.fixture
async def control(tmp_path):
    """In a folder whose path is longer than a socket's may be."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()

    async def obey(text):
        return Answer(ok=text != "no", text=text.upper())

    found = ControlSocket(folder, obey)
    await found.open()
    yield folder
    await found.close()
    assert not (folder / SOCKET_NAME).exists()


async def test_each_line_is_answered_however_long_the_path_of_the_folder(control):
    assert {"ok": True, "text": "HELLO", "failed": False} == await asyncio.to_thread(
        send_line, control, "hello", 5.0
    )
    assert (await asyncio.to_thread(send_line, control, "no", 5.0))["ok"] is False


async def test_a_folder_serves_one_building_and_a_socket_that_was_left_is_none(control, tmp_path):
    async def obey(_):
        return Answer(ok=True, text="")

    with pytest.raises(OSError, match="another building is served from .*; --folder DIR takes another place"):
        await ControlSocket(control, obey).open()

    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / SOCKET_NAME))
    left.close()
    fresh = ControlSocket(tmp_path, obey)
    await fresh.open()
    await fresh.close()


def test_where_nobody_is_served_nobody_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        send_line(tmp_path, "hello", 0.0)


async def test_who_waits_for_an_answer_when_it_ends_is_told_so(tmp_path):
    begun, complaints = asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    async def obey(_):
        begun.set()
        await asyncio.Event().wait()

    control = ControlSocket(tmp_path, obey)
    await control.open()
    asking = asyncio.create_task(asyncio.to_thread(send_line, tmp_path, "wait 9", 5.0))
    await begun.wait()
    await control.close()

    with pytest.raises(ConnectionResetError, match="ended before it answered"):
        await asking
    assert [] == complaints
