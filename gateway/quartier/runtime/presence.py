"""Tell whether a person who asks stands at the gateway (spec/failsafe.md#rule-7).

``WAYS`` is the one place that knows; each way takes the process that asks and its request, and gives a
``Presence``.  There is one today, the gateway's own console; a page session with the one-time code shown at
the gateway is to be the next.  What cannot be told counts as not on site.

A login at the console is known by two words of root that whoever logs in from afar cannot forge: the control
group that logind put the process in, and logind's record of that session.  Environment variables such as
SSH_CONNECTION count for nothing, nor does *Remote=no* alone: ``ssh localhost`` has it too.  That the process,
or one that it descends from, has the console as its controlling terminal keeps out what was left running
there for somebody who comes back by SSH (tmux, screen).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The whole path: a user may make control groups of any name below user@UID.service.
_SCOPE = re.compile(r"/user\.slice/user-(?P<uid>\d+)\.slice/session-(?P<id>[0-9A-Za-z]+)\.scope")
_CONSOLE = re.compile(r"tty[1-9][0-9]?|(?:ttyS|ttyAMA|ttymxc)[0-9]{1,2}")
_ANCESTORS_MAX = 32


@dataclass(frozen=True, slots=True)
class Presence:
    """Where a person is known to stand; ``place`` is empty where that is not known, ``why_not`` says why."""

    place: str = ""
    why_not: str = ""

    @property
    def is_on_site(self) -> bool:
        """Whether the person is at the gateway."""
        return bool(self.place)


@dataclass(frozen=True, slots=True)
class Asker:
    """The process at the other end of a socket: its number, and when it began (clock ticks since boot)."""

    pid: int
    began: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where the kernel and logind say what they know."""

    proc: Path = Path("/proc")
    sessions: Path = Path("/run/systemd/sessions")
    terminals: Path = Path("/sys/class/tty")


HERE = Places()
Way = Callable[[Asker, Mapping[str, Any], Places], Presence]


def prove(asker: Asker, request: Mapping[str, Any], places: Places = HERE) -> Presence:
    """Whether one of the ways holds; else why none does."""
    found = [way(asker, request, places) for way in WAYS]
    why_not = "; ".join(one.why_not for one in found)
    return next((one for one in found if one.is_on_site), Presence(why_not=why_not))


def asker(pid: int, places: Places = HERE) -> Asker:
    """The process that just connected: a later one of the same number is another one."""
    found = _process(pid, places)
    return Asker(pid, 0 if found is None else found.began)


def at_console(asker: Asker, request: Mapping[str, Any], places: Places = HERE) -> Presence:
    """Whether the process belongs to a login at the gateway's own screen or serial console."""
    del request
    process = _process(asker.pid, places)
    if process is None or process.began != asker.began:
        return Presence(why_not="the process that asks cannot be seen")
    scope = _scope(asker.pid, places)
    if scope is None:
        return Presence(why_not="log in at the gateway's own screen, and repeat")
    record = _record(scope["id"], places)
    terminal = record.get("TTY", "")
    why_not = _doubt(record, scope["uid"])
    if not why_not and not any(
        one.terminal == _device(terminal, places) for one in _line(process, scope, places)
    ):
        why_not = f"it is not controlled from {terminal}"
    return Presence(why_not=why_not) if why_not else Presence(place=f"the console {terminal}")


WAYS: Sequence[Way] = (at_console,)
"""Every way to be on site.  Whoever adds one says in its decision record why it cannot be used from afar."""


def _doubt(record: Mapping[str, str], uid: str) -> str:
    """Why the record of a session is not that of a person in front of the console; empty if it is."""
    if not record or record.get("UID") != uid:
        return "logind has no record of its login"
    if record.get("REMOTE") != "0" or "ssh" in record.get("SERVICE", "ssh"):
        return "the login came over the network"
    if record.get("TYPE") != "tty" or not _CONSOLE.fullmatch(record.get("TTY", "")):
        return "the login is at no console of the gateway"
    return "" if record.get("ACTIVE") == "1" else "the login is not the one on the screen"


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    terminal: tuple[int, int]
    began: int


def _process(pid: int, places: Places) -> _Process | None:
    try:
        # The name, in brackets, may hold anything.
        words = (places.proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        number = int(words[4])
        terminal = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
        return _Process(pid, int(words[1]), terminal, int(words[19]))
    except (OSError, ValueError, IndexError):
        return None


def _line(process: _Process, scope: Mapping[str, str], places: Places) -> Iterator[_Process]:
    """The process and those that it descends from, as far as they belong to the same login (sudo has a
    terminal of its own).
    """
    found: _Process | None = process
    for _ in range(_ANCESTORS_MAX):
        if found is None or _scope(found.pid, places) != scope:
            return
        yield found
        found = _process(found.parent, places)


def _scope(pid: int, places: Places) -> Mapping[str, str] | None:
    try:
        lines = (places.proc / str(pid) / "cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers in ("", "name=systemd") and (found := _SCOPE.fullmatch(path)):
            return found.groupdict()
    return None


def _record(session: str, places: Places) -> dict[str, str]:
    try:
        lines = (places.sessions / session).read_text().splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key: value for key, _, value in pairs}


def _device(terminal: str, places: Places) -> tuple[int, int] | None:
    """Major and minor number of a terminal; None where there is no such."""
    try:
        major, _, minor = (places.terminals / terminal / "dev").read_text().strip().partition(":")
        return int(major), int(minor)
    except (OSError, ValueError):
        return None
