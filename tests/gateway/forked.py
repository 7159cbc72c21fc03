"""Start ``quartier`` by forking a template process that has imported everything: 15 ms instead of 0.6 s.

Each pytest worker keeps one template.  Its forks are processes like any other, with an environment, signals, an
exit code and memory of their own.  They become children of pytest, so that their CPU time counts for the test.
Tests of the start itself (``gateway.fresh = True``) start an interpreter instead.
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
# prctl(2), <linux/prctl.h>: orphans of our descendants become our children.
PR_SET_CHILD_SUBREAPER = 36
# What a daemon on Modbus with a district imports, and what most commands do; the daemon first, as it wants to be.
IMPORTS = (
    "quartier.cli.daemon",
    "quartier.app.extras",
    "quartier.app.planner",
    "quartier.app.district",
    "quartier_drivers.modbus.door",
    "quartier_drivers.modbus.driver",
    *(
        f"quartier.cli.{name}"
        for name in ("alarms", "arm", "hands", "keys", "past", "present", "probe", "release", "why")
    ),
)


class Forked:
    """A forked process with the methods of ``asyncio.subprocess``; its output goes into files."""

    def __init__(self, pid: int, said: tuple[IO[bytes], ...] = ()) -> None:
        self.pid = pid
        self._said = said
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    async def wait(self) -> int:
        """Wait for its end; returns the exit code, or the negative number of the signal that ended it."""
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
        """Wait for its end; returns output and errors."""
        await self.wait()
        texts = []
        for file in self._said:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return tuple(texts)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended: its number may be another's then."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)


class Template:
    """The process that has imported everything and forks on request."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": SOURCES},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # not a terminal: what a child prints is buffered as in a pipe
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def fork(self, words: Sequence[str], environment: Mapping[str, str], out: int, err: int) -> int:
        """Fork ``quartier`` with these arguments and this environment; return its process id."""
        request = {"words": list(words), "environment": dict(environment), "folder": str(Path.cwd())}
        _adopt(on=True)
        try:
            socket.send_fds(self._ours, [json.dumps(request).encode()], [out, err])
            answer = self._ours.recv(64)
        finally:
            _adopt(on=False)
        assert answer, f"the template is gone: {self._process.poll()}"
        return int(answer)

    def close(self) -> None:
        """Let it end."""
        self._ours.close()
        self._process.wait()


@functools.cache
def template() -> Template:
    """Return the template of this pytest worker, started at its first use."""
    return Template()


def run(words: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
    """Start ``quartier`` with these arguments; its output is appended to ``log``."""
    with log.open("ab") as file:
        return Forked(template().fork(words, environment, file.fileno(), file.fileno()))


def start(words: Sequence[str], environment: Mapping[str, str]) -> Forked:
    """Start ``quartier`` with these arguments; ``communicate`` returns its output."""
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - ``communicate`` closes them
    return Forked(template().fork(words, environment, out.fileno(), err.fileno()), (out, err))


async def call(
    words: Sequence[str], environment: Mapping[str, str], deadline_s: float
) -> tuple[int, str, str]:
    """Run one command to its end; returns (exit code, output, errors)."""
    process = start(words, environment)
    try:
        out, err = await asyncio.wait_for(process.communicate(), deadline_s)
    finally:
        process.kill()
    return await process.wait(), out.decode(), err.decode()


def _adopt(*, on: bool) -> None:
    """Become the parent of orphaned descendants, or stop being it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _serve(asked: socket.socket) -> list[str]:
    """Fork for each request; return in each child, with its arguments."""
    while True:
        data, files, _, _ = socket.recv_fds(asked, REQUEST_MAX_BYTES, 2)
        if not data:
            os._exit(0)
        reads, writes = os.pipe()
        between = os.fork()
        if between:
            os.close(writes)
            os.waitpid(between, 0)  # from here on its child is pytest's
            asked.send(os.read(reads, 64))
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
        asked.close()
        for target, file in zip((1, 2), files, strict=True):
            os.dup2(file, target)
            os.close(file)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        return request["words"]


def _run() -> int:
    """Run the command in ``sys.argv``; return its exit code."""
    from quartier.cli import main  # noqa: PLC0415 - in the template alone, after what a daemon imports first

    try:
        return main()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1


def _end(code: int) -> None:
    """Exit as the interpreter does, without unloading each module."""
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
    gc.freeze()  # a child neither looks through what stands now nor copies it
    sys.argv[1:] = _serve(socket.socket(fileno=int(sys.argv[1])))
    _end(_run())
