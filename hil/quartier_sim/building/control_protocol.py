"""Command lines of a served building, and the control socket that carries them."""

import asyncio
import contextlib
import json
import operator
import os
import shlex
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quartier_sim.building.command_handler import Answer


HELP = """\
  fault DEVICE|BUS KIND [seconds=S] [factor=F] [points=PATTERN] [every=N] [acts=1]
                             [value=W] [phases=1,2] [what=phases|clamps] [seed=N]
                             off unplugged silent stuck garbage wrong clamps swapped foreign coarse bent
                             slow late delayed intermittent
  clear DEVICE|BUS|all       well again
  pull BUS | put BUS         a serial adapter out of the gateway, and back
  plug EV [WH] | unplug EV   a car comes, wanting so much [40000], or leaves
  contact NAME closed|open   of the grid operator
  load W|own                 what the rest of the house takes; own: the day's course
  sun W_PER_KW|own           what the sun gives on each kW of modules
  soc BATTERY PCT            state of charge
  frequency HZ | voltage V   of the public grid
  show [PATTERN]             values and orders now: show grid.*, show *.power_w
  wait S                     seconds of the house
  expect POINT OP VALUE [within=S] [for=S]
                             OP is <= >= < > == !=; within: it must come true in time, for: and stay
  quit                       the end; exit code 1 where an expectation failed
"""
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
VERB_WORD_COUNTS: Mapping[str, tuple[int, int]] = {
    "fault": (2, 2),
    "clear": (1, 1),
    "pull": (1, 1),
    "put": (1, 1),
    "plug": (1, 2),
    "unplug": (1, 1),
    "contact": (2, 2),
    "load": (1, 1),
    "sun": (1, 1),
    "soc": (2, 2),
    "frequency": (1, 1),
    "voltage": (1, 1),
    "show": (0, 1),
    "wait": (1, 1),
    "expect": (3, 3),
    "quit": (0, 0),
    "help": (0, 0),
}
"""Each verb with the least and most words that follow it."""
_OPTION_KEYS: Mapping[str, frozenset[str]] = {
    "fault": frozenset({"seconds", "factor", "points", "every", "acts", "value", "phases", "what", "seed"}),
    "expect": frozenset({"within", "for"}),
}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One line: its verb, its arguments, and its ``key=value`` options."""

    verb: str
    words: tuple[str, ...]
    keys: Mapping[str, str]


def parse_line(text: str) -> CommandLine | None:
    """Parse a line; None for an empty one or a comment.

    Raises ValueError saying what was expected.
    """
    words = shlex.split(text, comments=True)
    if not words:
        return None
    verb, *rest = words
    if verb not in VERB_WORD_COUNTS:
        raise ValueError(f"{verb!r} is no command; expected one of {', '.join(VERB_WORD_COUNTS)}")
    keys = dict(_split_option(argument) for argument in rest if _is_option(argument))
    plain = tuple(argument for argument in rest if not _is_option(argument))
    least, most = VERB_WORD_COUNTS[verb]
    if not least <= len(plain) <= most:
        shown = next(one.strip() for one in HELP.splitlines() if verb in one.split())
        raise ValueError(f"{verb} takes other words: {shown}")
    if unknown := set(keys) - _OPTION_KEYS.get(verb, frozenset()):
        those = ", ".join(sorted(_OPTION_KEYS.get(verb, frozenset()))) or "none"
        raise ValueError(f"{verb} has no key {unknown.pop()!r}; expected {those}")
    return CommandLine(verb, plain, keys)


def parse_number(text: str, what: str) -> float:
    """Return a number from text.  Raises ValueError naming it."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: {text!r} is no number") from None


def _is_option(argument: str) -> bool:
    name, equals, _ = argument.partition("=")
    return bool(equals) and name.isidentifier()


def _split_option(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    return name, value


SOCKET_NAME = "control"
_RETRY_REAL_S = 0.05


@contextlib.contextmanager
def _open_socket_path(folder: Path) -> Iterator[str]:
    """A path to the socket that is short enough for the kernel (107 bytes), whatever the folder's is."""
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{held}/{SOCKET_NAME}"
    finally:
        os.close(held)


class ControlSocket:
    """Listens in a folder; each line that comes is answered with a line of JSON."""

    def __init__(self, folder: Path, obey: "Callable[[str], Awaitable[Answer]]") -> None:
        self._folder, self._obey = folder, obey
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen.  Raises OSError when the folder takes no socket, or another building is served from it."""
        if _is_served(self._folder):
            raise OSError(f"another building is served from {self._folder}; --folder DIR takes another place")
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)
        with _open_socket_path(self._folder) as path:
            self._server = await asyncio.start_unix_server(self._talk, path)

    async def close(self) -> None:
        """Close the socket; a client that waits for an answer finds the connection closed."""
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        (self._folder / SOCKET_NAME).unlink(missing_ok=True)

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


def send_line(folder: Path, text: str, wait_s: float) -> dict[str, Any]:
    """Say a line to the building that is served from ``folder``; its answer.

    Waits up to ``wait_s`` real seconds for it to be there.  Raises OSError when it is not.
    """
    with _connect(folder, time.monotonic() + wait_s) as line, line.makefile("rwb") as file:
        file.write(text.encode() + b"\n")
        file.flush()
        data = file.readline()
    if not data:
        raise ConnectionResetError(f"the building of {folder} ended before it answered")
    answer: dict[str, Any] = json.loads(data)
    return answer


def _is_served(folder: Path) -> bool:
    """Return whether a process listens there; a socket file left behind does not count."""
    try:
        _connect(folder, 0.0).close()
    except OSError:
        return False
    return True


def _connect(folder: Path, until: float) -> socket.socket:
    while True:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _open_socket_path(folder) as path:
                line.connect(path)
        except OSError:
            line.close()
            if time.monotonic() >= until:
                raise
            time.sleep(_RETRY_REAL_S)
        else:
            return line
