import asyncio

import pytest

from quartier.cli.top.daemon_view import DaemonView
from quartier.runtime.local_socket.questions import NoDaemon


@pytest.mark.parametrize(
    ("subject", "questions"),
    [
        (("house", ""), [("status", "")]),
        (("bus", "lan"), [("bus", "lan")]),
        (("device", "gx"), [("device", "gx"), ("points", "gx")]),
        (("asset", "bat1"), [("asset", "bat1"), ("points", "bat1")]),
    ],
)
async def test_only_what_the_page_shows_is_asked_for(subject, questions, answers, serving, tmp_path):
    known, about, asked = answers
    async with serving(known, about):
        visit = DaemonView(tmp_path, subject)
        found = await asyncio.to_thread(visit)

    assert questions == asked
    assert found is not None
    assert (7, 1) == visit.run


@pytest.mark.parametrize("kind", ["bus", "device", "asset"])
async def test_what_has_left_the_site_file_is_none(kind, answers, serving, tmp_path):
    known, about, _ = answers
    async with serving(known, about):
        assert None is await asyncio.to_thread(DaemonView(tmp_path, (kind, "nobody")))


async def test_a_daemon_of_another_version_is_said_to_be_one(answers, serving, tmp_path):
    known, _, _ = answers
    async with serving(known):
        with pytest.raises(NoDaemon, match="of another version"):
            await asyncio.to_thread(DaemonView(tmp_path, ("bus", "lan")))


def test_no_daemon_is_closed(tmp_path):
    with pytest.raises(NoDaemon, match="no daemon answers"):
        DaemonView(tmp_path)()
