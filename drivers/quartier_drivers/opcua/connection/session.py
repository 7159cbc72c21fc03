"""One session with an OPC UA server; only this module exchanges messages by asyncua.

The session is opened step by step, without the library's supervisor, which would ask each server once a
second.  Loss, silence and new connections are decided above this module, by the daemon's clock.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies as policies
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.opcua.connection import library_types, status_codes
from quartier_drivers.opcua.connection.library_types import record_connection
from quartier_drivers.opcua.connection.read_response import RawValue
from quartier_drivers.opcua.connection.session_types import (
    VALUE_ATTRIBUTE,
    ChildNode,
    IdentityRefused,
    ItemResult,
    LoginRefused,
    MonitoredItem,
    NodePlace,
    ServerSilent,
    SessionAccess,
    Subscription,
    SubscriptionNotification,
    TooLarge,
)
from quartier_drivers.opcua.endpoint_choice import DEFAULT_PORT, ENCRYPT_MODE, EndpointOffer
from quartier_drivers.transport.frame_recorder import FrameRecorder

# Errors are raised and reported once; the library would log each failed attempt with its traceback.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

_SESSION_MS = 120_000
ReceiveNotification = Callable[[SubscriptionNotification], None]
# The server sends us no larger messages: one of them would block the loop for too long.
_MESSAGE_MAX_BYTES = 1 << 20
_RESET, _FLUSH = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)  # of SO_LINGER
_CHANNEL_SHARE = 0.75  # OPC 10000-4, 5.5.2: a token is renewed after 75 % of its life


async def fetch_server_offers(url: str, address: str, timeout_s: float) -> list[EndpointOffer]:
    """Return the endpoints of the server at ``url``, asked for without a session.  Raises LinkLost."""
    client = Client(url, timeout=timeout_s)
    with _translate_errors(url):
        try:
            await _connect(client, address)
            found = await client.get_endpoints()
        finally:
            await _disconnect(client, politely=True)
    return library_types.convert_offers(found)


class OpcuaSession:
    """A secure channel and an activated session on it."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._renew_s = 0.0
        client = self._client = Client(url, timeout=timeout_s)
        client.session_timeout, client.max_messagesize = _SESSION_MS, _MESSAGE_MAX_BYTES
        client.name = client.description = "Quartier"
        client.product_uri = "urn:quartier"

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as the kernel knows."""
        return self._client.uaclient.state is UaClientState.CONNECTED

    async def open(self, address: str, access: SessionAccess) -> None:
        """Connect to ``address``, open the channel, log in.  Raises LinkLost or LoginRefused."""
        client = self._client
        client.application_uri = access.own.uri
        with _translate_errors(self._url):
            try:
                await asyncio.to_thread(self._secure, access)
                await _connect(client, address)
                self._renew_s = _find_loop_time_s() + client.secure_channel_timeout / 1000 * _CHANNEL_SHARE
                made = await client.create_session()
                self._as_offered(access, library_types.convert_offers(made.ServerEndpoints))
                await self._in_date(access)
                await self._log_in(access)
            except TimeoutError:
                await _disconnect(client, politely=False)
                raise
            except BaseException:
                await _disconnect(client, politely=True)
                raise

    def _secure(self, access: SessionAccess) -> None:
        """Load keys and certificates; runs in a thread, since checking a user's private key takes 40 ms.

        Our own key is not checked: we made it, and the release of safe values has no time for that.
        """
        client, offer = self._client, access.offer
        if access.user_certificate:
            client.user_certificate = x509.load_der_x509_certificate(access.user_certificate)
            client.user_private_key = load_pem_private_key(access.user_key, None)
        if offer.policy != "None":
            server, ours = (
                x509.load_der_x509_certificate(der) for der in (offer.certificate, access.own.der)
            )
            policy = getattr(policies, f"SecurityPolicy{offer.policy.replace('_', '')}")
            key = load_pem_private_key(access.own.key, None, unsafe_skip_rsa_key_validation=True)
            client.security_policy = policy(server, ours, key, library_types.MODES[offer.mode])
            client.uaclient.set_security(client.security_policy)

    def _as_offered(self, access: SessionAccess, signed: Sequence[EndpointOffer]) -> None:
        """Check that the signed endpoints equal those offered before the signature (OPC 10000-4, 5.6.2).

        Raises LoginRefused if the server has a better one: somebody in between may have removed it.
        """
        there = {(one.policy, one.mode) for one in signed}
        best = next((one for one in access.allowed if one in there), None)
        if best is not None and best != (access.offer.policy, access.offer.mode):
            raise LoginRefused(
                f"{self._url} has {best[0]} and was said to have not: somebody may be in between"
            )

    async def _in_date(self, access: SessionAccess) -> None:
        """Refuse a certificate that is not valid now.  Raises LoginRefused."""
        if not access.offer.certificate or access.offer.policy == "None":
            return
        check = CertificateValidator(CertificateValidatorOptions.TIME_RANGE)
        try:
            await check(x509.load_der_x509_certificate(access.offer.certificate), ua.ApplicationDescription())
        except ServiceError as error:
            if error.code == ua.StatusCodes.BadCertificateTimeInvalid:
                raise LoginRefused(
                    f"{self._url}: its certificate is not valid today; have it renewed"
                ) from error

    async def _log_in(self, access: SessionAccess) -> None:
        client = self._client
        if access.user and access.offer.mode != ENCRYPT_MODE:
            token = client.server_policy(ua.UserTokenType.UserName)
            if token.SecurityPolicyUri in (None, "", policies.SecurityPolicyNone.URI):
                raise LoginRefused(
                    f"{self._url} would have the password unencrypted; expected a secure policy"
                )
        try:
            name, word = access.user or None, access.password or None
            await client.activate_session(name, word, client.user_certificate)
        except ua.UaStatusCodeError as error:
            code = status_codes.strip_info_bits(error.code)
            if code in status_codes.LOGIN_CODES:
                why = f"{status_codes.render_status(code)}; {status_codes.LOGIN_CODES[code]}"
                raise IdentityRefused(f"{self._url} does not let us in: {why}") from error
            raise

    async def close(self, *, politely: bool) -> None:
        """Close session and connection; ``politely``: tell the server and await its answer."""
        await _disconnect(self._client, politely=politely)

    def record(self, tape: Callable[[], FrameRecorder | None]) -> None:
        """Record the traffic to ``tape`` from now on, while there is one."""
        protocol = self._client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            record_connection(protocol, tape)

    async def renew(self) -> None:
        """Renew the channel's keys if it is time.  Raises LinkLost or NoReply."""
        if _find_loop_time_s() < self._renew_s:
            return
        with _translate_errors(self._url):
            await self._client.open_secure_channel(renew=True)
            self._client.uaclient.revolve_security_token()
        self._renew_s = _find_loop_time_s() + self._client.secure_channel_timeout / 1000 * _CHANNEL_SHARE

    # Reading and writing

    async def read(self, prepared: Any) -> bytes:
        """Return the answer to a prepared read, as received.  Raises TooLarge, NoReply or LinkLost."""
        request, protocol = ua.ReadRequest(), self._client.uaclient.protocol
        request.Parameters = prepared
        if protocol is None:
            raise LinkLost(f"{self._url} closed the connection")
        with _translate_errors(self._url):
            return bytes(await protocol.send_request(request))

    async def write(self, writes: Sequence[tuple[NodePlace, int | None, int, RawValue]]) -> list[int]:
        """Write (node, index, type, value) and return the status code of each.

        Raises TooLarge, NoReply or LinkLost.
        """
        params = ua.WriteParameters()
        for place, index, kind, raw in writes:
            variant = ua.Variant(
                raw if index is None else [raw], ua.VariantType(kind), is_array=index is not None
            )
            # Neither status nor stamps: many servers refuse a write that brings its own.
            params.NodesToWrite.append(
                ua.WriteValue(
                    library_types.make_library_node(place),
                    ua.AttributeIds.Value,
                    library_types.render_range(index),
                    ua.DataValue(variant, StatusCode=None),
                )
            )
        with _translate_errors(self._url):
            return [one.value for one in await self._client.uaclient.write(params)]

    # Subscribing

    async def subscribe(
        self, publishing_ms: float, keep_alive_count: int, most: int, hear: ReceiveNotification
    ) -> Subscription:
        """Make a subscription; ``hear`` is called with each message of at most ``most`` changes."""
        params = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ms,
            RequestedLifetimeCount=max(60, 10 * keep_alive_count),
            RequestedMaxKeepAliveCount=keep_alive_count,
            MaxNotificationsPerPublish=most,
        )
        with _translate_errors(self._url):
            made = await self._client.uaclient.create_subscription(
                params, lambda result: hear(library_types.convert_notification(result))
            )
        alive_count, interval_ms = made.RevisedMaxKeepAliveCount, made.RevisedPublishingInterval
        return Subscription(made.SubscriptionId, interval_ms, alive_count, made.RevisedLifetimeCount)

    async def watch(self, subscription: int, items: Sequence[MonitoredItem]) -> list[ItemResult]:
        """Make the server monitor items.  Raises TooLarge, NoReply or LinkLost."""
        params = ua.CreateMonitoredItemsParameters(
            subscription,
            ua.TimestampsToReturn.Both,
            [library_types.make_item_request(item) for item in items],
        )
        with _translate_errors(self._url):
            made = await self._client.uaclient.create_monitored_items(params)
        return [ItemResult(one.StatusCode.value, one.RevisedSamplingInterval) for one in made]

    async def unsubscribe(self, subscription: int) -> None:
        """End a subscription, even if the server has already forgotten it."""
        with _translate_errors(self._url):
            await self._client.uaclient.delete_subscriptions([subscription])

    # Looking around

    async def children(self, place: NodePlace, most: int = 1000) -> list[ChildNode]:
        """Return the nodes below a node, by hierarchical references.  Raises NoReply or LinkLost."""
        found = await self._browse(place, ua.BrowseDirection.Forward, "HierarchicalReferences", most)
        return [
            ChildNode(library_types.convert_node(one.NodeId), one.BrowseName.Name or "", one.NodeClass.name)
            for one in found
        ]

    async def parent_types(self, place: NodePlace) -> list[NodePlace]:
        """Return the types that a type is a subtype of: one, or none.  Raises NoReply or LinkLost."""
        found = await self._browse(place, ua.BrowseDirection.Inverse, "HasSubtype", 0)
        return [library_types.convert_node(one.NodeId) for one in found]

    async def _browse(self, place: NodePlace, direction: Any, references: str, most: int) -> list[Any]:
        kind = ua.NodeId(getattr(ua.ObjectIds, references))
        everything = ua.BrowseResultMask.All
        description = ua.BrowseDescription(
            library_types.make_library_node(place), direction, kind, True, 0, everything
        )
        params = ua.BrowseParameters(ua.ViewDescription(), most, [description])
        found: list[Any] = []
        with _translate_errors(self._url):
            (result,) = await self._client.uaclient.browse(params)
            while True:
                result.StatusCode.check()
                found += result.References or ()
                if not result.ContinuationPoint:
                    return found
                after = ua.BrowseNextParameters(False, [result.ContinuationPoint])
                (result,) = await self._client.uaclient.browse_next(after)

    async def properties(self, places: Sequence[NodePlace], name: str) -> list[NodePlace | None]:
        """Return the property ``name`` in the standard's namespace, of each node that has one."""
        step = ua.RelativePathElement(
            ua.NodeId(ua.ObjectIds.HasProperty), False, True, ua.QualifiedName(name, 0)
        )
        paths = [
            ua.BrowsePath(library_types.make_library_node(place), ua.RelativePath([step])) for place in places
        ]
        with _translate_errors(self._url):
            results = await self._client.uaclient.translate_browsepaths_to_nodeids(paths)
        return [
            library_types.convert_node(one.Targets[0].TargetId)
            if one.StatusCode.is_good() and one.Targets
            else None
            for one in results
        ]

    async def objects(self, places: Sequence[NodePlace], attribute: int = VALUE_ATTRIBUTE) -> list[Any]:
        """Return attributes that are no plain scalars, as the library reads them; None for missing ones."""
        params = library_types.prepare_read([(place, attribute, None) for place in places], 0.0)
        with _translate_errors(self._url):
            found = await self._client.uaclient.read(params)
        return [
            one.Value.Value if one.StatusCode is None or one.StatusCode.is_good() else None for one in found
        ]


