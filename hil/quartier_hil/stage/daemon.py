"""The daemon under test as a black box, and the part of systemd that matters to it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quartier_hil.clock import RigClock
from quartier_hil.stage.child import Child, run
from quartier_hil.stage.threads import Held

RELEASE_REAL_S = 10.0
_ASK_REAL_S = 2.0


class Daemon:
    """``quartier run`` on a site file, with its own state and runtime directories.

    ``word`` is the file with the faults of its wall clock; ``boots_count`` is the number of the boot
    of the machine as it sees it.
    """

    def __init__(self, site_file: Path, folder: Path, clock: RigClock) -> None:
        self.site_file = site_file
        self.runtime_dir = folder / "runtime"
        self.state_dir = folder / "state"
        for path in (self.runtime_dir, self.state_dir):
            path.mkdir(parents=True, exist_ok=True)
        self.word = folder / "clock"
        self.word.write_text("yes\n")
        self._clock, self.boots_count = clock, 1
        self.env = {
            "QUARTIER_CLOCK": self._setting,
            "RUNTIME_DIRECTORY": str(self.runtime_dir),
            "STATE_DIRECTORY": str(self.state_dir),
        }
        self.child = Child(self._argv("run", "--config", str(site_file)), folder / "daemon.log", self.env)
        self.starts_count = 0
        self._held: Held | None = None

    @property
    def _setting(self) -> str:
        return f"{self._clock.setting},boot={self.boots_count},word={self.word}"

    def reboot(self) -> None:
        """Restart the machine: processes started from now on find another boot."""
        self.boots_count += 1
        for env in (self.env, self.child.env):
            env["QUARTIER_CLOCK"] = self._setting

    @staticmethod
    def _argv(*words: str) -> list[str]:
        return [sys.executable, "-m", "quartier.cli", *words]

    async def start(self) -> None:
        """Start it; it is there when it answers ``status``."""
        await self.child.start()
        self.starts_count += 1

    @property
    def is_there(self) -> bool:
        """Return whether its process lives."""
        return self.child.alive

    async def kill(self) -> None:
        """End it as the kernel does when memory is short: without a word."""
        self.let_go()  # else it would not end: its thread would stay with us
        await self.child.stop(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it at once, as on a machine that hangs; nothing is lost, and nothing runs."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def hold(self, thread: str) -> None:
        """Have one of its threads hang until ``let_go``; all the others go on.  Raises UnheldError."""
        if self.child.pid is not None and self._held is None:
            self._held = Held(self.child.pid, thread)

    def end(self, thread: str) -> None:
        """End one of its threads without notice to the process.  Raises UnheldError."""
        self.let_go()  # nobody holds a thread twice
        if self.child.pid is not None:
            Held(self.child.pid, thread).end()

    def let_go(self) -> None:
        """Let the thread that hangs go on."""
        if self._held is not None:
            self._held.let_go()
            self._held = None

    def _signal(self, number: int) -> None:
        if self.child.pid is not None:
            os.kill(self.child.pid, number)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.let_go()
        return await self.child.stop(signal.SIGTERM)

    async def release(self) -> int:
        """Run `quartier release` as ``ExecStopPost`` does, and return its exit code."""
        return await run(self._argv("release"), self.child.log, self.env, RELEASE_REAL_S)

    async def command(self, *words: str, zone: str = "") -> tuple[int, str]:
        """Run another ``quartier`` command next to the daemon; return its exit code and output.

        ``zone``: the time zone of the machine for this command.
        """
        process = await asyncio.create_subprocess_exec(
            *self._argv(*words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.child.env | ({"TZ": zone} if zone else {}),
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode(errors="replace")

    async def ask(self, what: str) -> dict[str, Any] | None:
        """Return an answer of its read-only socket; None while it does not answer."""
        path = self.runtime_dir / "quartier.sock"
        try:
            async with asyncio.timeout(_ASK_REAL_S):
                reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 22)
                try:
                    writer.write(json.dumps({"ask": what}).encode() + b"\n")
                    await writer.drain()
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            return None
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process in MB (1000 000 bytes); 0 while there is none."""
        if self.child.pid is None:
            return 0.0
        try:
            status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0.0
        kilobytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")), "0")
        return int(kilobytes) * 1_024 / 1e6


def deep(tree: Any, key: str) -> Any:
    """The first value under ``key`` anywhere in nested mappings; None when there is none."""
    if isinstance(tree, Mapping):
        if key in tree:
            return tree[key]
        for value in tree.values():
            found = deep(value, key)
            if found is not None:
                return found
    return None


def meter_state(status: Mapping[str, Any]) -> str:
    """Return the state of the grid meter in a daemon's status; empty before its first cycle."""
    control = status.get("control") or {}
    return str((control.get("grid") or {}).get("state", ""))


def link_mode(status: dict[str, Any]) -> str:
    """Return the link state in an answer of the daemon's socket."""
    return str(deep(status, "mode") or "unknown")
