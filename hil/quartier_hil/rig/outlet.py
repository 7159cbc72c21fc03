"""Outlets of a switched plug or strip over HTTP: Shelly's RPC of the second generation and later.

Source: Shelly Technical Documentation, Gen2+ Device API, components Shelly and Switch: ``Switch.Set`` with
``id`` and ``on``, ``Switch.GetStatus`` whose ``output`` is the relay, ``Shelly.GetDeviceInfo``: each a GET.
"""

import asyncio
import http.client
import json
from collections.abc import Mapping
from typing import Any

from quartier_hil.rig.client import NoAnswer

_WANTS_PASSWORD = 401


class Outlets:
    """Outlets of one host; each request is a connection of its own.  Every method raises NoAnswer."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s

    async def switch(self, number: int, *, on: bool) -> None:
        """Switch one outlet, counted from 0."""
        await self._asked(f"Switch.Set?id={number}&on={'true' if on else 'false'}")

    async def state(self, number: int) -> bool:
        """Return whether it is on."""
        output = (await self._asked(f"Switch.GetStatus?id={number}")).get("output")
        if not isinstance(output, bool):
            raise NoAnswer(f"{self._host}:{self._port}: outlet {number} does not say whether it is on")
        return output

    async def identity(self) -> str:
        """Model, name and version."""
        told = await self._asked("Shelly.GetDeviceInfo")
        return " ".join(str(told[key]) for key in ("model", "id", "ver") if key in told)

    async def _asked(self, method: str) -> Mapping[str, Any]:
        return await asyncio.to_thread(self._fetched, method)

    def _fetched(self, method: str) -> Mapping[str, Any]:
        where = f"{self._host}:{self._port}"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("GET", f"/rpc/{method}")
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{where}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        if answer.status == _WANTS_PASSWORD:
            raise NoAnswer(f"{where}: wants a password, which the rig has no key for")
        try:
            told = json.loads(text)
        except ValueError:
            told = None
        if answer.status != http.client.OK or not isinstance(told, dict):
            raise NoAnswer(f"{where}: {method.partition('?')[0]} is answered with HTTP {answer.status}")
        return told
