"""sd_notify: tell systemd that we are ready, alive and what we do.

Protocol: sd_notify(3), datagrams on ``$NOTIFY_SOCKET``.  Fed by finished cycles only.
"""

import os
import socket


class Watchdog:
    """Silent where systemd is not there."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def say(self, *words: str) -> None:
        """Send ``READY=1``, ``WATCHDOG=1``, ``STATUS=…``; a full or absent socket loses nothing of ours."""
        if self._socket is None:
            return
        address = self._address
        target = "\0" + address[1:] if address.startswith("@") else address
        try:
            self._socket.sendto("\n".join(words).encode(), target)
        except OSError:
            return  # systemd is restarting: the next word reaches it

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
