"""Which package may import which (architecture.md#import-rules), checked on the syntax tree."""

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.house.conftest import ROOTS

CONTRACT = tuple(
    f"quartier_drivers.{name}" for name in ("contract", "readings", "abilities", "points", "errors")
)
METERS = ("tic", "p1", "iec62056", "sml", "dlms", "mbus")
PROFILES = tuple(
    f"quartier_drivers.{name}"
    for name in (
        *(
            f"device_profile.{name}"
            for name in (
                *("loading", "profile_check", "register_profile", "schema", "register_address", "rules"),
                "fallback_rules",
                *("toml_files", "toml_positions", "toml_syntax"),
            )
        ),
        *(f"meter.{name}" for name in ("profile", "schema", "units")),
        *(f"sunspec.{name}" for name in ("profile", "schema", "models")),
        *(f"opcua.{name}" for name in ("profile", "schema", "node_types")),
        *(f"bacnet.{name}" for name in ("profile", "schema", "standard_names")),
        "gpio.profile",
        "modbus.sharing.register_spans",
    )
)
DESCRIPTIONS = tuple(f"quartier_drivers.{name}" for name in ("registry", "protocol", "meter.protocol"))
RIG = ("quartier_sim", "quartier_district", "quartier_native")
NO_GATEWAY = ("quartier_sim", "quartier_district", "quartier_hil", "quartier_bench")
SHARE_PURE = ("client_limits", "client_requests", "pending_requests")
IO_MODULES = ("asyncio", "logging", "socket", "sqlite3", "subprocess", "threading", "time")


@dataclass(frozen=True)
class Room:
    """``ours`` and ``outside`` are prefixes of what may be imported besides the standard library.

    A pure room has no I/O, no log, no task and no clock.
    """

    prefix: str
    ours: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    pure: bool = False


