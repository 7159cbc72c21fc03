"""Serve the order socket: orders from people of one group.

One JSON object per line, ``{"do": "override", …}``; the answer is one line.  The kernel identifies the asker
(SO_PEERCRED), not the request.  Access is controlled by the group of the socket file: nothing listens on a
network, and there is no password.  A client that sends too much, or nothing, is disconnected.  No user can
keep another one out.  Control never waits.
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

from quartier.runtime.local_socket import presence
from quartier.runtime.local_socket.presence import AskingProcess
from quartier.runtime.local_socket.questions import ConnectionLimiter, RequestTexts, send_request
from quartier_drivers.contract import Origin

ORDER_SOCKET = "operators.sock"
OPERATORS_GROUP = "quartier-operators"
# A whole site file is the longest request.
REQUEST_MAX_BYTES = 256 * 1024
ORDER_CONNECTIONS_PER_USER_MAX, ORDER_CONNECTIONS_MAX = 4, 32
ORDER_IDLE_S = 20.0
# Shorter than a person needs to type; a script in a loop must wait.
ORDER_PAUSE_S = 0.1

OrderHandlers = Mapping[str, Callable[[Mapping[str, Any], Origin], Awaitable[Any]]]
OnSiteOrderHandlers = Mapping[str, Callable[[Mapping[str, Any], Origin, AskingProcess], Awaitable[Any]]]
"""Orders that depend on where the person is; their handlers call ``presence.prove_presence``."""


class OrderServer:
    """Serves ``handlers`` on ``runtime_dir/operators.sock``, for ``group`` if it exists."""

    def __init__(
        self,
        runtime_dir: Path,
        handlers: OrderHandlers,
        log: Any,
        group: str = OPERATORS_GROUP,
        on_site: OnSiteOrderHandlers | None = None,
    ) -> None:
        self._path = runtime_dir / ORDER_SOCKET
        self._handlers = handlers
        self._on_site = on_site or {}
        self._log = log
        self._group = group
        self._connections = ConnectionLimiter(ORDER_CONNECTIONS_PER_USER_MAX, ORDER_CONNECTIONS_MAX)

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
            # The client is gone or sends invalid data, or we are leaving: nothing of ours depends on it.
            with suppress(OSError, TimeoutError, ValueError, asyncio.CancelledError):
                who, asker = _find_who(peer.uid), presence.find_asking_process(peer.pid)
                while line := await asyncio.wait_for(reader.readline(), ORDER_IDLE_S):
                    answer = await self._answer(line, who, asker)
                    writer.write(json.dumps(answer).encode() + b"\n")
                    await asyncio.wait_for(writer.drain(), ORDER_IDLE_S)
                    await asyncio.sleep(ORDER_PAUSE_S)

    async def _answer(self, line: bytes, who: Origin, asker: AskingProcess) -> Any:
        try:
            request = json.loads(line)
            name = request["do"]
            on_site = self._on_site.get(name)
            action = self._handlers[name] if on_site is None else None
        except (ValueError, TypeError, KeyError, RecursionError):
            names = "|".join((*self._handlers, *self._on_site))
            return {"error": f'order with {{"do": "{names}", …}}'}
        if action is not None:
            return await action(request, who)
        assert on_site is not None
        return await on_site(request, who, asker)


def _find_who(uid: int) -> Origin:
    """Return the owner of the process that connected."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"user {uid}"
    return Origin("person", name, str(uid))


def send_order(runtime_dir: Path, what: str, timeout_s: float = 10.0, **request: Any) -> Any:
    """Send an order to a running daemon, from another process.

    Raises NoDaemon with the path that was tried.
    """
    return send_request(runtime_dir / ORDER_SOCKET, {"do": what, **request}, _ORDERS, timeout_s)


_ORDERS = RequestTexts("no daemon takes orders at", "this user may not give orders to the daemon at")
