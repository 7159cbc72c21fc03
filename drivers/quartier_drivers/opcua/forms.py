"""Between the objects of asyncua and our own words: requests made, messages taken apart.

Beside ``link.py``, which talks, the only user of the library.
"""

from collections.abc import Sequence
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from quartier_drivers.opcua.answer import Value
from quartier_drivers.opcua.offer import ENCRYPT, NONE, SIGN, Offer
from quartier_drivers.opcua.told import Item, Place, Told


def prepared(wanted: Sequence[tuple[Place, int, int | None]], age_max_ms: float) -> Any:
    """A read of (node, attribute, index), made once and sent often; a value may be ``age_max_ms`` old."""
    return ua.ReadParameters(
        age_max_ms,
        ua.TimestampsToReturn.Both,
        [ua.ReadValueId(node_of(place), attribute, range_of(index)) for place, attribute, index in wanted],
    )


_MODES = {
    ua.MessageSecurityMode.None_: NONE,
    ua.MessageSecurityMode.Sign: SIGN,
    ua.MessageSecurityMode.SignAndEncrypt: ENCRYPT,
}
MODES = {name: mode for mode, name in _MODES.items()}


def offers(endpoints: Sequence[Any]) -> list[Offer]:
    """Return what a server offers over this protocol."""
    return [
        Offer(
            one.SecurityPolicyUri.rpartition("#")[2], _MODES[one.SecurityMode], one.ServerCertificate or b""
        )
        for one in endpoints
        if one.SecurityMode in _MODES and "opc.tcp:" in (one.EndpointUrl or "")
    ]


def heard(result: Any) -> Told:
    """Return what a message of a subscription says, its values as those of a read."""
    message = result.NotificationMessage
    changes: list[tuple[int, Value]] = []
    ended = 0
    for data in message.NotificationData or ():
        if isinstance(data, ua.DataChangeNotification):
            changes += [(one.ClientHandle, value_of(one.Value)) for one in data.MonitoredItems or ()]
        elif isinstance(data, ua.StatusChangeNotification):
            ended = data.Status.value
    return Told(ticks_of(message.PublishTime), changes, ended)


def value_of(found: Any) -> Value:
    """A DataValue of the library; what no point could take is None."""
    variant = found.Value
    raw, kind = (None, 0) if variant is None else (variant.Value, variant.VariantType.value)
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, ua.LocalizedText):
        raw = raw.Text
    if not isinstance(raw, bool | int | float | str):
        raw = None
    code = 0 if found.StatusCode is None else found.StatusCode.value
    return Value(raw, kind, code, ticks_of(found.SourceTimestamp), ticks_of(found.ServerTimestamp))


def request(item: Item) -> Any:
    """The request to watch an item; with a filter only where that says something."""
    parameters = ua.MonitoringParameters(
        ClientHandle=item.handle, SamplingInterval=item.sampling_ms, QueueSize=item.queue
    )
    if item.deadband or item.by_source:  # else: the value or its status
        trigger = ua.DataChangeTrigger(1 + item.by_source)
        parameters.Filter = ua.DataChangeFilter(trigger, int(item.deadband > 0), item.deadband)
    return ua.MonitoredItemCreateRequest(
        ua.ReadValueId(node_of(item.place), ua.AttributeIds.Value, range_of(item.element)),
        ua.MonitoringMode.Reporting,
        parameters,
    )


def node_of(place: Place) -> Any:
    """A node as the library's."""
    return ua.NodeId(place[1], place[0])


def place_of(node: Any) -> Place:
    """One of the library's nodes as ours."""
    return node.NamespaceIndex, node.Identifier


def range_of(index: int | None) -> str | None:
    """An element of an array, as the standard writes it (OPC 10000-4, 7.27)."""
    return None if index is None else str(index)


def ticks_of(moment: Any) -> int:
    """100 ns since 1601; 0 where there is no moment."""
    return 0 if moment is None else ua.datetime_to_win_epoch(moment)


def warm() -> None:
    """Have the library make the codecs of all messages that are used: in a thread, for it takes 60 ms."""
    item = request(Item((0, 1), None, 0, 1.0, 1, 1.0, by_source=False))
    change = ua.MonitoredItemNotification(0, ua.DataValue())
    watch = ua.CreateMonitoredItemsParameters(0, ua.TimestampsToReturn.Both, [item])
    told = ua.NotificationMessage(NotificationData=[ua.DataChangeNotification([change])])
    for name in _MESSAGES:
        for kind in (f"{name}Request", f"{name}Response"):
            one = getattr(ua, kind)()
            if kind == "CreateMonitoredItemsRequest":
                one.Parameters = watch
            elif kind == "PublishResponse":
                one.Parameters.NotificationMessage = told
            struct_from_binary(type(one), Buffer(struct_to_binary(one)))


_MESSAGES = (
    *("GetEndpoints", "OpenSecureChannel", "CreateSession", "ActivateSession", "CloseSession"),
    *("Read", "Write", "CreateSubscription", "CreateMonitoredItems", "DeleteSubscriptions", "Publish"),
    *("Browse", "TranslateBrowsePathsToNodeIds"),
)
