"""Control socket of a served building, and its client."""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quartier_hil.standins.desk import Answer

NAME = "control"
_AGAIN_REAL_S = 0.05


@contextlib.contextmanager
def _near(folder: Path) -> Iterator[str]:
    """A path to the socket that is short enough for the kernel (107 bytes), whatever the folder's is."""
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{held}/{NAME}"
    finally:
        os.close(held)


class Control:
    """Listens in a folder; each line that comes is answered with a line of JSON."""

    def __init__(self, folder: Path, obey: "Callable[[str], Awaitable[Answer]]") -> None:
        self._folder, self._obey = folder, obey
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen.  Raises OSError when the folder takes no socket, or another building is served from it."""
        if _is_answered(self._folder):
            raise OSError(f"another building is served from {self._folder}; --folder DIR takes another place")
        (self._folder / NAME).unlink(missing_ok=True)
        with _near(self._folder) as path:
            self._server = await asyncio.start_unix_server(self._talk, path)

    async def close(self) -> None:
        """Close the socket; a client that waits for an answer finds the connection closed."""
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        (self._folder / NAME).unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while text := await reader.readline():
                answer = await self._obey(text.decode("utf-8", "replace").strip())
                writer.write(json.dumps(answer.as_json()).encode() + b"\n")
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass  # whoever asked is gone, or it is over: asyncio complains of streams that are cancelled
        finally:
            self._talks.discard(task)
            writer.close()


def tell(folder: Path, text: str, wait_s: float) -> dict[str, Any]:
    """Say a line to the building that is served from ``folder``; its answer.

    Waits up to ``wait_s`` real seconds for it to be there.  Raises OSError when it is not.
    """
    with _line(folder, time.monotonic() + wait_s) as line, line.makefile("rwb") as file:
        file.write(text.encode() + b"\n")
        file.flush()
        said = file.readline()
    if not said:
        raise ConnectionResetError(f"the building of {folder} ended before it answered")
    answer: dict[str, Any] = json.loads(said)
    return answer


def _is_answered(folder: Path) -> bool:
    """Return whether a process listens there; a socket file left behind does not count."""
    try:
        _line(folder, 0.0).close()
    except OSError:
        return False
    return True


def _line(folder: Path, until: float) -> socket.socket:
    while True:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _near(folder) as path:
                line.connect(path)
        except OSError:
            line.close()
            if time.monotonic() >= until:
                raise
            time.sleep(_AGAIN_REAL_S)
        else:
            return line
