"""Processes of a measurement: start, ask over pipes, read CPU and memory from /proc, end."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_TERMINATE_S = 10.0
_CPUCLOCK_SCHED = 2
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def find_python_path() -> str:
    """Return the path of our packages in this process: a child must find the same ones, installed or not."""
    found = (path for path in sys.path if path and any(Path(path).glob("quartier*/__init__.py")))
    return os.pathsep.join(found)


class Process:
    """A child in a session of its own; as a context it is ended on leaving.

    ``talks`` opens pipes to its stdin and stdout, else both its outputs are appended to ``log``.
    """

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        talks: bool = False,
    ) -> None:
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(  # noqa: S603 - argv is ours
                argv,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else errors,
                stderr=errors,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the bench has no threads
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Return whether it still runs."""
        return self._popen.poll() is None

    def line(self) -> str:
        """The next line it prints; empty when it has ended."""
        assert self._popen.stdout is not None
        return str(self._popen.stdout.readline()).strip()

    def ask(self, order: str) -> str:
        """Say one line and hear one."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{order}\n")
        self._popen.stdin.flush()
        return self.line()

    def count(self) -> dict[str, Any]:
        """Return the answer of a counting peer to ``count``."""
        found: dict[str, Any] = json.loads(self.ask("count"))
        return found

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and wait; its whole session is killed when it does not go within ten seconds."""
        if self.alive:
            self._popen.send_signal(with_signal)
        try:
            code = self._popen.wait(_TERMINATE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            code = self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()
        return code


def list_process_tree(root: int) -> list[int]:
    """A process and all its descendants, as /proc has them now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _read_stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def read_cpu_s(root: int) -> float:
    """User and system time in s of a process, its threads and its descendants, the ended ones included."""
    return sum(_read_own_cpu_s(pid) + _read_ended_cpu_s(pid) for pid in list_process_tree(root))


def _read_own_cpu_s(pid: int) -> float:
    """Return the CPU time of a process, s; /proc/PID/stat has steps of 10 ms (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return 0.0


def _read_ended_cpu_s(pid: int) -> float:
    """Children that ended and were waited for: cutime and cstime."""
    return sum(map(int, _read_stat(pid)[13:15])) / TICKS_PER_S


def read_memory_mib(root: int) -> float:
    """Resident memory of a process and its descendants in MiB."""
    return (
        sum(int(fields[21]) for pid in list_process_tree(root) if (fields := _read_stat(pid)))
        * PAGE_BYTES
        / 2**20
    )


def _read_stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (proc(5)); empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def wait_for_listener(port: int, within_s: float) -> bool:
    """Return whether something listens on the loopback ``port`` within that time."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False
