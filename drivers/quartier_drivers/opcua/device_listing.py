"""Lists the variables of an OPC UA server, or reads a profile, by a login of the command line."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quartier_drivers.device_reports import DeviceListing, ListedTable, ReadRequest
from quartier_drivers.device_rows import DeviceReadout
from quartier_drivers.opcua import reader
from quartier_drivers.opcua.bus_section import OpcuaBus
from quartier_drivers.opcua.profile import OpcuaProfile

_LOGIN_KEYS = (
    "user",
    "password_file",
    "user_cert_file",
    "user_key_file",
    "policy",
    "mode",
    "insecure_policy",
    "timeout_s",
)
_COLUMNS = ("variable", ">value", "type", "", "status", "node")
_DEPTH = 16


def list_device(request: ReadRequest) -> DeviceListing:
    """Read every variable once.  Raises ConfigError (URL or login), LinkLost or NoReply."""
    bus = make_section(request.url, request.options)
    found = asyncio.run(reader.read_tree(bus, "", _DEPTH))
    variables = [(path, one) for path, one in found.flat() if one.kind == "Variable"]
    rows = [
        (
            path.partition("/")[2],
            one.value,
            one.type_name,
            "writable" if one.writable else "",
            one.status,
            one.node,
        )
        for path, one in variables
    ]
    data = [
        {"path": path, **{key: value for key, value in asdict(one).items() if key != "below"}}
        for path, one in variables
    ]
    return DeviceListing([ListedTable("", _COLUMNS, rows)], data)


async def read_profile(profile: OpcuaProfile, request: ReadRequest) -> DeviceReadout:
    """Read the points of a profile once.  Raises ConfigError (URL or login), LinkLost or NoReply."""
    return await reader.read_once(make_section(request.url, request.options), profile)


def make_section(url: str, options: Mapping[str, Any]) -> OpcuaBus:
    """Return what a command line says of the server and of who we are.  Raises ConfigError."""
    said = {key: options[key] for key in _LOGIN_KEYS if options[key] is not None}
    for key in ("password_file", "user_cert_file", "user_key_file"):
        if key in said:
            said[key] = _make_absolute(said[key])
    anonymous = options["anonymous"] or not {"user", "user_cert_file"} & said.keys()
    pki = str((options["state_dir"] / options["pki"]).absolute())
    return reader.make_section(url, {**said, "anonymous": anonymous, "pki": pki})


def _make_absolute(reference: str) -> str:
    return reference if reference.startswith("credential:") else str(Path(reference).absolute())
