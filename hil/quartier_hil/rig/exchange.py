"""A real device in the place of its simulated twin, in the site file of a run: one bus, one device (pure)."""

import tomllib
from collections.abc import Iterable
from typing import Any

import tomli_w

from quartier_hil.rig.bench import Bench, Device
from quartier_hil.verbs import NET

ADAPTER_BUS = "bench_"
"""Before an adapter's name: the bus that it is in the site file."""


def exchanged(text: str, bench: Bench, real: Iterable[str]) -> str:
    """The site file with the devices ``real`` at their places on the bench; all else stays as it is."""
    site = tomllib.loads(text)
    hosts: dict[tuple[str | None, int], str] = {}
    for name in real:
        device = bench.devices[name]
        site["buses"].pop(name + NET, None)
        if device.adapter is not None:
            bus = ADAPTER_BUS + device.adapter
        else:
            # Units behind one gateway share one connection, as many gateways take no second.
            bus = hosts.setdefault((device.host, device.port), name + NET)
        site["buses"].setdefault(bus, _bus(bench, device))
        site["devices"][name] = {"bus": bus, "profile": device.profile, "unit": device.unit}
    return tomli_w.dumps(site)


def _bus(bench: Bench, device: Device) -> dict[str, Any]:
    if device.adapter is None:
        return {
            "kind": "modbus-tcp",
            "host": device.host,
            "port": device.port,
            "timeout_s": device.timeout_s,
        }
    adapter = bench.adapters[device.adapter]
    return {
        "kind": "modbus-rtu",
        **adapter.model_dump(include={"port", "baud", "parity", "stop_bits"}),
        "timeout_s": device.timeout_s,
    }
