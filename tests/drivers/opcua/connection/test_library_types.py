"""Between the library's objects and our words."""

import time

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import create_dataclass_serializer
from tests.drivers.opcua.conftest import URI
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.opcua.connection import library_types
from quartier_drivers.opcua.connection.session_types import VALUE_ATTRIBUTE, MonitoredItem
from quartier_drivers.opcua.node_types import parse_node
from quartier_drivers.transport.frame_recorder import FrameRecorder


def test_a_message_of_a_subscription_becomes_plain_values():
    change = ua.MonitoredItemNotification(3, ua.DataValue(ua.Variant(ua.LocalizedText("warm"))))
    odd = ua.MonitoredItemNotification(4, ua.DataValue(ua.Variant([1, 2])))
    message = ua.NotificationMessage(
        NotificationData=[
            ua.DataChangeNotification([change, odd]),
            ua.StatusChangeNotification(ua.StatusCode(0x800A0000)),
        ]
    )

    told = library_types.convert_notification(ua.PublishResult(7, NotificationMessage=message))

    assert [(3, "warm"), (4, None)] == [(handle, value.raw) for handle, value in told.changes]
    assert (0x800A0000, True) == (told.ended, told.sent > 0)


@pytest.mark.parametrize(
    ("deadband", "by_source", "trigger", "kind"),
    [(0.0, False, None, None), (2.5, False, 1, 1), (0.0, True, 2, 0), (2.5, True, 2, 1)],
)
def test_a_filter_is_asked_for_only_where_it_says_something(deadband, by_source, trigger, kind):
    made = library_types.make_item_request(
        MonitoredItem((2, "x"), None, 0, 1000.0, 1, deadband, by_source)
    ).RequestedParameters.Filter

    if trigger is None:
        assert not isinstance(made, ua.DataChangeFilter)
    else:
        assert (trigger, kind, deadband) == (made.Trigger, made.DeadbandType, made.DeadbandValue)


def test_after_warming_no_message_has_to_be_prepared():
    create_dataclass_serializer.cache_clear()
    library_types.load_message_types()
    before = create_dataclass_serializer.cache_info().misses

    create_dataclass_serializer(ua.ReadRequest)
    create_dataclass_serializer(ua.CreateMonitoredItemsRequest)
    create_dataclass_serializer(ua.DataChangeFilter)

    assert before == create_dataclass_serializer.cache_info().misses


def test_an_element_is_asked_for_as_the_standard_writes_it():
    made = library_types.prepare_read([((2, "x"), 13, 3), ((0, 2258), 13, None)], 500.0)

    assert ["3", None] == [one.IndexRange for one in made.NodesToRead]
    assert (2, "x") == library_types.convert_node(made.NodesToRead[0].NodeId)


@pytest.fixture
async def taped(line):
    """(the line, its tape), connected anew so that the tape heard all of it."""
    tape = FrameRecorder(time.monotonic_ns, 1_000_000, 60)
    await line.close()
    line.record(tape)
    await line.open()
    return line, tape


async def asked(line):
    place = line.place(parse_node(f"nsu={URI};s=Power"))
    return await line.read(line.prepare_read([(place, VALUE_ATTRIBUTE, None)], 0.0), 1)


async def test_a_read_and_its_answer_are_on_the_tape(taped):
    line, tape = taped
    before = [frame.way for frame in tape.frames()]
    await asked(line)
    after = [frame.way for frame in tape.frames()][len(before) :]

    assert "opened" == before[0]
    assert ["out", "in"] == after
    assert all(frame.data[:3] in (b"MSG", b"OPN") for frame in tape.frames() if frame.data)


async def test_a_tape_that_is_taken_away_hears_no_more_and_the_line_goes_on(taped):
    line, tape = taped
    line.record(None)
    before = len(list(tape.frames()))

    assert await asked(line)
    assert before == len(list(tape.frames()))


@pytest.mark.peer
async def test_tshark_knows_each_message_without_a_setting(taped, tmp_path):
    line, tape = taped
    await asked(line)
    path = tmp_path / "a.pcapng"
    frames = tuple(tape.frames())
    path.write_bytes(
        record_file.make_file(WireRecord("plant", "opcua", "", "", frames[0].ns, 1_795_873_517_250, frames))
    )

    kinds = [row[0] for row in fields(path, "opcua.transport.type", wanted="opcua")]
    assert len(frames) - 1 == len(kinds)
    assert {"MSG"} == set(kinds)
