"""Limits how many connections each user may hold on a local socket.

The kernel names the user of a connection (``SO_PEERCRED``).  One user can neither use up the daemon's
descriptors nor keep another user out.  Root is always admitted.
"""

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process and the user at the other end of a connection."""

    pid: int
    uid: int


def find_peer(connection: socket.socket) -> Peer:
    """Return who connected, as the kernel knows it.  Raises OSError."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Peer(pid, uid)


class Connections:
    """The connections to one socket: at most ``per_user`` of a user, ``in_all`` of all users but root."""

    def __init__(self, per_user: int, in_all: int) -> None:
        self._per_user = per_user
        self._in_all = in_all
        self._counts: Counter[int] = Counter()
        self._tasks: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    @contextmanager
    def admit(self, writer: asyncio.StreamWriter) -> Iterator[Peer | None]:
        """Count a connection while it lasts, then close it.

        Gives None, and writes one line with the reason, where the user or the socket has too many.
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
        """Close every connection and cancel its task: the daemon stops."""
        for writer, task in self._tasks.items():
            writer.close()
            if task is not None:
                task.cancel()
