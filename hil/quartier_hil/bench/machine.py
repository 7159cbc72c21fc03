"""Describe the origin of the figures: machine, load, and versions of the measured programs."""

import os
import platform
from importlib import metadata
from pathlib import Path

from quartier_hil.bench import cache


def description() -> dict[str, object]:
    """CPU, cores, kernel, Python, load average at the start and the pinned peers, JSON-ready."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    return {
        "cpu": _cpu(),
        "cores": cores,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(load, 2),
        "busy": load > cores / 4,
        "node_red": f"{cache.NODE_RED} with node-red-contrib-modbus {cache.NODE_RED_MODBUS}",
        "thingsboard_gateway": cache.THINGSBOARD_GATEWAY,
        "pymodbus": _version("pymodbus"),
        "numpy": _version("numpy"),
    }


def line(about: dict[str, object]) -> str:
    """The same for people."""
    busy = ": other work is running, these are figures under load" if about["busy"] else ""
    return (
        f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, Python {about['python']}, "
        f"load {about['load']} at the start{busy}\npeers: Node-RED {about['node_red']}, thingsboard-gateway "
        f"{about['thingsboard_gateway']}, pymodbus {about['pymodbus']}, numpy {about['numpy']}"
    )


def _version(name: str) -> str:

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _cpu() -> str:
    """The model as the kernel names it: x86 says ``model name``, boards say ``Model`` or nothing."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or "unknown CPU"
    for key in ("model name", "Model", "Hardware"):
        for row in text.splitlines():
            name, _, value = row.partition(":")
            if name.strip() == key and value.strip():
                return value.strip()
    return platform.machine()
