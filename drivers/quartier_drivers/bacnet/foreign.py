"""A foreign device's registration with a BBMD: asked for, and what a person should know of it."""

from collections.abc import Sequence
from typing import Protocol

from quartier_drivers.bacnet.address import Host, station
from quartier_drivers.contract import Note
from quartier_drivers.errors import LinkLost


class Registrar(Protocol):
    """What asks a BBMD for us."""

    async def register(self, bbmd: Host, ttl_s: int, timeout_s: float) -> None:
        """Register as a foreign device, and keep trying.  Raises LinkLost where it did not take us yet."""
        ...

    @property
    def is_registered(self) -> bool:
        """Return whether a BBMD has us in its table, as far as we know."""
        ...


class Registration:
    """That of the bus ``name`` with ``bbmd``, which is away at times: devices with an address go on."""

    def __init__(self, name: str, bbmd: str, ttl_s: int, timeout_s: float) -> None:
        self._name = name
        self._bbmd = bbmd
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._registrar: Registrar | None = None
        self._is_in = True
        self._why = ""

    async def begin(self, registrar: Registrar) -> None:
        """Ask for it; that the BBMD does not take us is only said."""
        self._registrar = registrar
        try:
            await registrar.register(station(self._bbmd), self._ttl_s, self._timeout_s)
        except LinkLost as error:
            self._why = str(error)

    def notes(self) -> Sequence[Note]:
        """Return whether the BBMD has us, once each time that changes."""
        is_in = self._registrar is None or self._registrar.is_registered
        if is_in == self._is_in:
            return ()
        self._is_in = is_in
        if is_in:
            return (Note("bbmd.back", f"{self._name}: the BBMD {self._bbmd} takes us", is_good=True),)
        why, self._why = self._why or f"the BBMD {self._bbmd} no longer answers", ""
        return (Note("bbmd.lost", f"{self._name}: {why}; until then nobody is found by its instance"),)