# Exceptions of the library for an invalid answer.
_GARBLED_ERRORS = (
    ua.UaError,
    struct.error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
)


@contextmanager
def _translate_errors(url: str) -> Iterator[None]:
    """Translate the library's errors into ours, which state what the caller does next."""
    try:
        yield
    except ua.UaStatusCodeError as error:
        raise _find_error(url, error.code) from error
    except TimeoutError as error:
        raise ServerSilent(f"{url} is silent") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise LinkLost(f"{url}: {why}") from error
    except InvalidSignature as error:
        raise LoginRefused(
            f"{url}: its signature is wrong: it does not have the key of its certificate"
        ) from error
    except _GARBLED_ERRORS as error:
        raise NoReply(f"{url} answered rubbish: {error}") from error


def _find_error(url: str, code: int) -> Exception:
    what, name = status_codes.strip_info_bits(code), status_codes.render_status(code)
    if what in status_codes.TOO_LARGE_CODES:
        return TooLarge(f"{url}: {name}")
    if what in status_codes.UNTRUSTED_CODES:
        return LoginRefused(
            f"{url} refuses our certificate ({name}): have the server trust it, see quartier trust"
        )
    if what in status_codes.GONE_CODES:
        return LinkLost(f"{url}: {name}")
    return NoReply(f"{url}: {name}")