# The first room whose prefix fits a module holds for it.
ROOMS = (
    Room("quartier_native", ("quartier_native",), pure=True),
    Room("quartier_drivers.transport.serial_ports", CONTRACT, ("serial",)),
    Room("quartier_drivers.modbus.bus_section", ("quartier_drivers.registry",), ("pydantic",), pure=True),
    Room("quartier_drivers.gpio.bus_section", (), ("pydantic",), pure=True),
    Room("quartier_drivers.meter.bus_section", ("quartier_drivers.registry",), ("pydantic",), pure=True),
    Room(
        "quartier_drivers.opcua.bus_section",
        ("quartier_drivers.registry", "quartier_drivers.opcua.endpoint_choice"),
        ("pydantic",),
        pure=True,
    ),
    Room("quartier_drivers.opcua.connection.session", ("quartier_drivers",), ("asyncua", "cryptography")),
    Room("quartier_drivers.opcua.connection.library_types", ("quartier_drivers",), ("asyncua",)),
    Room("quartier_drivers.opcua.connection.credentials", ("quartier_drivers.errors",), ("cryptography",)),
    *(
        Room(f"quartier_drivers.opcua.{name}", ("quartier_drivers",), pure=True)
        for name in (
            *("endpoint_choice", "read_batch", "served_points"),
            *("connection.read_response", "connection.status_codes"),
        )
    ),
    Room(
        "quartier_drivers.bacnet.bus_section", ("quartier_drivers.bacnet.address",), ("pydantic",), pure=True
    ),
    Room("quartier_drivers.bacnet.address", (), pure=True),
    Room("quartier_drivers.bacnet.network.library", ("quartier_drivers", "quartier_native"), ("bacpypes3",)),
    Room("quartier_drivers.gpio.chip", ("quartier_drivers",), ("gpiod",)),
    *(Room(name, (*CONTRACT, *PROFILES, *DESCRIPTIONS), ("pydantic",), pure=True) for name in PROFILES),
    Room("quartier_drivers.device_profile.proof_files", (*CONTRACT, *PROFILES), ("pydantic",), pure=True),
    Room("quartier_drivers.device_profile.proof_check", ("quartier_drivers",), pure=True),
    Room("quartier_drivers.meter.mbus.scan", ("quartier_drivers",), ("pydantic",)),  # opens ports
    Room("quartier_drivers.meter.mbus.scan_report", ("quartier_drivers",)),
    # Framing and conversations are pure; what does I/O for them is beside them.
    *(
        Room(
            f"quartier_drivers.meter.{name}",
            ("quartier_drivers", "quartier_native"),
            ("cryptography",),
            pure=True,
        )
        for name in METERS
    ),
    # The codec of BACnet's hot path.
    Room("quartier_drivers.bacnet.codec", ("quartier_drivers", "quartier_native"), pure=True),
    Room(
        "quartier_drivers.bacnet.network.property_reads", ("quartier_drivers", "quartier_native"), pure=True
    ),
    *(
        Room(f"quartier_drivers.modbus.sharing.{name}", ("quartier_drivers", "quartier_native"), pure=True)
        for name in SHARE_PURE
    ),
    # They check what a URL or a release table says of a bus, by the model of its section.
    Room("quartier_drivers.modbus.discovery.reader", ("quartier_drivers",), ("pydantic",)),
    Room("quartier_drivers.bacnet.discovery.reader", ("quartier_drivers", "quartier_native"), ("pydantic",)),
    Room("quartier_drivers.modbus.factory", ("quartier_drivers",), ("pydantic",)),
    Room("quartier_drivers.opcua.reader", ("quartier_drivers",), ("pydantic",)),
    Room("quartier_drivers", ("quartier_drivers", "quartier_native")),
    Room("quartier.site", ("quartier.site", *CONTRACT), pure=True),
    Room("quartier.control", ("quartier.control", "quartier.site", "quartier_native", *CONTRACT), pure=True),
    # The task that plans: it reads site file, control state and history, and asks the pure planner.
    Room(
        "quartier.planning.service",
        (
            *(
                "quartier.planning",
                "quartier.config",
                "quartier.control",
                "quartier.site",
                "quartier.runtime",
            ),
            *("quartier.store.history_reader", "quartier_native", *CONTRACT),
        ),
        ("structlog",),
    ),
    Room(
        "quartier.planning",
        (
            *(
                "quartier.planning",
                "quartier.control.requests",
                "quartier.control.reason",
                "quartier.control.observe.local_time",
            ),
            *("quartier.site", "quartier_native", *CONTRACT),
        ),
        pure=True,
    ),
    # It reads the list of alarms of the running gateway, and no more of it.
    Room("quartier.notification.message_queue", ("quartier.site",), pure=True),
    Room(
        "quartier.notification",
        (
            *("quartier.notification", "quartier.site", "quartier.config.secret_files"),
            *("quartier.runtime.state_file", "quartier.runtime.local_socket.questions"),
            *("quartier_drivers.errors", "quartier_drivers.device_profile.toml_files"),
        ),
        ("pydantic", "paho"),
    ),
    # They assemble a site without the daemon's life cycle: fallbacks are written, a probe is run.
    Room(
        "quartier.commissioning.service",
        (
            *("quartier.commissioning", "quartier.daemon", "quartier.config", "quartier.control"),
            *("quartier.site", "quartier.runtime", "quartier_drivers", *CONTRACT),
        ),
        ("structlog",),
    ),
    # Bytes in, bytes of a file out; masking knows what the protocols of meters look like.
    Room(
        "quartier.commissioning.wire_record",
        ("quartier.commissioning.wire_record", "quartier_drivers", "quartier_native"),
        pure=True,
    ),
    # The daemon's own bus, on pretended wires and in time that leaps.
    Room(
        "quartier.commissioning.bus_planning",
        (
            *("quartier.commissioning.bus_planning", "quartier.runtime"),
            *("quartier_drivers.registry", "quartier_drivers.rehearsal", *CONTRACT),
        ),
    ),
    # It names the line of a profile or site file that is to be changed, and judges steps as control does.
    Room(
        "quartier.commissioning",
        (
            "quartier.commissioning",
            "quartier.site",
            "quartier.control.orders.setpoints",
            "quartier.control.observe.meter_check",
            "quartier.control.observe.observations",
            "quartier_drivers.device_profile.toml_files",
            "quartier_drivers.device_profile.toml_syntax",
            *CONTRACT,
        ),
        pure=True,
    ),
    # The workflows of documents: commands, schedules, jobs.
    Room(
        "quartier.district.service",
        (
            *(
                "quartier.district",
                "quartier.config",
                "quartier.control",
                "quartier.site",
                "quartier.runtime",
            ),
            *CONTRACT,
        ),
        ("structlog",),
    ),
    *(
        Room(f"quartier.district.connection.{name}", ("quartier.district", "quartier.site"), pure=True)
        for name in ("event_retries", "message_queues", "mqtt_types")
    ),
    Room("quartier.district.connection.mqtt", ("quartier.district",), ("paho",)),
    *(
        Room(
            f"quartier.district.{name}",
            (
                "quartier.district",
                "quartier.control.requests",
                "quartier.site",
                "quartier.runtime.state_file",  # last sequences and bdSeq, two checksummed copies
                *CONTRACT,
            ),
        )
        for name in ("uplink", "connection")
    ),
    Room(
        "quartier.district",
        (
            "quartier.district",
            *("quartier.control.requests", "quartier.control.orders.commands"),
            *("quartier.site", "quartier_native", *CONTRACT),
        ),
        ("google.protobuf", "pydantic", "jwt", "cryptography"),
        pure=True,
    ),
    Room("quartier.config.stored_site_file", ("quartier.config", "quartier.runtime.state_file", *CONTRACT)),
    Room(
        "quartier.config",
        ("quartier.config", "quartier_drivers.registry", *CONTRACT, *PROFILES),
        ("pydantic", "pydantic_core", "tomli_w"),
    ),
    Room("quartier.store", ("quartier.store", "quartier.site", "quartier_native", *CONTRACT), ("structlog",)),
    Room("quartier.runtime.signing", ("quartier.runtime.owned_files",), ("cryptography",)),
    Room(
        "quartier.backup.archive", ("quartier.runtime",), ("pydantic",)
    ),  # a stranger may have made the file
    Room(
        "quartier.backup",
        (
            *("quartier.backup", "quartier.config", "quartier.runtime", "quartier.store"),
            *("quartier_drivers.device_profile.toml_files", *CONTRACT),
        ),
    ),
    Room(
        "quartier.runtime",
        (
            *("quartier.runtime", "quartier.site", "quartier.control"),
            *("quartier_drivers.registry", "quartier_drivers.transport.precise_timer", *CONTRACT),
        ),
        ("structlog",),
    ),
    Room("quartier.daemon", ("quartier", "quartier_drivers", "quartier_native"), ("structlog",)),
    Room(
        "quartier.cli", ("quartier", "quartier_drivers", "quartier_native"), ("rich", "textual", "structlog")
    ),
    # The simulator knows the driver contract and the profiles: it serves other people's controllers too.
    # A site file that is served for a gateway is judged as the gateway judges it.
    Room(
        "quartier_sim.building.command_line",
        ("quartier_sim", "quartier.config", "quartier_drivers.errors"),
        ("*",),
    ),
    Room("quartier_sim", ("quartier_sim", "quartier_native", *CONTRACT, *PROFILES), ("*",)),
    # The reference district has no code of the gateway: both sides of the wire are written twice.
    Room("quartier_district", ("quartier_district", "quartier_sim", *CONTRACT), ("*",)),
    # A scenario without wires runs the gateway's own control in its process: the same assembly, planner and store.
    Room("quartier_hil.synthetic", ("quartier_hil", *RIG, "quartier", "quartier_drivers"), ("*",)),
    Room("quartier_hil", ("quartier_hil", *RIG, *CONTRACT, *PROFILES), ("*",)),
    # The product's own uplink speaks to the broker in a load test, in processes that hold nothing else.
    Room(
        "quartier_bench.load_test.gateways",
        (
            "quartier_bench.load_test",
            "quartier.district",
            "quartier.control",
            "quartier.site",
            "quartier.runtime.clock",
            *CONTRACT,
        ),
    ),
    # The daemon's own history is compared with the district's; it is read, never written.
    Room(
        "quartier_bench.torture",
        ("quartier_bench", "quartier_hil", *RIG, "quartier.store.history_reader", "quartier.site", *CONTRACT),
        ("*",),
    ),
    # What is measured must be in the process that measures it.
    Room("quartier_bench", ("quartier_bench", "quartier_hil", *RIG, "quartier", "quartier_drivers"), ("*",)),
)
# An outside library is wrapped where it is named here, and nowhere else in gateway and drivers.
WRAPPED = {
    "serial": ("quartier_drivers.transport.serial_ports",),
    "gpiod": ("quartier_drivers.gpio.chip",),
    "asyncua": (
        "quartier_drivers.opcua.connection.session",
        "quartier_drivers.opcua.connection.library_types",
    ),
    "bacpypes3": ("quartier_drivers.bacnet.network.library",),
    "paho": ("quartier.district.connection.mqtt", "quartier.notification.channels"),
    "sqlite3": ("quartier.store",),
    "google": ("quartier.district.sparkplug.payload_codec",),
    "jwt": ("quartier.district.documents.signatures",),
    # Issuers name the kind of their keys; meters encrypt; drill records and backups are signed; OPC UA has
    # certificates.
    "cryptography": (
        "quartier.district.documents.signatures",
        "quartier.district.documents.key_list",
        "quartier_drivers.meter",
        "quartier_drivers.opcua.connection.credentials",
        "quartier_drivers.opcua.connection.session",
        "quartier.runtime.signing",
    ),
    # Without a loop there is no other clock: a scan by hand waits on its socket; and the loop's is its own.
    "time": (
        "quartier.runtime.clock",
        "quartier_drivers.modbus.wire.blocking_line",
        "quartier_drivers.transport.event_loop",
    ),
    "rich": ("quartier.cli",),
    "textual": ("quartier.cli.top.screen",),
}
ASKS_THE_TIME = {"now", "utcnow", "today"}


