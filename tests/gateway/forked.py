"""Start ``quartier`` by forking a template process that has imported its modules: 15 ms instead of 0.6 s.

Each pytest worker keeps one template.  Its forks are ordinary processes, with an environment, signals, an exit code
and memory of their own.  They become children of pytest, so that their CPU time counts for the test.  Tests of the
start itself set ``gateway.fresh = True``, which starts a new interpreter instead.

How a fork becomes a child of pytest: the template forks an intermediate process, which forks the command and ends.
The command is then an orphan, and the kernel gives it to pytest, which is a "child subreaper" meanwhile.
"""

import asyncio
import atexit
import ctypes
import functools
import gc
import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
SOURCES = os.pathsep.join(str(ROOT / name) for name in ("gateway", "drivers", "native", "hil"))
REQUEST_MAX_BYTES = 1 << 20
# prctl(2), <linux/prctl.h>: orphaned descendants become children of this process.
PR_SET_CHILD_SUBREAPER = 36
# What a daemon with Modbus and a district imports, then what most commands import.  The daemon has to be first.
IMPORTS = (
    "quartier.cli.gateway.run",
    "quartier.daemon.background_tasks",
    "quartier.planning.service.planner",
    "quartier.daemon.district_link",
    "quartier_drivers.modbus.factory",
    "quartier_drivers.modbus.driver",
    *(
        f"quartier.cli.{name}"
        for name in (
            "operation.alarms",
            "installer.arm",
            "operation.override",
            "gateway.keys",
            "operation.history",
            "operation.gateway_status",
            "installer.probe",
            "gateway.release",
            "operation.why",
        )
    ),
)


class ForkedProcess:
    """A forked process with the methods of ``asyncio.subprocess.Process``; its output goes to files."""

    def __init__(self, pid: int, output: tuple[IO[bytes], ...] = ()) -> None:
        self.pid = pid
        self._output = output
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        """Exit code; the negative signal number when a signal ended it; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    async def wait(self) -> int:
        """Wait for its end and drop its output; return the exit code, or minus the number of the signal."""
        code = await self._wait()
        self._close()
        return code

    def _close(self) -> None:
        for file in self._output:
            file.close()

    async def _wait(self) -> int:
        """Wait until the process ends; return ``returncode``."""
        if (code := self.returncode) is not None:
            return code
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        handle = os.pidfd_open(self.pid)
        loop.add_reader(handle, ended.set)
        try:
            while (code := self.returncode) is None:
                await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
        return code

    async def communicate(self) -> tuple[bytes, ...]:
        """Wait until the process ends; return its output and errors.

        Call it once; the result is empty for a process of ``start_with_log``.
        """
        await self._wait()
        texts = []
        for file in self._output:
            file.seek(0)
            texts.append(file.read())
        self._close()
        return tuple(texts)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended: another process may have its id by then."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(9)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(15)


class Template:
    """The process that has imported the modules and forks on request."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": SOURCES},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # no terminal, so that children buffer their output as for a pipe
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def fork(self, words: Sequence[str], environment: Mapping[str, str], out: int, err: int) -> int:
        """Fork ``quartier`` with these arguments and this environment; return its process id.

        ``out`` and ``err`` are file descriptors.
        """
        request = {"words": list(words), "environment": dict(environment), "folder": str(Path.cwd())}
        _set_subreaper(on=True)
        try:
            socket.send_fds(self._ours, [json.dumps(request).encode()], [out, err])
            answer = self._ours.recv(64)
        finally:
            _set_subreaper(on=False)
        assert answer, (
            f"the template process has ended with exit code {self._process.poll()}; see its errors above"
        )
        return int(answer)

    def close(self) -> None:
        """Close the socket, which ends the template, and wait for that."""
        self._ours.close()
        self._process.wait()


@functools.cache
def get_template() -> Template:
    """Return the template of this pytest worker; start it at the first call."""
    return Template()


def start_with_log(words: Sequence[str], environment: Mapping[str, str], log: Path) -> ForkedProcess:
    """Start ``quartier`` with these arguments; append its output and errors to ``log``."""
    with log.open("ab") as file:
        return ForkedProcess(get_template().fork(words, environment, file.fileno(), file.fileno()))


def start_with_output(words: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
    """Start ``quartier`` with these arguments; ``communicate`` returns its output and errors."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - ``communicate`` closes them
    return ForkedProcess(get_template().fork(words, environment, out.fileno(), err.fileno()), (out, err))


async def run(
    words: Sequence[str], environment: Mapping[str, str], deadline_s: float
) -> tuple[int, str, str]:
    """Run one command to its end; return (exit code, output, errors).

    Raises TimeoutError after ``deadline_s``; the command is killed then.
    """
    process = start_with_output(words, environment)
    try:
        out, err = await asyncio.wait_for(process.communicate(), deadline_s)
    finally:
        process.kill()
    return await process.wait(), out.decode(), err.decode()


def _set_subreaper(*, on: bool) -> None:
    """Make this process the parent of orphaned descendants, or stop that."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _serve(requests: socket.socket) -> list[str]:
    """Fork for each request, and exit when the socket is closed.  Returns in the forks only: their arguments."""
    while True:
        data, files, _, _ = socket.recv_fds(requests, REQUEST_MAX_BYTES, 2)
        if not data:
            os._exit(0)
        reads, writes = os.pipe()
        intermediate = os.fork()
        if intermediate:
            os.close(writes)
            os.waitpid(intermediate, 0)  # from here on pytest is the parent of the command
            requests.send(os.read(reads, 64))
            for file in (reads, *files):
                os.close(file)
            continue
        child = os.fork()
        if child:
            os.write(writes, str(child).encode())
            os._exit(0)
        os.close(reads)
        os.close(writes)
        request = json.loads(data)
        requests.close()
        for target, file in zip((1, 2), files, strict=True):
            os.dup2(file, target)
            os.close(file)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        return request["words"]


def _run() -> int:
    """Run the command of ``sys.argv``; return its exit code."""
    from quartier.cli import main  # noqa: PLC0415 - only in the template, after IMPORTS

    try:
        return main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1


def _exit(code: int) -> None:
    """Exit as the interpreter does, but without unloading the modules."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    for name in IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # keeps the memory of the template shared with its forks
    sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])))
    _exit(_run())
