"""Between the library's objects and our words."""

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import create_dataclass_serializer

from quartier_drivers.opcua.connection import library_types
from quartier_drivers.opcua.connection.session_types import MonitoredItem


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
