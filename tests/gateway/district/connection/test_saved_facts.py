"""Facts on a disk that hangs: nobody waits for long, and the newest are what lies there in the end."""

import asyncio
import os
import threading

import pytest

from quartier.district.connection import saved_facts
from quartier.district.connection.saved_facts import SavedFacts
from quartier.runtime import state_file


@pytest.fixture
def disk(monkeypatch):
    """Whether the disk goes; one that hangs is soon waited for no longer."""
    goes = threading.Event()
    goes.set()
    monkeypatch.setattr(os, "fsync", lambda _: goes.wait())
    yield goes
    goes.set()


@pytest.fixture
def told():
    return []


@pytest.fixture
def impatient(monkeypatch):
    def soon(seconds):
        monkeypatch.setattr(saved_facts, "SAVE_TIMEOUT_S", seconds)

    return soon


async def test_what_a_hanging_disk_had_in_hand_does_not_come_to_lie_over_what_is_newer(
    tmp_path, disk, told, impatient
):
    found = SavedFacts(tmp_path, {"documents"}, told.append)
    assert await found.keep("documents", {"seq": 1})
    disk.clear()
    impatient(0.01)
    assert not await found.keep("documents", {"seq": 2})
    impatient(60.0)
    newest = asyncio.ensure_future(found.keep("documents", {"seq": 3}))
    await asyncio.sleep(0)
    disk.set()

    assert await newest
    assert {"seq": 3} == state_file.load_facts(tmp_path / "documents")
    assert [] == state_file.find_damaged_copies(tmp_path / "documents")
    assert [("district.not_kept", "documents: the disk hangs", True)] == [
        (note.code, note.text, note.alarm) for note in told
    ]


async def test_while_a_disk_hangs_one_thread_hangs_with_it_and_no_more(tmp_path, disk, told, impatient):
    found = SavedFacts(tmp_path, (), told.append)
    disk.clear()
    impatient(0.01)
    assert not await found.keep("documents", {"seq": 1})
    threads = threading.active_count()
    for seq in (2, 3):
        assert not await found.keep("documents", {"seq": seq})

    assert threads == threading.active_count()
    disk.set()  # the loop waits for its threads when it ends


async def test_a_disk_that_refuses_is_told_by_its_own_words(tmp_path, told):
    found = SavedFacts(tmp_path / "gone", (), told.append)

    assert not await found.keep("keys", {})
    assert ["keys: No such file or directory"] == [note.text for note in told]
