"""The OPC UA server of a simulated plant; the one file of the rig that imports asyncua.

Its security is that of a careful maker: the three policies in force, signed or signed and encrypted, a user
with a password, every client certificate taken (the plant's fitter trusts the building), nothing in clear.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from asyncua import Node, Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeService

from quartier_sim.modbus.endpoints import find_free_port
from quartier_sim.opcua.certificates import Identity
from quartier_sim.opcua.fault_relay import FaultRelay
from quartier_sim.opcua.plants import (
    UNIT_NAMES,
    UNITS_URI,
    AddressSpace,
    OpcuaPlant,
    Variable,
    compute_unit_id,
)

# A client that comes or goes is no news for the screen of a demo.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)
URI = "urn:quartier:rig"
USER, PASSWORD = "operator", "rig-plant"
HOST = "127.0.0.1"
_POLICIES = (
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
)
_TYPES: Mapping[str, tuple[ua.VariantType, Callable[[float], Any]]] = {
    "Double": (ua.VariantType.Double, float),
    "Float": (ua.VariantType.Float, float),
    "UInt32": (ua.VariantType.UInt32, round),
    "Boolean": (ua.VariantType.Boolean, bool),
}


class _UserManager:
    """Users of the server: one, with a password; the certificate belongs to the channel."""

    def get_user(
        self, _server: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        del certificate
        return User(role=UserRole.User) if (username, password) == (USER, PASSWORD) else None


class _AttributeService:
    """The library's attribute service, but the plant accepts a write, or refuses it with a reason."""

    def __init__(self, usual: AttributeService, station: OpcuaPlant) -> None:
        self.variables: dict[ua.NodeId, Variable] = {}
        self.read = usual.read
        self._usual = usual
        self._station = station

    async def write(self, params: ua.WriteParameters, user: User) -> list[ua.StatusCode]:
        return [await self._written(one, user) for one in params.NodesToWrite]

    async def _written(self, one: ua.WriteValue, user: User) -> ua.StatusCode:
        variable = self._ordered(one)
        if variable is None:
            return (await self._usual.write(ua.WriteParameters([one]), user))[0]
        given = one.Value.Value
        value = None if given is None else given.Value
        # Part 4, 5.10.4.4: no conversion, and what is of another type leaves the variable as it is.
        is_kind = given is not None and given.VariantType == _TYPES[variable.kind][0]
        if not is_kind or not isinstance(value, int | float):
            return ua.StatusCode(ua.UInt32(ua.StatusCodes.BadTypeMismatch))
        if not variable.takes(float(value)):
            return ua.StatusCode(ua.UInt32(ua.StatusCodes.BadOutOfRange))
        (status,) = await self._usual.write(ua.WriteParameters([one]), user)
        if status.is_good():
            self._station.take(variable.name, float(value))
        return status

    def _ordered(self, one: ua.WriteValue) -> Variable | None:
        variable = self.variables.get(one.NodeId)
        is_value = one.AttributeId == ua.AttributeIds.Value
        return variable if variable is not None and variable.writable and is_value else None


