"""Looks up a host's addresses in a thread that nobody waits for: a resolver may hang for half a minute.

asyncio's own lookups share the loop's few threads with the disk; names that hang would keep the gateway from
saving its state, and from stopping when asked.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import ip_address


class Names:
    """One host.  At most one lookup at a time; a result that is late for one attempt serves the next."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lookup: asyncio.Future[list[str] | OSError] | None = None

    async def addresses(self) -> list[str]:
        """Return the addresses in the resolver's order.  Raises OSError; may be cancelled at any time."""
        with suppress(ValueError):
            return [str(ip_address(self._host))]
        if self._lookup is None:
            self._lookup = _looked_up(self._host)
        found = await asyncio.shield(self._lookup)
        self._lookup = None
        if isinstance(found, OSError):
            raise found
        return found


def _looked_up(host: str) -> asyncio.Future[list[str] | OSError]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str] | OSError] = loop.create_future()

    def work() -> None:
        found: list[str] | OSError
        try:
            infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except OSError as error:
            found = error
        except UnicodeError as error:  # a label that is empty or too long
            found = OSError(f"is no name: {error}")
        with suppress(RuntimeError):  # the loop is gone: nobody asks any more
            loop.call_soon_threadsafe(answer.set_result, found)

    threading.Thread(target=work, name=f"look up {host}", daemon=True).start()
    return answer
