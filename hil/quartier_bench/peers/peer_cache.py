"""The other programs at fixed versions: installed or compiled once into a folder that git ignores."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

NODE_RED_VERSION = "4.1.15"
NODE_RED_MODBUS_VERSION = "5.45.2"
MODBUS_SERIAL_VERSION = "8.0.23"
THINGSBOARD_GATEWAY_VERSION = "3.8.5"
# What it installs by itself when it starts, and only in this version.
THINGSBOARD_PYMODBUS_VERSION = "3.9.2"
# The usual Python package for a meter's protocol, each beside (some bring what we may not have), with what
# it needs and does not say.
PARSER_PACKAGES: Mapping[str, Sequence[str]] = {
    "dsmr-parser": ("dsmr-parser==1.11.2",),
    "smllib": ("smllib==1.7",),
    "pymbusparser": ("pymbusparser==0.5.3",),
    "amshan": ("amshan==2.1.1",),
    "iec62056-21": ("iec62056-21==0.0.2",),
    "kylin": ("kylin==0.6.0", "pyserial==3.5"),
    "pyteleinfo": ("pyteleinfo==0.4.0",),
}
# Who needs a newer Python than we do gets one of the machine's.
_PYTHON_MINOR_MIN: Mapping[str, int] = {"pyteleinfo": 12}
_PYTHON_MINOR_MAX = 14
# Clients of protocols, beside as well: their versions are pinned, whatever we depend on.
CLIENT_PACKAGES: Mapping[str, Sequence[str]] = {
    "aiomqtt": ("aiomqtt==2.5.1", "paho-mqtt==2.1.0"),
    "bacpypes3": ("bacpypes3==0.0.110",),
    "pysunspec2": ("pysunspec2==1.3.7",),
}
# The same for Node.
NODE_PACKAGES: Mapping[str, str] = {"node-bacnet": "0.2.4"}
_SOURCES = Path(__file__).parent
_NODE_VERSION_MIN = 18


class MissingPeerError(Exception):
    """A peer is not available here; the message names what to install."""


class PeerCache:
    """Folder of the peers; ``say`` reports slow steps."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        folder.mkdir(parents=True, exist_ok=True)

    def program(self, name: str, package: str) -> str:
        """A program of the machine, also where Debian puts daemons.  Raises AbsentError."""
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
        if found is None:
            raise MissingPeerError(f"{name} is not here: apt-get install {package}")
        return found

    def compile_source(self, name: str, library: str = "", package: str = "") -> str:
        """The C program ``peers/<name>.c``, compiled when its source is newer.  Raises AbsentError.

        ``library`` is linked; its header file or its ``package`` may not be there.
        """
        source, target = _SOURCES / f"{name}.c", self.folder / name
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            fresh = target.with_suffix(f".{os.getpid()}")
            compiler = self.program("gcc", "gcc libc6-dev")
            argv = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(fresh), str(source)]
            missing = f"; apt-get install {package}" if package else ""
            self._run([*argv, *([f"-l{library}"] if library else [])], f"{name} does not compile{missing}")
            fresh.replace(target)
        return str(target)

    def open62541(self) -> str:
        """The OPC UA server on open62541.  Raises AbsentError."""
        return self.compile_source("opcua", "open62541", "libopen62541-1.4-dev")

    def node_red(self) -> Path:
        """The folder of an installed Node-RED with its Modbus nodes.  Raises AbsentError."""
        node, npm = self.program("node", "nodejs"), self.program("npm", "npm")
        version = subprocess.run([node, "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - a program of the machine
        if int(version.lstrip("v").split(".")[0] or 0) < _NODE_VERSION_MIN:
            raise MissingPeerError(
                f"Node-RED needs Node.js {_NODE_VERSION_MIN} or newer, this is {version.strip()}"
            )
        folder = self.folder / f"nodered-{NODE_RED_VERSION}-{NODE_RED_MODBUS_VERSION}"
        if self._is_done(folder):
            return folder
        self._say(f"installing Node-RED {NODE_RED_VERSION} into {folder}, about half a minute")
        self._begin(folder)
        wanted = {
            "private": True,
            "dependencies": {
                "node-red": NODE_RED_VERSION,
                "node-red-contrib-modbus": NODE_RED_MODBUS_VERSION,
            },
            # Its own copy of this library lies on a server of its maker's, not on the registry.
            "overrides": {"@openp4nr/modbus-serial": f"npm:modbus-serial@{MODBUS_SERIAL_VERSION}"},
        }
        (folder / "package.json").write_text(json.dumps(wanted))
        install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        self._run(install, "npm could not install Node-RED")
        return self._finish(folder)

    def thingsboard(self) -> Path:
        """The Python of a virtual environment with thingsboard-gateway.  Raises AbsentError."""
        wanted = [
            f"thingsboard-gateway=={THINGSBOARD_GATEWAY_VERSION}",
            f"pymodbus=={THINGSBOARD_PYMODBUS_VERSION}",
            "pyserial",
            "pyserial-asyncio",
        ]
        return self._python(
            f"thingsboard-{THINGSBOARD_GATEWAY_VERSION}", "thingsboard-gateway", wanted, "about a minute"
        )

    def parser(self, package: str) -> Path:
        """The Python of a virtual environment with one of ``PARSERS``.  Raises AbsentError."""
        wanted = PARSER_PACKAGES[package]
        return self._python(wanted[0].replace("==", "-"), package, wanted, "some seconds")

    def library(self, package: str) -> Path:
        """The Python of a virtual environment with one of ``LIBRARIES``.  Raises AbsentError."""
        wanted = CLIENT_PACKAGES[package]
        return self._python(wanted[0].replace("==", "-"), package, wanted, "some seconds")

    def module(self, package: str) -> Path:
        """The folder whose ``node_modules`` holds one of ``MODULES``.  Raises AbsentError."""
        npm = self.program("npm", "npm")
        folder = self.folder / f"{package}-{NODE_PACKAGES[package]}"
        if self._is_done(folder):
            return folder
        self._say(f"installing {package} into {folder}, some seconds")
        self._begin(folder)
        install = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        self._run([*install, f"{package}@{NODE_PACKAGES[package]}"], f"npm could not install {package}")
        return self._finish(folder)

    def fetch(self) -> Mapping[str, str]:
        """Have every peer that is brought from elsewhere; by name, why one cannot be had."""
        brings: dict[str, Callable[[], Path]] = {
            "node-red": self.node_red,
            "thingsboard-gateway": self.thingsboard,
            **{name: partial(self.module, name) for name in NODE_PACKAGES},
            **{name: partial(self.library, name) for name in CLIENT_PACKAGES},
            **{name: partial(self.parser, name) for name in PARSER_PACKAGES},
        }
        absent = {}
        for name, bring in brings.items():
            try:
                bring()
            except MissingPeerError as error:
                absent[name] = str(error)
        return absent

    def find_parser_script(self) -> Path:
        """The program with which the peers' parsers read a capture."""
        return Path(__file__).with_name("meter_parsers.py")

    def _python(self, name: str, package: str, wanted: Sequence[str], lasts: str) -> Path:
        folder = self.folder / name
        python = folder / "bin" / "python"
        if self._is_done(folder):
            return python
        self._say(f"installing {package} into {folder}, {lasts}")
        self._begin(folder)
        maker = self._interpreter(package)
        self._run([maker, "-m", "venv", str(folder)], "no venv: apt-get install python3-venv")
        install = [str(python), "-m", "pip", "install", "--quiet", *wanted]
        self._run(install, f"pip could not install {package}")
        self._finish(folder)
        return python

    def _interpreter(self, package: str) -> str:
        """This Python, or the newest of the machine's where the package needs a newer one."""
        least = _PYTHON_MINOR_MIN.get(package, 0)
        if sys.version_info >= (3, least):
            return sys.executable
        names = [f"python3.{minor}" for minor in range(_PYTHON_MINOR_MAX, least - 1, -1)]
        found = next((path for name in names if (path := shutil.which(name))), None)
        if found is None:
            raise MissingPeerError(f"{package} needs Python 3.{least} or newer, and there is none here")
        return found

    def _is_done(self, folder: Path) -> bool:
        return (folder / ".done").exists()

    def _begin(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def _finish(self, folder: Path) -> Path:
        (folder / ".done").touch()
        return folder

    def _run(self, argv: Sequence[str], sorry: str) -> None:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - argv is ours
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise MissingPeerError(f"{sorry}: {' '.join(last)}")