class OpcuaServer:
    """A station on the network: its server on a private port, and the relay before it."""

    def __init__(self, station: OpcuaPlant, identity: Identity, relay: FaultRelay) -> None:
        self.station = station
        self.identity = identity
        self.relay = relay
        self._server = Server(user_manager=_UserManager())
        self._attributes = _AttributeService(self._server.iserver.attribute_service, station)
        self._nodes: dict[str, ua.NodeId] = {}
        self._since: dict[str, dt.datetime] = {}
        self._changed: dict[str, Variable] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The TCP port for clients."""
        return self.relay.port

    @property
    def url(self) -> str:
        """``opc.tcp://127.0.0.1:port``."""
        return f"opc.tcp://{HOST}:{self.port}"

    async def open(self) -> None:
        """Build the address space and listen."""
        server = self._server
        server.set_endpoint(self.url)
        server.set_server_name(self.station.space.title)
        await server.init()
        await server.set_application_uri(URI)
        server.iserver.attribute_service = self._attributes
        server.set_security_policy(list(_POLICIES))
        server.set_identity_tokens([ua.UserNameIdentityToken])
        await server.load_certificate(self.identity.certificate)
        await server.load_private_key(self.identity.key)
        await self._build(self.station.space)
        self.relay.inner = find_free_port()
        server.socket_address = (HOST, self.relay.inner)
        await server.start()
        self.station.listeners.append(self._hear)
        self._task = asyncio.get_running_loop().create_task(self._tell())

    async def close(self) -> None:
        """Leave the network."""
        self.station.listeners.remove(self._hear)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.relay.close()
        await self._server.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _build(self, space: AddressSpace) -> None:
        index = await self._server.register_namespace(space.uri)
        folder = await self._server.nodes.objects.add_object(
            ua.NodeId(space.title, index), ua.QualifiedName(space.title, index)
        )
        for variable in space.variables:
            await self._add(folder, space, variable, index)

    async def _add(self, folder: Node, space: AddressSpace, variable: Variable, index: int) -> None:
        kind, exact = _TYPES[variable.kind]
        node = await folder.add_variable(
            ua.NodeId(space.identifier(variable), index),
            ua.QualifiedName(variable.name, index),
            exact(variable.start),
            varianttype=kind,
        )
        if variable.writable:
            await node.set_writable()
        if variable.unit:
            await _make_analog(node, variable)
        aspace = self._server.iserver.aspace
        value = ua.AttributeIds.Value
        # The value is requested from the plant at each read: known now, since it changed.
        aspace.set_attribute_value_callback(node.nodeid, value, lambda *_: self._shown(variable))
        aspace.set_attribute_value_setter(node.nodeid, value, lambda *_: None)
        self._nodes[variable.name] = node.nodeid
        self._attributes.variables[node.nodeid] = variable

    def _shown(self, variable: Variable) -> ua.DataValue:
        kind, exact = _TYPES[variable.kind]
        now = dt.datetime.now(dt.UTC)
        return ua.DataValue(
            ua.Variant(exact(self.station.held[variable.name]), kind),
            SourceTimestamp=self._since.setdefault(variable.name, now),
            ServerTimestamp=now,
        )

    def _hear(self, variable: Variable, _value: float) -> None:
        self._since[variable.name] = dt.datetime.now(dt.UTC)
        self._changed[variable.name] = variable
        self._wake.set()

    async def _tell(self) -> None:
        """Let subscriptions know of changes, the newest of each variable."""
        aspace = self._server.iserver.aspace
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, {}
            for variable in changed.values():
                node = self._nodes[variable.name]
                await aspace.write_attribute_value(node, ua.AttributeIds.Value, self._shown(variable))


async def _make_analog(node: Node, variable: Variable) -> None:
    has_type = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
    await node.delete_reference(ua.NodeId(ua.ObjectIds.BaseDataVariableType), has_type)
    await node.add_reference(ua.NodeId(ua.ObjectIds.AnalogItemType), has_type)
    await node.add_property(ua.NodeId(), "0:EURange", ua.Range(Low=variable.low, High=variable.high))
    sign = ua.LocalizedText(UNIT_NAMES[variable.unit])
    unit = ua.EUInformation(UNITS_URI, compute_unit_id(variable.unit), sign, sign)
    await node.add_property(ua.NodeId(), "0:EngineeringUnits", unit)


async def make_server(station: OpcuaPlant, identity: Identity, port: int = 0) -> OpcuaServer:
    """Put a station on the network with this certificate; port 0 becomes a free one and stays the same."""
    relay = FaultRelay(station, HOST, port)
    await relay.listen()
    served = OpcuaServer(station, identity, relay)
    try:
        await served.open()
    except BaseException:
        await relay.close()
        raise
    return served
