"""The daemon's read-only desk: a unix socket that answers questions, one JSON object a line.

Ask ``{"ask": "status"}`` or ``{"ask": "points"}``; about one thing ``{"ask": "points", "of": "gx"}``.  The
answer is one line, ``null`` when there is no such thing.  Nothing can be changed here, so whoever may
open the socket may look.  A user has few connections, and each pauses twice as long as its answer took.
A long answer is made and sent in portions, the loop
goes on between them: nobody who looks makes a cycle late.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from quartier.runtime.connections import Connections

SOCKET = "quartier.sock"
QUESTION_MAX_BYTES = 4096
IDLE_S = 60.0
CONNECTIONS_PER_USER_MAX, CONNECTIONS_MAX = 8, 32
PAUSES = 2.0
PORTION_COUNT = 50

Answers = Mapping[str, Callable[[], Any]]
About = Mapping[str, Callable[[str], Any]]


class Desk:
    """Serves ``answers`` on ``runtime_dir/quartier.sock``; an iterator becomes a JSON array.

    ``about`` answers what is asked *of* one thing, by its name.
    """

    def __init__(self, runtime_dir: Path, answers: Answers, about: About = MappingProxyType({})) -> None:
        self._path = runtime_dir / SOCKET
        self._answers = answers
        self._about = about
        self._connections = Connections(CONNECTIONS_PER_USER_MAX, CONNECTIONS_MAX)

    async def run(self) -> None:
        """Serve until cancelled; then nobody who still looks on can hold the daemon back."""
        self._path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, self._path, limit=QUESTION_MAX_BYTES)
        self._path.chmod(0o660)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            self._connections.close_all()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._connections.admit(writer) as peer:
            if peer is None:
                return
            # Whoever asked is gone or talks nonsense, or we leave: nothing of ours depends on it.
            with suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                while line := await asyncio.wait_for(reader.readline(), IDLE_S):
                    await self._tell(line, writer)

    async def _tell(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer one question, then pause: who asks in a loop takes a third of the time at most."""
        now = asyncio.get_running_loop().time
        taken_s, before = 0.0, now()
        for part in _parts(self._answer(line)):
            writer.write(part.encode())
            taken_s += now() - before
            await asyncio.wait_for(writer.drain(), IDLE_S)
            await asyncio.sleep(0)
            before = now()
        await asyncio.sleep(PAUSES * taken_s)

    def _answer(self, line: bytes) -> Any:
        try:
            question = json.loads(line)
            about = question.get("of")
            answer = self._answers[question["ask"]] if about is None else self._of(question["ask"], about)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            of = f', or {{"ask": "{"|".join(self._about)}", "of": NAME}}' if self._about else ""
            return {"error": f'ask with {{"ask": "{"|".join(self._answers)}"}}{of}'}
        return answer()

    def _of(self, what: str, name: object) -> Callable[[], Any]:
        return partial(self._about[what], str(name))


def _parts(answer: Any) -> Iterator[str]:
    """The answer's line in portions, each made when it is asked for."""
    if not isinstance(answer, Iterator):
        yield f"{json.dumps(answer, default=str)}\n"
        return
    before = "["
    while portion := [json.dumps(item, default=str) for item in islice(answer, PORTION_COUNT)]:
        yield before + ",".join(portion)
        before = ","
    yield "]\n" if before == "," else "[]\n"


class Closed(Exception):  # noqa: N818 - a state
    """No daemon answers at this desk."""


def ask(runtime_dir: Path, what: str, of: str | None = None, timeout_s: float = 5.0) -> Any:
    """Ask a running daemon, from another process; None when there is no ``of``.

    Raises Closed, saying where was looked.
    """
    question = {"ask": what} if of is None else {"ask": what, "of": of}
    return answered(runtime_dir / SOCKET, question, "no daemon answers at", timeout_s)


def answered(path: Path, request: Mapping[str, Any], lacking: str, timeout_s: float) -> Any:
    """One request to a daemon's socket and its answer, a line each.

    Raises Closed, whose words ``lacking`` begins.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(path))
            with suppress(BrokenPipeError):  # a full desk says why, and closes before it is asked
                client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise Closed(f"{lacking} {path}: {error.strerror or error}") from error
    if not line.endswith(b"\n"):
        raise Closed(f"the daemon closed {path} without an answer")
    answer = json.loads(line)
    if isinstance(answer, dict) and answer.get("busy"):
        raise Closed(f"{path}: {answer['error']}")
    return answer
