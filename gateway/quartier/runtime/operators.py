"""The operators' desk: a second unix socket, where people of one group order by hand.

One JSON object a line, ``{"do": "override", …}``; the answer is one line.  Who asks is known by the kernel's
word (SO_PEERCRED), not by what they say.  The group's own socket file is the door: nothing listens on a
network, and there is no password.  A guest who says too much, or nothing, is sent away; no user can keep
another one out; control never waits.
"""

import asyncio
import grp
import json
import os
import pwd
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from quartier.runtime import presence
from quartier.runtime.connections import Connections
from quartier.runtime.desk import answered
from quartier.runtime.presence import Asker
from quartier_drivers.who import Who

SOCKET = "operators.sock"
GROUP = "quartier-operators"
# A whole site file is the longest that is said here.
REQUEST_MAX_BYTES = 256 * 1024
CONNECTIONS_PER_USER_MAX, CONNECTIONS_MAX = 4, 32
IDLE_S = 20.0
# More than a person types; a script in a loop waits its turn.
PAUSE_S = 0.1

Deeds = Mapping[str, Callable[[Mapping[str, Any], Who], Awaitable[Any]]]
OnSiteDeeds = Mapping[str, Callable[[Mapping[str, Any], Who, Asker], Awaitable[Any]]]
"""What depends on where the person stands; who does it asks ``presence.prove``."""


class Operators:
    """Serves ``deeds`` on ``runtime_dir/operators.sock``, for ``group`` where it exists."""

    def __init__(
        self,
        runtime_dir: Path,
        deeds: Deeds,
        log: Any,
        group: str = GROUP,
        on_site: OnSiteDeeds | None = None,
    ) -> None:
        self._path = runtime_dir / SOCKET
        self._deeds = deeds
        self._on_site = on_site or {}
        self._log = log
        self._group = group
        self._connections = Connections(CONNECTIONS_PER_USER_MAX, CONNECTIONS_MAX)

    async def run(self) -> None:
        """Serve until cancelled."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)  # nobody else may open it before its group is set
        try:
            server = await asyncio.start_unix_server(self._serve, self._path, limit=REQUEST_MAX_BYTES)
        finally:
            os.umask(before)
        self._open_to_group()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            self._connections.close_all()
            self._path.unlink(missing_ok=True)

    def _open_to_group(self) -> None:
        try:
            os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
            self._path.chmod(0o660)
        except (KeyError, PermissionError):
            why = f"there is no group {self._group}, or we are not in it: root alone may order by hand"
            self._log.warning("operators.no_group", group=self._group, why=why)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._connections.admit(writer) as peer:
            if peer is None:
                return
            # Whoever asked is gone or talks nonsense, or we leave: nothing of ours depends on it.
            with suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                who, asker = _who(peer.uid), presence.asker(peer.pid)
                while line := await asyncio.wait_for(reader.readline(), IDLE_S):
                    answer = await self._answer(line, who, asker)
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await asyncio.wait_for(writer.drain(), IDLE_S)
                    await asyncio.sleep(PAUSE_S)

    async def _answer(self, line: bytes, who: Who, asker: Asker) -> Any:
        try:
            request = json.loads(line)
            name = request["do"]
            on_site = self._on_site.get(name)
            deed = self._deeds[name] if on_site is None else None
        except (ValueError, TypeError, KeyError, RecursionError):
            names = "|".join((*self._deeds, *self._on_site))
            return {"error": f'order with {{"do": "{names}", …}}'}
        if deed is not None:
            return await deed(request, who)
        assert on_site is not None
        return await on_site(request, who, asker)


def _who(uid: int) -> Who:
    """Whose process connected."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"user {uid}"
    return Who("person", name, str(uid))


def order(runtime_dir: Path, what: str, timeout_s: float = 10.0, **request: Any) -> Any:
    """Order something of a running daemon, from another process.  Raises Closed, saying where was looked."""
    return answered(runtime_dir / SOCKET, {"do": what, **request}, "no daemon takes orders at", timeout_s)