async def _connect(client: Client, address: str) -> None:
    """Open a channel to the server of the client's URL at this address of its host."""
    await client.uaclient.connect_socket(address, client.server_url.port or DEFAULT_PORT)
    _set_linger(client, _RESET)
    await client.send_hello()
    await client.open_secure_channel()


async def _disconnect(client: Client, *, politely: bool) -> None:
    """Close the connection; a session that stays open is one of few on the server."""
    protocol = client.uaclient.protocol
    if politely:
        _set_linger(client, _FLUSH)
    elif protocol is not None and protocol.transport is not None:
        protocol.transport.abort()
        await asyncio.sleep(0)  # the library hears of it, and then waits for no answer
    with suppress(*_GARBLED_ERRORS, OSError):
        await client.close_session()
    if politely:
        with suppress(*_GARBLED_ERRORS, OSError):
            await client.close_secure_channel()
    client.disconnect_socket()


def _set_linger(client: Client, how: bytes) -> None:
    """Set how the kernel ends the connection.

    Unless it is closed politely it is reset.  So the kernel does not send an order again that was given up,
    once the network is back.  And open62541, which for ever counts a connection that just ends among its 100,
    is rid of it; also after our ``kill -9``.
    """
    protocol = client.uaclient.protocol
    if protocol is not None and protocol.transport is not None:
        with suppress(OSError):
            protocol.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)


def _find_loop_time_s() -> float:
    return asyncio.get_running_loop().time()
