"""Serve the read-only question socket, and limit the connections per user; the client side too.

The kernel names the user of a connection (``SO_PEERCRED``).  One user can neither use up the daemon's
descriptors nor keep another user out.  Root is always admitted.

Ask ``{"ask": "status"}`` or ``{"ask": "points"}``; about one part ``{"ask": "points", "of": "gx"}``.  The
answer is one line of JSON, ``null`` if there is no such part.  Nothing can be changed here, so whoever may
open the socket may read.  A user has few connections, and each pauses twice as long as its answer took.  A
long answer is made and sent in portions while the loop continues, so that no client makes a cycle late.
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process and the user at the other end of a connection."""

    pid: int
    uid: int


def find_peer(connection: socket.socket) -> Peer:
    """Return the peer of a connection, as the kernel knows it.  Raises OSError."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Peer(pid, uid)


class ConnectionLimiter:
    """The connections to one socket: at most ``per_user`` per user, ``in_all`` for all users except root."""

    def __init__(self, per_user: int, in_all: int) -> None:
        self._per_user = per_user
        self._in_all = in_all
        self._counts: Counter[int] = Counter()
        self._tasks: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    @contextmanager
    def admit(self, writer: asyncio.StreamWriter) -> Iterator[Peer | None]:
        """Count a connection while it lasts, then close it.

        Yields None, and writes one line with the reason, if the user or the socket has too many.
        """
        try:
            peer = find_peer(writer.get_extra_info("socket"))
        except OSError:
            writer.close()
            yield None
            return
        if reason := self._find_excess(peer.uid):
            writer.write(json.dumps({"error": reason, "busy": True}).encode() + b"\n")
            writer.close()
            yield None
            return
        self._counts[peer.uid] += 1
        self._tasks[writer] = asyncio.current_task()
        try:
            yield peer
        finally:
            self._counts[peer.uid] -= 1
            del self._tasks[writer]
            writer.close()

    def _find_excess(self, uid: int) -> str:
        if uid == 0:
            return ""
        if self._counts[uid] >= self._per_user:
            return f"user {uid} holds {self._per_user} connections already; close one"
        if self._counts.total() - self._counts[0] >= self._in_all:
            return f"{self._in_all} connections are open already; try again in a minute"
        return ""

    def close_all(self) -> None:
        """Close every connection and cancel its task, because the daemon stops."""
        for writer, task in self._tasks.items():
            writer.close()
            if task is not None:
                task.cancel()


QUESTION_SOCKET = "quartier.sock"
QUESTION_MAX_BYTES = 4096
QUESTION_IDLE_S = 60.0
QUESTION_CONNECTIONS_PER_USER_MAX, QUESTION_CONNECTIONS_MAX = 8, 32
PAUSE_FACTOR = 2.0
ROWS_PER_PORTION = 50
Answers = Mapping[str, Callable[[], Any]]
AnswersByName = Mapping[str, Callable[[str], Any]]


class QuestionServer:
    """Serves ``answers`` on ``runtime_dir/quartier.sock``; an iterator becomes a JSON array.

    ``about`` answers questions *of* one part, by its name.
    """

    def __init__(
        self, runtime_dir: Path, answers: Answers, about: AnswersByName = MappingProxyType({})
    ) -> None:
        self._path = runtime_dir / QUESTION_SOCKET
        self._answers = answers
        self._about = about
        self._connections = ConnectionLimiter(QUESTION_CONNECTIONS_PER_USER_MAX, QUESTION_CONNECTIONS_MAX)

    async def run(self) -> None:
        """Serve until cancelled; then close all connections, so that no client can hold the daemon back."""
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
            # The client is gone or sends invalid data, or we are leaving: nothing of ours depends on it.
            with suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                while line := await asyncio.wait_for(reader.readline(), QUESTION_IDLE_S):
                    await self._answer_line(line, writer)

    async def _answer_line(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer one question, then pause: a client that asks in a loop takes at most a third of the time."""
        now = asyncio.get_running_loop().time
        taken_s, before = 0.0, now()
        for part in _split_answer(self._answer(line)):
            writer.write(part.encode())
            taken_s += now() - before
            await asyncio.wait_for(writer.drain(), QUESTION_IDLE_S)
            await asyncio.sleep(0)
            before = now()
        await asyncio.sleep(PAUSE_FACTOR * taken_s)

    def _answer(self, line: bytes) -> Any:
        try:
            question = json.loads(line)
            about = question.get("of")
            answer = (
                self._answers[question["ask"]]
                if about is None
                else self._answer_by_name(question["ask"], about)
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            of = f', or {{"ask": "{"|".join(self._about)}", "of": NAME}}' if self._about else ""
            return {"error": f'ask with {{"ask": "{"|".join(self._answers)}"}}{of}'}
        return answer()

    def _answer_by_name(self, what: str, name: object) -> Callable[[], Any]:
        return partial(self._about[what], str(name))


def _split_answer(answer: Any) -> Iterator[str]:
    """Yield the answer's line in portions, each made on demand."""
    if not isinstance(answer, Iterator):
        yield f"{json.dumps(answer, default=str)}\n"
        return
    before = "["
    while portion := [json.dumps(item, default=str) for item in islice(answer, ROWS_PER_PORTION)]:
        yield before + ",".join(portion)
        before = ","
    yield "]\n" if before == "," else "[]\n"


class NoDaemon(Exception):  # noqa: N818 - a state
    """No daemon answers at this socket."""


class NotPermitted(NoDaemon):
    """This user may not open the socket, so nobody knows whether a daemon runs."""


def ask(runtime_dir: Path, what: str, of: str | None = None, timeout_s: float = 5.0) -> Any:
    """Ask a running daemon, from another process; None if there is no part ``of``.

    Raises NoDaemon with the path that was tried.
    """
    question = {"ask": what} if of is None else {"ask": what, "of": of}
    return send_request(runtime_dir / QUESTION_SOCKET, question, ASKS, timeout_s)


@dataclass(frozen=True, slots=True)
class RequestTexts:
    """The error texts of a request that fails; the path of the socket follows them."""

    unanswered: str
    denied: str


ASKS = RequestTexts("no daemon answers at", "this user may not ask the daemon at")


def send_request(path: Path, request: Mapping[str, Any], texts: RequestTexts, timeout_s: float) -> Any:
    """Send one request to a daemon's socket and return its answer, one line each.

    Raises NoDaemon if nobody answers, and its subclass NotPermitted if the user may not open the socket.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(path))
            with suppress(BrokenPipeError):  # a full socket says why, and closes before it is asked
                client.sendall(json.dumps(request).encode() + b"\n")
            with client.makefile("rb") as stream:
                line = stream.readline()
        except PermissionError as error:
            raise NotPermitted(f"{texts.denied} {path}: {error.strerror}") from error
        except OSError as error:
            raise NoDaemon(f"{texts.unanswered} {path}: {error.strerror or error}") from error
    if not line.endswith(b"\n"):
        raise NoDaemon(f"the daemon closed {path} without an answer")
    answer = json.loads(line)
    if isinstance(answer, dict) and answer.get("busy"):
        raise NoDaemon(f"{path}: {answer['error']}")
    return answer
