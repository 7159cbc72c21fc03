"""Read a bench file and report all its faults at once: keys, names, masters of a line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.toml_files import suggest_key
from quartier_drivers.errors import ConfigError, Fault
from quartier_hil.real_devices.bench_model import (
    Adapter,
    Bench,
    DevicePlace,
    MeasuredQuantity,
    RealDevice,
    ReferenceMeter,
    Register,
    Relay,
    RelayBoard,
)
from quartier_sim import data_files
from quartier_sim.devices.catalog import find_profiles_folder

PROTOCOLS = ("modbus", "sunspec")
"""Protocols of a real device: the rig has a client of its own for these."""
_UNSTABLE = re.compile(r"/dev/tty(USB|ACM)\d+")
_TABLES: Mapping[str, type[BaseModel]] = {
    "adapters": Adapter,
    "boards": RelayBoard,
    "meters": ReferenceMeter,
    "devices": RealDevice,
    "measured": MeasuredQuantity,
    "identity": Register,
    "power_w": Register,
    "power": Relay,
    "cable": Relay,
    "car": Relay,
}


def load_bench(path: Path) -> Bench:
    """Read a bench file.  Raises ConfigError with every fault, each with its key and what was expected."""
    raw = data_files.read_toml_file(path)
    try:
        bench = Bench.model_validate(raw)
    except ValidationError as error:
        raise ConfigError([_describe_fault(path, dict(item)) for item in error.errors()]) from error
    faults = [Fault(str(path), None, key, what) for key, what in list_bench_faults(bench)]
    if faults:
        raise ConfigError(faults)
    return bench


def _describe_fault(path: Path, item: Mapping[str, Any]) -> Fault:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _list_known_keys(item["loc"])
        return Fault(
            str(path), None, key, f"is no key of this table; {suggest_key(str(item['loc'][-1]), known)}"
        )
    if item["type"] == "missing":
        return Fault(str(path), None, key, "is missing")
    what = str(item["msg"])
    return Fault(
        str(path), None, key, what if isinstance(item["input"], dict) else f"{item['input']!r}: {what}"
    )


def _list_known_keys(location: tuple[Any, ...]) -> list[str]:
    """Return the known keys of the table with the unknown one."""
    model = next((_TABLES[part] for part in reversed(location[:-1]) if part in _TABLES), Bench)
    return [field.alias or name for name, field in model.model_fields.items()]


def list_bench_faults(bench: Bench) -> Iterator[tuple[str, str]]:
    """Yield what is wrong beyond single keys: each with its key, all of them."""
    for name, adapter in bench.adapters.items():
        if _UNSTABLE.fullmatch(adapter.port):
            what = f"{adapter.port} is another adapter after the next start; expected /dev/serial/by-id/…"
            yield f"adapters.{name}.port", what
    for key, place in bench.places():
        yield from _check_place(bench, key, place)
    yield from _check_shared_lines(bench)
    for name, device in bench.devices.items():
        yield from _check_device(bench, name, device)
    yield from _check_relays(bench)
    for name in bench.real:
        if name not in bench.devices:
            yield "real", f"{name} is not in [devices], which has {_join_names(bench.devices)}"


def _join_names(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"


def _check_place(bench: Bench, key: str, place: DevicePlace) -> Iterator[tuple[str, str]]:
    if (place.adapter is None) == (place.host is None):
        yield key, "expected adapter or host, one of them"
    elif isinstance(place, RelayBoard) and place.kind != "modbus" and place.adapter is not None:
        yield f"{key}.adapter", f"a board of kind {place.kind} is in the network; expected host"
    elif place.adapter is not None and place.adapter not in bench.adapters:
        yield (
            f"{key}.adapter",
            f"{place.adapter} is not in [adapters], which has {_join_names(bench.adapters)}",
        )


def _check_shared_lines(bench: Bench) -> Iterator[tuple[str, str]]:
    """Two on one place, and two masters on one line."""
    seen: dict[tuple[str, int], str] = {}
    masters: dict[str, dict[str, str]] = {}
    for key, place in bench.places():
        where = f"{place.host}:{place.port}" if place.adapter is None else place.adapter
        if (where, place.unit) in seen:
            yield f"{key}.unit", f"{place.unit} at {where} is {seen[where, place.unit]} already"
        seen.setdefault((where, place.unit), key)
        if place.adapter is not None:
            whose = "the gateway" if key.startswith("devices.") else "the rig"
            masters.setdefault(place.adapter, {}).setdefault(whose, key)
    for adapter, by in masters.items():
        if len(by) > 1:
            text = " and ".join(f"{whose} would ask {key}" for whose, key in by.items())
            yield f"adapters.{adapter}", f"a serial line has one master, but {text}: give each an adapter"


def _check_device(bench: Bench, name: str, device: RealDevice) -> Iterator[tuple[str, str]]:
    key = f"devices.{name}"
    try:
        protocol = loading.load_profile(device.profile, [find_profiles_folder()]).protocol
        if protocol not in PROTOCOLS:
            yield f"{key}.profile", f"speaks {protocol}; a bench has {' and '.join(PROTOCOLS)} devices alone"
    except ConfigError as error:
        yield f"{key}.profile", error.faults[0].what
    for quantity, one in device.measured.items():
        here = f"{key}.measured.{quantity}"
        if (one.meter is None) == (one.where is None):
            yield here, "expected meter or register, one of them"
        elif one.meter is not None and one.meter not in bench.meters:
            yield f"{here}.meter", f"{one.meter} is not in [meters], which has {_join_names(bench.meters)}"
        elif one.meter is not None and not quantity.endswith("power_w"):
            yield f"{here}.meter", "a meter of the bench reads power alone; give the register of the device"
        elif one.where is not None and device.adapter is not None:
            yield (
                here,
                (
                    f"the gateway is the one master of adapter {device.adapter}: the rig cannot ask there; "
                    "give it a meter of the bench"
                ),
            )


def _check_relays(bench: Bench) -> Iterator[tuple[str, str]]:
    seen: dict[tuple[str, int], str] = {}
    for name, wire, relay in bench.relays():
        key = f"devices.{name}.{wire}"
        board = bench.boards.get(relay.board)
        if board is None:
            yield f"{key}.board", f"{relay.board} is not in [boards], which has {_join_names(bench.boards)}"
        elif relay.relay > board.relays_count:
            yield f"{key}.relay", f"{relay.relay} is beyond the {board.relays_count} of board {relay.board}"
        taken = seen.setdefault((relay.board, relay.relay), key)
        if taken != key:
            yield f"{key}.relay", f"{relay.relay} of board {relay.board} is {taken} already"
