"""Start and end child processes that never outlive the rig, and make the folder for their files."""

import asyncio
import atexit
import ctypes
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_TERM_S = 10.0
_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _python_path() -> str:
    """Return the path of our packages in this process: a child must find the same ones, installed or not."""
    return os.pathsep.join(
        path for path in sys.path if path and any(Path(path).glob("quartier*/__init__.py"))
    )


class ChildProcess:
    """One process: started, ended, started again; ``log`` is appended to."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.argv = list(argv)
        self.log = log
        self.env = {**os.environ, "PYTHONPATH": _python_path(), **(env or {})}
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The running process, None when there is none."""
        return self.process.pid if self.alive and self.process is not None else None

    @property
    def alive(self) -> bool:
        """Return whether it runs."""
        return self.process is not None and self.process.returncode is None

    async def start(
        self, *, with_pipes: bool = False, inherit_output: bool = False, outlives: bool = False
    ) -> None:
        """Start it in a session of its own: Ctrl-C ends the rig, and the rig ends the rest.

        ``with_pipes`` opens pipes to its stdin and stdout; ``inherit_output``: it writes to our outputs;
        ``outlives``: it has a duty after the end of the rig.  Raises RuntimeError while one runs already.
        """
        if self.alive:
            raise RuntimeError(f"{self.argv[0]} runs already, as process {self.pid}")
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.PIPE if with_pipes else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if with_pipes else None if inherit_output else log,
                stderr=None if inherit_output else log,
                env=self.env,
                start_new_session=True,
                preexec_fn=None if outlives else _die_with_parent,
                limit=1 << 22,
            )

    async def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """End it and wait; killed when it does not go within ten seconds.  Returns its exit code."""
        if self.process is None:
            return 0
        if self.alive:
            self.process.send_signal(with_signal)
        try:
            return await asyncio.wait_for(self.process.wait(), _TERM_S)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


async def run_command(argv: Sequence[str], log: Path, env: Mapping[str, str], timeout_s: float) -> int:
    """Run a command to its end; 124 when it did not end in time, as timeout(1) does."""
    child = ChildProcess(argv, log, env)
    await child.start()
    assert child.process is not None
    try:
        return await asyncio.wait_for(child.process.wait(), timeout_s)
    except TimeoutError:
        await child.stop(signal.SIGKILL)
        return 124


# A unix socket's path holds 107 bytes (sys/un.h); a link in the temporary folder leads to what lies deeper.
_SOCKET_PATH_MAX = 100


def make_work_folder(folder: Path) -> Path:
    """Make the folder of this run's process files anew and return it: ``run`` in the report folder.

    If it is too deep for a socket, a link to it lasts as long as this process: its files are read last.
    """
    work = folder.resolve() / "run"
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(parents=True)
    if len(str(work / "runtime" / "quartier.sock")) <= _SOCKET_PATH_MAX:
        return work
    short = Path(tempfile.mkdtemp(prefix="quartier-"))
    atexit.register(shutil.rmtree, short, ignore_errors=True)
    link = short / "run"
    link.symlink_to(work)
    return link
