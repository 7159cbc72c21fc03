"""Prove that the person who asks is at the gateway (spec/failsafe.md#rule-7).

``PRESENCE_CHECKS`` is the only list of ways.  Each takes the asking process and its request, and returns a
``Presence``.  There is one today, the gateway's own console; a page session with the one-time code shown at
the gateway is to be the next.  A person whose place cannot be determined counts as not on site.

A login at the console is recognised by two statements of root that a remote user cannot forge: the control
group in which logind put the process, and logind's record of that session.  Environment variables such as
SSH_CONNECTION do not count, nor does *Remote=no* alone: ``ssh localhost`` has it too.  The process or one of
its ancestors must have the console as its controlling terminal.  That excludes processes left running there
for somebody who comes back by SSH (tmux, screen).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Presence:
    """The known place of a person; if it is unknown, ``place`` is empty and ``why_not`` says why."""

    place: str = ""
    why_not: str = ""

    @property
    def is_on_site(self) -> bool:
        """True if the person is at the gateway."""
        return bool(self.place)


@dataclass(frozen=True, slots=True)
class AskingProcess:
    """The process at the other end of a socket: its id, and when it began (clock ticks since boot)."""

    pid: int
    began: int = 0


ProvePresence = Callable[[AskingProcess, Mapping[str, Any]], Presence]
# Match the whole path: a user may make control groups of any name below user@UID.service.
_SCOPE_PATTERN = re.compile(r"/user\.slice/user-(?P<uid>\d+)\.slice/session-(?P<id>[0-9A-Za-z]+)\.scope")
_CONSOLE_PATTERN = re.compile(r"tty[1-9][0-9]?|(?:ttyS|ttyAMA|ttymxc)[0-9]{1,2}")
_ANCESTORS_MAX = 32


@dataclass(frozen=True, slots=True)
class SystemPaths:
    """Paths of the information of the kernel and logind."""

    proc: Path = Path("/proc")
    sessions: Path = Path("/run/systemd/sessions")
    terminals: Path = Path("/sys/class/tty")


SYSTEM_PATHS = SystemPaths()
PresenceCheck = Callable[[AskingProcess, Mapping[str, Any], SystemPaths], Presence]


def prove_presence(
    asker: AskingProcess, request: Mapping[str, Any], places: SystemPaths = SYSTEM_PATHS
) -> Presence:
    """Return the presence of the first check that proves it; else why no check does."""
    found = [way(asker, request, places) for way in PRESENCE_CHECKS]
    why_not = "; ".join(one.why_not for one in found)
    return next((one for one in found if one.is_on_site), Presence(why_not=why_not))


def find_asking_process(pid: int, places: SystemPaths = SYSTEM_PATHS) -> AskingProcess:
    """Return the process that just connected; its start time tells a later process with the same id apart."""
    found = _find_process(pid, places)
    return AskingProcess(pid, 0 if found is None else found.began)


def check_console(
    asker: AskingProcess, request: Mapping[str, Any], places: SystemPaths = SYSTEM_PATHS
) -> Presence:
    """Check whether the process belongs to a login at the gateway's own screen or serial console."""
    del request
    process = _find_process(asker.pid, places)
    if process is None or process.began != asker.began:
        return Presence(why_not="the process that asks cannot be seen")
    scope = _find_scope(asker.pid, places)
    if scope is None:
        return Presence(why_not="log in at the gateway's own screen, and repeat")
    record = _read_session(scope["id"], places)
    terminal = record.get("TTY", "")
    why_not = _explain_doubt(record, scope["uid"])
    if not why_not and not any(
        one.terminal == _find_terminal_device(terminal, places)
        for one in _find_ancestors(process, scope, places)
    ):
        why_not = f"it is not controlled from {terminal}"
    return Presence(why_not=why_not) if why_not else Presence(place=f"the console {terminal}")


PRESENCE_CHECKS: Sequence[PresenceCheck] = (check_console,)
"""Every way to be on site.  The decision record of a new way must say why it cannot be used remotely."""


def _explain_doubt(record: Mapping[str, str], uid: str) -> str:
    """Return the reason that a session record is not of a person at the console; empty if it is."""
    if not record or record.get("UID") != uid:
        return "logind has no record of its login"
    if record.get("REMOTE") != "0" or "ssh" in record.get("SERVICE", "ssh"):
        return "the login came over the network"
    if record.get("TYPE") != "tty" or not _CONSOLE_PATTERN.fullmatch(record.get("TTY", "")):
        return "the login is at no console of the gateway"
    return "" if record.get("ACTIVE") == "1" else "the login is not the one on the screen"


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    terminal: tuple[int, int]
    began: int


def _find_process(pid: int, places: SystemPaths) -> _Process | None:
    try:
        # The name, in brackets, may contain anything.
        words = (places.proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        number = int(words[4])
        terminal = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
        return _Process(pid, int(words[1]), terminal, int(words[19]))
    except (OSError, ValueError, IndexError):
        return None


def _find_ancestors(process: _Process, scope: Mapping[str, str], places: SystemPaths) -> Iterator[_Process]:
    """Yield the process and its ancestors that belong to the same login.

    They are included because sudo has a terminal of its own.
    """
    found: _Process | None = process
    for _ in range(_ANCESTORS_MAX):
        if found is None or _find_scope(found.pid, places) != scope:
            return
        yield found
        found = _find_process(found.parent, places)


def _find_scope(pid: int, places: SystemPaths) -> Mapping[str, str] | None:
    try:
        lines = (places.proc / str(pid) / "cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers in ("", "name=systemd") and (found := _SCOPE_PATTERN.fullmatch(path)):
            return found.groupdict()
    return None


def _read_session(session: str, places: SystemPaths) -> dict[str, str]:
    try:
        lines = (places.sessions / session).read_text().splitlines()
    except (OSError, ValueError):
        return {}
    pairs = (line.partition("=") for line in lines)
    return {key: value for key, _, value in pairs}


def _find_terminal_device(terminal: str, places: SystemPaths) -> tuple[int, int] | None:
    """Return major and minor number of a terminal; None if it does not exist."""
    try:
        major, _, minor = (places.terminals / terminal / "dev").read_text().strip().partition(":")
        return int(major), int(minor)
    except (OSError, ValueError):
        return None
