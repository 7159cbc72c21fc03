"""The companion's talk: inbox and acknowledgements stay bounded, events keep their key."""

import json

import pytest

from quartier.control.wishes import Ack
from quartier.district.companion import ACKS_MAX, INBOX_MAX, Companion, encode_event
from quartier.district.documents import Documents, encode_ack
from quartier.district.line import Teller
from quartier.district.voice import Identity
from quartier.house.sample import Mark, Sample

ME = Identity("issy", "b012")
NOW_MS = 1_764_000_000_000


@pytest.fixture
def companion(world):
    class Clock:
        def now(self):
            return world.now

    async def keep(_name, _facts):
        return True

    told = []
    delivered = []
    clock = Clock()
    found = Companion(
        ME,
        Documents(ME, {}),
        world.notebook,
        clock,
        Teller(clock, told.append),
        keep,
        lambda *mark: delivered.append(mark),
    )
    found.told, found.delivered = told, delivered
    return found


def test_an_ack_on_the_wire():
    ack = Ack("e1", 5, "envelope", "OK", "ACCEPTED")
    assert {
        "id": "e1",
        "seq": 5,
        "type": "envelope",
        "reception": "OK",
        "status": "ACCEPTED",
        "reason": "",
        "ts": NOW_MS,
    } == json.loads(encode_ack(ack, NOW_MS))


async def test_what_is_refused_is_answered_counted_and_said_once(companion):
    for _ in range(200):
        await companion.hear(f"{ME.companion}/envelope/dso", b'{"id": "e", "seq": 3}', None)
    assert (ACKS_MAX, 200, 0) == (
        len(companion.acks),
        companion.counts["refused_documents"],
        len(companion.inbox),
    )
    assert ("e", 3, "BAD_SIG") == (companion.acks[0].id, companion.acks[0].seq, companion.acks[0].reason)
    assert ["district.document_refused"] == [note.code for note in companion.told]
    assert companion.inbox.maxlen == INBOX_MAX


async def test_a_topic_that_is_none_of_ours_changes_nothing(companion):
    await companion.hear("quartier/v1/issy/b013/envelope/dso", b"{}", None)
    assert (0, []) == (len(companion.acks), companion.told)


def test_a_refused_publish_is_an_alarm_and_a_taken_event_is_delivered(companion):
    companion.on_acknowledged(Ack("e", 1, "envelope", "OK", "NEW"), 0x87)
    companion.on_acknowledged(Mark(7, 3), 0)
    companion.on_acknowledged(Ack("e", 1, "envelope", "OK", "NEW"), 0)
    assert [("district.publish_refused", True)] == [(note.code, note.alarm) for note in companion.told]
    assert [("event", Mark(7, 3))] == companion.delivered


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ('{"text":"two missing","data":{"count":2}}', "two missing", {"count": 2}),
        ("plain words", "plain words", {}),
        ("[1]", "[1]", {}),
    ],
)
def test_an_event_on_the_wire(value, text, data):
    sample = Sample("event", 7, 3, "store.gap", NOW_MS, value)
    expected = {"boot": 7, "seq": 3, "ts": NOW_MS, "code": "store.gap", "text": text, "data": data}
    assert expected == json.loads(encode_event(sample))