def _room(name: str) -> Room | None:
    return next((room for room in ROOMS if _within(name, (room.prefix,))), None)


def _within(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _is_ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in {
        "quartier",
        "quartier_drivers",
        "quartier_native",
        *NO_GATEWAY,
    }


def test_every_module_is_in_a_room(modules: list[Any]) -> None:
    homeless = [module.name for module in modules if _room(module.name) is None]

    assert ["quartier"] == homeless  # holds the version and imports nothing


def test_rooms_import_only_what_the_plan_lets_them(modules: list[Any]) -> None:
    wrong = []
    for module in modules:
        room = _room(module.name) or Room("quartier")
        for found in module.imports:
            top = found.module.split(".")[0]
            if _is_ours(found.module):
                # A bare "quartier_drivers" is its version; every package may be named by its parts only.
                allowed = _within(found.module, room.ours)
            elif top in sys.stdlib_module_names:
                allowed = not (room.pure and top in IO_MODULES)
            else:
                allowed = "*" in room.outside or _within(found.module, room.outside)
            if not allowed:
                wrong.append(f"{module.path}:{found.line}: {room.prefix} may not import {found.module}")

    assert not wrong, "\n".join(wrong)


def test_each_library_has_its_one_importer(modules: list[Any]) -> None:
    wrong = [
        f"{module.path}:{found.line}: {found.module} belongs to {', '.join(WRAPPED[top])}"
        for module in modules
        if not module.name.startswith(NO_GATEWAY)
        for found in module.imports
        if (top := found.module.split(".")[0]) in WRAPPED and not _within(module.name, WRAPPED[top])
    ]

    assert not wrong, "\n".join(wrong)


def test_the_gateway_never_imports_the_rig(modules: list[Any]) -> None:
    assert not (
        found := [
            f"{module.path}:{found.line}"
            for module in modules
            if not module.name.startswith(NO_GATEWAY)
            for found in module.imports
            if _within(found.module, NO_GATEWAY)
        ]
    ), "\n".join(found)


def test_only_the_clock_asks_the_time(modules: list[Any]) -> None:
    wrong = [
        f"{module.path}:{node.lineno}: {ast.unparse(node.func)}()"
        for module in modules
        if not module.name.startswith(NO_GATEWAY) and module.name != "quartier.runtime.clock"
        for node in module.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKS_THE_TIME
        and ast.unparse(node.func.value).split(".")[-1] in {"datetime", "date"}
    ]

    assert not wrong, "\n".join(wrong)


# A bug in what a loop calls ends no loop, in a turn of asyncio's as before one.  A driver of a third party may
# raise anything when it is loaded, or when its bus is made: everything else runs on.
CATCHES_ALL = {
    "quartier.runtime.supervisor",
    "quartier_drivers.transport.event_loop",
    "quartier_drivers.packages",
    "quartier.daemon.buses.lifecycle",
}


def test_only_the_supervisor_and_the_loop_catch_everything(modules: list[Any]) -> None:
    wrong = [
        f"{module.path}:{node.lineno}"
        for module in modules
        if module.name not in CATCHES_ALL and not module.name.startswith(NO_GATEWAY)
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
    ]

    assert not wrong, "\n".join(wrong)


def _is_broad(handler: ast.ExceptHandler) -> bool:
    """Whether it may swallow what nobody thought of; one that cleans up and raises on does not."""
    caught = (
        {leaf.id for leaf in ast.walk(handler.type) if isinstance(leaf, ast.Name)} if handler.type else set()
    )
    last = handler.body[-1]
    raises_on = isinstance(last, ast.Raise) and last.exc is None
    return handler.type is None or "Exception" in caught or ("BaseException" in caught and not raises_on)


# What a library's callbacks start has no group around it: it is watched, and tells its line when it fails.
WATCHED = "quartier_drivers.bacnet.network.library"


def test_no_task_is_stray(modules: list[Any]) -> None:
    """Tasks are made by a TaskGroup: ``group.create_task``, never by asyncio's own or the loop's."""
    wrong = []
    for module in modules:
        if module.name.startswith(NO_GATEWAY) or module.name == WATCHED:
            continue
        for node in module.nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            receiver = ast.unparse(node.func.value)
            stray = node.func.attr == "create_task" and ("loop" in receiver or receiver == "asyncio")
            if stray or node.func.attr == "ensure_future":
                wrong.append(f"{module.path}:{node.lineno}: {receiver}.{node.func.attr}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("root", ["gateway", "drivers", "native", "hil"])
def test_each_root_holds_its_packages(root: str, files: list[Path]) -> None:
    packages = {path.parts[1] for path in files if path.parts[0] == root and path.name == "__init__.py"}

    assert packages == {package for package, folder in ROOTS.items() if folder == root}
