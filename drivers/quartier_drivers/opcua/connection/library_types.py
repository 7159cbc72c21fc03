"""Convert between asyncua's objects and ours; record its connection.

Only this module and ``session.py``, which makes the exchanges, use the library.

A connection is recorded only from the login on: the login may contain a password.
"""

from collections.abc import Callable, Sequence
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from quartier_drivers.opcua.connection.read_response import NodeValue
from quartier_drivers.opcua.connection.session_types import (
    MonitoredItem,
    NodePlace,
    SubscriptionNotification,
)
from quartier_drivers.opcua.endpoint_choice import ENCRYPT_MODE, NO_SECURITY_MODE, SIGN_MODE, EndpointOffer
from quartier_drivers.transport.frame_recorder import FrameRecorder


def prepare_read(wanted: Sequence[tuple[NodePlace, int, int | None]], age_max_ms: float) -> Any:
    """Return a read of (node, attribute, index), made once and sent often.

    A value may be ``age_max_ms`` old.
    """
    return ua.ReadParameters(
        age_max_ms,
        ua.TimestampsToReturn.Both,
        [
            ua.ReadValueId(make_library_node(place), attribute, render_range(index))
            for place, attribute, index in wanted
        ],
    )


_MODES = {
    ua.MessageSecurityMode.None_: NO_SECURITY_MODE,
    ua.MessageSecurityMode.Sign: SIGN_MODE,
    ua.MessageSecurityMode.SignAndEncrypt: ENCRYPT_MODE,
}
MODES = {name: mode for mode, name in _MODES.items()}


def convert_offers(endpoints: Sequence[Any]) -> list[EndpointOffer]:
    """Return the endpoints that a server offers over this protocol."""
    return [
        EndpointOffer(
            one.SecurityPolicyUri.rpartition("#")[2], _MODES[one.SecurityMode], one.ServerCertificate or b""
        )
        for one in endpoints
        if one.SecurityMode in _MODES and "opc.tcp:" in (one.EndpointUrl or "")
    ]


def convert_notification(result: Any) -> SubscriptionNotification:
    """Return the content of a subscription's message, its values as those of a read."""
    message = result.NotificationMessage
    changes: list[tuple[int, NodeValue]] = []
    ended = 0
    for data in message.NotificationData or ():
        if isinstance(data, ua.DataChangeNotification):
            changes += [(one.ClientHandle, convert_value(one.Value)) for one in data.MonitoredItems or ()]
        elif isinstance(data, ua.StatusChangeNotification):
            ended = data.Status.value
    return SubscriptionNotification(convert_time(message.PublishTime), changes, ended)


def convert_value(found: Any) -> NodeValue:
    """Return a DataValue of the library as ours; the value is None if no point could take it."""
    variant = found.Value
    raw, kind = (None, 0) if variant is None else (variant.Value, variant.VariantType.value)
    if isinstance(raw, list) and len(raw) == 1:
        raw = raw[0]
    if isinstance(raw, ua.LocalizedText):
        raw = raw.Text
    if not isinstance(raw, bool | int | float | str):
        raw = None
    code = 0 if found.StatusCode is None else found.StatusCode.value
    return NodeValue(
        raw, kind, code, convert_time(found.SourceTimestamp), convert_time(found.ServerTimestamp)
    )


def make_item_request(item: MonitoredItem) -> Any:
    """Return the request to monitor an item, with a filter only if it is needed."""
    parameters = ua.MonitoringParameters(
        ClientHandle=item.handle, SamplingInterval=item.sampling_ms, QueueSize=item.queue
    )
    if item.deadband or item.by_source:  # else: the value or its status
        trigger = ua.DataChangeTrigger(1 + item.by_source)
        parameters.Filter = ua.DataChangeFilter(trigger, int(item.deadband > 0), item.deadband)
    return ua.MonitoredItemCreateRequest(
        ua.ReadValueId(make_library_node(item.place), ua.AttributeIds.Value, render_range(item.element)),
        ua.MonitoringMode.Reporting,
        parameters,
    )


def make_library_node(place: NodePlace) -> Any:
    """Return a node as the library's."""
    return ua.NodeId(place[1], place[0])


def convert_node(node: Any) -> NodePlace:
    """Return a node of the library as ours."""
    return node.NamespaceIndex, node.Identifier


def render_range(index: int | None) -> str | None:
    """Return an element of an array as the standard writes it (OPC 10000-4, 7.27)."""
    return None if index is None else str(index)


def convert_time(moment: Any) -> int:
    """Return a moment in 100 ns since 1601; 0 if there is none."""
    return 0 if moment is None else ua.datetime_to_win_epoch(moment)


def load_message_types() -> None:
    """Make the library create the codecs of all messages in use; call it in a thread, it takes 60 ms."""
    item = make_item_request(MonitoredItem((0, 1), None, 0, 1.0, 1, 1.0, by_source=False))
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


def record_connection(protocol: Any, tape: Callable[[], FrameRecorder | None]) -> None:
    """Record all received and sent data of a connected asyncio protocol to ``tape``, while there is one."""
    transport = protocol.transport
    hear, send = protocol.data_received, transport.write

    def record_and_hear(data: bytes) -> None:
        recorder = tape()
        if recorder is not None:
            recorder.record_received(bytes(data))
        hear(data)

    def record_and_send(data: bytes) -> None:
        recorder = tape()
        if recorder is not None:
            recorder.record_sent(bytes(data))
        send(data)

    protocol.data_received, transport.write = record_and_hear, record_and_send
    recorder = tape()
    if recorder is not None:
        both = map(transport.get_extra_info, ("sockname", "peername"))
        ends = [f"{host}:{port}" for host, port, *_ in both]
        recorder.mark("opened", "logged in; what went before is not kept", *ends)
