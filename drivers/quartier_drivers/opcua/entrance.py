"""The way into a server: which of its endpoints, whether its certificate is trusted, and who we are."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Note
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.opcua import certificate, secret
from quartier_drivers.opcua.certificate import Own
from quartier_drivers.opcua.offer import NONE, Offer, chosen, refusal, wanted
from quartier_drivers.opcua.told import Access, Denied, Login, Silent
from quartier_drivers.opcua.trust import TrustList

if TYPE_CHECKING:
    from types import ModuleType

    from quartier_drivers.opcua.bus import OpcuaBus
    from quartier_drivers.opcua.link import Session


class Entrance:
    """Goes in, or says why not, once; ``is_shut``: only a person can change that."""

    def __init__(self, name: str, bus: "OpcuaBus") -> None:
        self.is_shut = False
        self._name = name
        self._bus = bus
        self._folder = Path(bus.pki)
        self._trust = TrustList(self._folder)
        self._stamp: object = None
        self._known: Offer | None = None
        self._told = ""
        self._notes: list[Note] = []

    @property
    def offer(self) -> Offer | None:
        """The endpoint that let us in last; None: none did yet."""
        return self._known

    def expect(self, offer: Offer) -> None:
        """Take this endpoint without asking for it, as long as its certificate is trusted and it lets us in.

        Whether the server has a better one is seen all the same: it says so in each session, signed.
        """
        self._known = offer

    def notes(self) -> Sequence[Note]:
        """Return what people should know since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def is_changed(self) -> bool:
        """Return whether a certificate was accepted or removed since the server was refused."""
        return self._trust.stamp() != self._stamp

    async def entered(self, link: "ModuleType", address: str) -> "Session":
        """A session with the server.  Raises LinkLost with what helps, or NoReply where it is silent."""
        self.is_shut = False
        self._stamp = await asyncio.to_thread(self._trust.stamp)
        try:
            session = await self._again(link, address) or await self._in(link, address, None)
        except Login:
            self.is_shut = True
            raise
        self._well()
        return session

    async def _again(self, link: "ModuleType", address: str) -> "Session | None":
        """By the endpoint that let us in before; None where it is to be asked for.  Raises as ``entered``."""
        known = self._known
        if known is None or (known.policy, known.mode) not in wanted(self._bus):
            return None
        if not await asyncio.to_thread(self._trust.is_trusted, known.certificate):
            return None
        try:
            return await self._in(link, address, known)
        except Denied:
            raise
        except Silent:  # as a server is, too, to whom we speak by another's certificate
            self._known = None
            raise
        except (LinkLost, NoReply):  # it may offer something else now, or be gone
            return None

    async def _in(self, link: "ModuleType", address: str, known: Offer | None) -> "Session":
        access = await self._access(link, address, known)
        session: Session = link.Session(self._bus.url, self._bus.timeout_s)
        await session.open(address, access)
        self._known = access.offer if access.offer.certificate else None
        return session

    async def _access(self, link: "ModuleType", address: str, known: Offer | None) -> Access:
        bus = self._bus
        own = await asyncio.to_thread(self._own)
        offer = known or Offer("None", NONE, b"")
        if known is None and bus.insecure_policy != "None":
            offers = await link.offers(bus.url, address, bus.timeout_s)
            found = chosen(offers, bus)
            if found is None:
                self.is_shut = True
                raise LinkLost(refusal(offers, bus))
            offer = await asyncio.to_thread(self._trusted, found)
        return self._as_user(offer, own)

    def _as_user(self, offer: Offer, own: Own) -> Access:
        bus = self._bus
        known: dict[str, Any] = {}
        if bus.user is not None and bus.password_file is not None:
            known = {"user": bus.user, "password": secret.password(bus.password_file)}
        elif bus.user_cert_file is not None and bus.user_key_file is not None:
            try:
                der = certificate.der_of(secret.read(bus.user_cert_file))
            except ValueError as error:
                raise LinkLost(f"{bus.user_cert_file} holds no certificate: {error}") from None
            known = {"user_certificate": der, "user_key": secret.read(bus.user_key_file)}
        return Access(offer, own, tuple(wanted(bus)), **known)

    def _own(self) -> Own:
        try:
            return certificate.own(self._folder)
        except (OSError, ValueError) as error:
            raise LinkLost(f"our certificate in {self._folder} cannot be used: {error}") from error

    def _trusted(self, offer: Offer) -> Offer:
        """The offer, where its certificate is on the list; else that is kept, told, and LinkLost raised."""
        url = self._bus.url
        try:
            der = certificate.first_of(offer.certificate)
            shown = certificate.shown(der)
        except ValueError as error:
            self.is_shut = True
            raise LinkLost(f"{url} shows a certificate that {error}") from error
        if self._trust.is_trusted(der):
            self._keep(lambda: self._trust.seen(der, url))
            return Offer(offer.policy, offer.mode, der)
        self.is_shut = True
        self._keep(lambda: self._trust.refuse(der, url))
        is_other = bool(self._trust.known_at(url))
        print_ = certificate.grouped(shown.fingerprint)
        what = "shows another certificate than before" if is_other else "is not trusted yet"
        remedy = f"compare it, then quartier trust {shown.fingerprint[:16]}"
        why = f"{url} {what}: {shown.subject}, SHA-256 {print_}; {remedy}"
        self._tell("opcua.certificate_changed" if is_other else "opcua.untrusted", why, shown.fingerprint)
        raise LinkLost(why)

    def _keep(self, write: Any) -> None:
        """A disk that refuses keeps nobody out who is trusted, and lets nobody in who is not."""
        try:
            write()
        except OSError as error:
            self._tell("opcua.list_not_kept", f"{self._folder} cannot be written: {error.strerror}", "disk")

    def _tell(self, code: str, text: str, about: str) -> None:
        if self._told != f"{code} {about}":
            self._told = f"{code} {about}"
            self._notes.append(Note(code, text, {"line": self._name, "fingerprint": about}))

    def _well(self) -> None:
        if self._told:
            self._told = ""
            self._notes.append(
                Note(
                    "opcua.trusted",
                    f"{self._bus.url} is trusted and connected",
                    {"line": self._name},
                    is_good=True,
                )
            )
