"""The daemon under test as a process: started, stopped, killed, frozen, and one of its threads held or
ended (ptrace(2)).
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quartier_hil.processes.child_process import ChildProcess, run_command
from quartier_sim.site_clock import RigClock

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_GETREGS, _SETREGS = 12, 13
# struct user_regs_struct of x86-64 (sys/user.h): how many there are, and the places of four.
_REGISTERS_COUNT, _RAX, _RDI, _ORIG_RAX, _RIP = 27, 10, 14, 15, 16
_SYS_EXIT, _NO_CALL = 60, 2**64 - 1
_WAIT_ALL_THREADS = 0x40000000  # __WALL of wait(2): threads too
_PTRACE_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_PTRACE_LIBC.ptrace.restype = ctypes.c_long
_PATIENCE_S, _LOOK_S, _ENDING_S = 10.0, 0.05, 0.001


class ThreadNotHeldError(RuntimeError):
    """There is no such thread, or the machine does not let us have it."""


class ThreadAbsentError(ThreadNotHeldError):
    """There is no such thread."""


def find_thread(pid: int, name: str) -> int:
    """The number of a process's thread ``name``.  Raises AbsentError where there is none."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise ThreadAbsentError(f"process {pid} has no thread {name}")


class HeldThread:
    """A thread that is stopped until it is released; the holder releases it, or ends with it."""

    def __init__(self, pid: int, name: str) -> None:
        self.number = find_thread(pid, name)
        self._status = Path(f"/proc/{pid}/task/{self.number}/status")
        self._call(_SEIZE)
        self._hold()

    def _hold(self) -> None:
        """Stop it while it waits, and verify that it did nothing until it was stopped."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            before = self._switches()
            time.sleep(_LOOK_S)
            if self._switches() != before:
                continue
            self._call(_INTERRUPT)
            os.waitpid(self.number, _WAIT_ALL_THREADS)
            if self._switches() <= before + 1:  # the stop itself is one
                return
            self._call(_DETACH)
            self._call(_SEIZE)
        self._call(_DETACH)
        raise ThreadNotHeldError(f"the thread {self.number} never rests")

    def _switches(self) -> int:
        """Return the number of its voluntary context switches."""
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    def release_thread(self) -> None:
        """It goes on where it stood; of one whose process ended what is left of it is taken away."""
        try:
            self._call(_DETACH)
        except ThreadNotHeldError:
            try:
                os.waitpid(self.number, _WAIT_ALL_THREADS)
            except ChildProcessError:
                return

    def end(self) -> None:
        """It is no more, and nobody in its process was told: it goes on in exit(2), of one thread.

        Raises UnheldError on a processor whose registers are not known here, and where it does not end.
        """
        if os.uname().machine != "x86_64":
            self.release_thread()
            raise ThreadNotHeldError(f"a thread is ended on x86_64 alone, and this is {os.uname().machine}")
        registers = (ctypes.c_ulonglong * _REGISTERS_COUNT)()
        self._call(_GETREGS, registers)
        # The instruction before the next one is the system call in which it waits: that is made once more.
        registers[_RIP] -= 2
        registers[_RAX], registers[_RDI], registers[_ORIG_RAX] = _SYS_EXIT, 0, _NO_CALL
        self._call(_SETREGS, registers)
        self._call(_DETACH)
        deadline = time.monotonic() + _PATIENCE_S
        while self._status.exists():
            if time.monotonic() > deadline:
                raise ThreadNotHeldError(f"the thread {self.number} does not end")
            time.sleep(_ENDING_S)

    def _call(self, request: int, data: Any = None) -> None:
        if _PTRACE_LIBC.ptrace(request, self.number, None, data) == -1:
            error = ctypes.get_errno()
            raise ThreadNotHeldError(f"thread {self.number}: {os.strerror(error)}")


RELEASE_REAL_S = 10.0
_ASK_REAL_S = 2.0


class DaemonProcess:
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
        self.child = ChildProcess(
            self._argv("run", "--config", str(site_file)), folder / "daemon.log", self.env
        )
        self.starts_count = 0
        self._held: HeldThread | None = None

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
        self.release_thread()  # else it would not end: its thread would stay with us
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
            self._held = HeldThread(self.child.pid, thread)

    def end(self, thread: str) -> None:
        """End one of its threads without notice to the process.  Raises UnheldError."""
        self.release_thread()  # nobody holds a thread twice
        if self.child.pid is not None:
            HeldThread(self.child.pid, thread).end()

    def release_thread(self) -> None:
        """Let the thread that hangs go on."""
        if self._held is not None:
            self._held.release_thread()
            self._held = None

    def _signal(self, number: int) -> None:
        if self.child.pid is not None:
            os.kill(self.child.pid, number)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.release_thread()
        return await self.child.stop(signal.SIGTERM)

    async def release(self) -> int:
        """Run `quartier release` as ``ExecStopPost`` does, and return its exit code."""
        return await run_command(self._argv("release"), self.child.log, self.env, RELEASE_REAL_S)

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


def find_value(tree: Any, key: str) -> Any:
    """The first value under ``key`` anywhere in nested mappings; None when there is none."""
    if isinstance(tree, Mapping):
        if key in tree:
            return tree[key]
        for value in tree.values():
            found = find_value(value, key)
            if found is not None:
                return found
    return None


def read_meter_state(status: Mapping[str, Any]) -> str:
    """Return the state of the grid meter in a daemon's status; empty before its first cycle."""
    control = status.get("control") or {}
    return str((control.get("grid") or {}).get("state", ""))


def read_link_state(status: dict[str, Any]) -> str:
    """Return the link state in an answer of the daemon's socket."""
    return str(find_value(status, "mode") or "unknown")
