"""A thread of another process is made to hang, or is ended, and its process lives on (ptrace(2)).

Nothing in the process knows of it.  Whoever holds a lock, Python's own among them, would take the others with
him, so a thread is met where it waits for something to do.
"""

import ctypes
import os
import time
from pathlib import Path
from typing import Any

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_GETREGS, _SETREGS = 12, 13
# struct user_regs_struct of x86-64 (sys/user.h): how many there are, and the places of four.
_REGISTERS_COUNT, _RAX, _RDI, _ORIG_RAX, _RIP = 27, 10, 14, 15, 16
_SYS_EXIT, _NO_CALL = 60, 2**64 - 1
_ALL = 0x40000000  # __WALL of wait(2): threads too
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_LIBC.ptrace.restype = ctypes.c_long
_PATIENCE_S, _LOOK_S, _ENDING_S = 10.0, 0.05, 0.001


class UnheldError(RuntimeError):
    """There is no such thread, or the machine does not let us have it."""


class AbsentError(UnheldError):
    """There is no such thread."""


def named(pid: int, name: str) -> int:
    """The number of a process's thread ``name``.  Raises AbsentError where there is none."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == name:
            return int(task.name)
    raise AbsentError(f"process {pid} has no thread {name}")


class Held:
    """A thread that is stopped until it is released; the holder releases it, or ends with it."""

    def __init__(self, pid: int, name: str) -> None:
        self.number = named(pid, name)
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
            os.waitpid(self.number, _ALL)
            if self._switches() <= before + 1:  # the stop itself is one
                return
            self._call(_DETACH)
            self._call(_SEIZE)
        self._call(_DETACH)
        raise UnheldError(f"the thread {self.number} never rests")

    def _switches(self) -> int:
        """Return the number of its voluntary context switches."""
        lines = self._status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    def let_go(self) -> None:
        """It goes on where it stood; of one whose process ended what is left of it is taken away."""
        try:
            self._call(_DETACH)
        except UnheldError:
            try:
                os.waitpid(self.number, _ALL)
            except ChildProcessError:
                return

    def end(self) -> None:
        """It is no more, and nobody in its process was told: it goes on in exit(2), of one thread.

        Raises UnheldError on a processor whose registers are not known here, and where it does not end.
        """
        if os.uname().machine != "x86_64":
            self.let_go()
            raise UnheldError(f"a thread is ended on x86_64 alone, and this is {os.uname().machine}")
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
                raise UnheldError(f"the thread {self.number} does not end")
            time.sleep(_ENDING_S)

    def _call(self, request: int, data: Any = None) -> None:
        if _LIBC.ptrace(request, self.number, None, data) == -1:
            error = ctypes.get_errno()
            raise UnheldError(f"thread {self.number}: {os.strerror(error)}")
