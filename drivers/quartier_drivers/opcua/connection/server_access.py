"""Choose an endpoint, check its certificate against the trust list, log in.

The list has the files ``trusted/FINGERPRINT.der`` and ``refused/FINGERPRINT.der``, each with a ``.json`` of
the URLs where it was seen.  A certificate in neither folder is unknown: it is refused, kept and shown.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import Note
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.credentials import CertificateReport, OwnCertificate
from quartier_drivers.opcua.connection.session_types import (
    IdentityRefused,
    LoginRefused,
    ServerSilent,
    SessionAccess,
)
from quartier_drivers.opcua.endpoint_choice import (
    NO_SECURITY_MODE,
    EndpointOffer,
    choose_offer,
    explain_refusal,
    list_allowed,
)

if TYPE_CHECKING:
    from types import ModuleType

    from quartier_drivers.opcua.bus_section import OpcuaBus
    from quartier_drivers.opcua.connection.session import OpcuaSession


class ServerLogin:
    """Logs in, or reports once why not; ``is_shut``: only a person can change that."""

    def __init__(self, name: str, bus: "OpcuaBus") -> None:
        self.is_shut = False
        self._name = name
        self._bus = bus
        self._folder = Path(bus.pki)
        self._trust = TrustList(self._folder)
        self._stamp: object = None
        self._known: EndpointOffer | None = None
        self._reported_fault = ""
        self._notes: list[Note] = []

    @property
    def offer(self) -> EndpointOffer | None:
        """The endpoint of the last login; None before the first."""
        return self._known

    def expect(self, offer: EndpointOffer) -> None:
        """Use this endpoint without asking for it, while its certificate is trusted and the login succeeds.

        A better endpoint is noticed all the same: the server lists its endpoints in each session, signed.
        """
        self._known = offer

    def notes(self) -> Sequence[Note]:
        """Return the notes for people since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def is_changed(self) -> bool:
        """Return whether a certificate was accepted or removed since the server was refused."""
        return self._trust.stamp() != self._stamp

    async def open_session(self, link: "ModuleType", address: str) -> "OpcuaSession":
        """Return a session with the server.

        Raises LinkLost, naming the remedy, or NoReply if the server is silent.
        """
        self.is_shut = False
        self._stamp = await asyncio.to_thread(self._trust.stamp)
        try:
            session = await self._again(link, address) or await self._in(link, address, None)
        except LoginRefused:
            self.is_shut = True
            raise
        self._report_recovery()
        return session

    async def _again(self, link: "ModuleType", address: str) -> "OpcuaSession | None":
        """Return a session by the endpoint of the last login; None if endpoints must be asked for.

        Raises as ``open_session`` does.
        """
        known = self._known
        if known is None or (known.policy, known.mode) not in list_allowed(self._bus):
            return None
        if not await asyncio.to_thread(self._trust.is_trusted, known.certificate):
            return None
        try:
            return await self._in(link, address, known)
        except IdentityRefused:
            raise
        except ServerSilent:  # as a server is, too, to whom we speak by another's certificate
            self._known = None
            raise
        except (LinkLost, NoReply):  # it may offer something else now, or be gone
            return None

    async def _in(self, link: "ModuleType", address: str, known: EndpointOffer | None) -> "OpcuaSession":
        access = await self._access(link, address, known)
        session: OpcuaSession = link.OpcuaSession(self._bus.url, self._bus.timeout_s)
        await session.open(address, access)
        self._known = access.offer if access.offer.certificate else None
        return session

    async def _access(self, link: "ModuleType", address: str, known: EndpointOffer | None) -> SessionAccess:
        bus = self._bus
        own = await asyncio.to_thread(self._load_own_certificate)
        offer = known or EndpointOffer("None", NO_SECURITY_MODE, b"")
        if known is None and bus.insecure_policy != "None":
            offers = await link.fetch_server_offers(bus.url, address, bus.timeout_s)
            found = choose_offer(offers, bus)
            if found is None:
                self.is_shut = True
                raise LinkLost(explain_refusal(offers, bus))
            offer = await asyncio.to_thread(self._require_trusted, found)
        return self._make_access(offer, own)

    def _make_access(self, offer: EndpointOffer, own: OwnCertificate) -> SessionAccess:
        bus = self._bus
        known: dict[str, Any] = {}
        if bus.user is not None and bus.password_file is not None:
            known = {"user": bus.user, "password": credentials.read_password(bus.password_file)}
        elif bus.user_cert_file is not None and bus.user_key_file is not None:
            try:
                der = credentials.convert_to_der(credentials.read_secret(bus.user_cert_file))
            except ValueError as error:
                raise LinkLost(f"{bus.user_cert_file} holds no certificate: {error}") from None
            known = {"user_certificate": der, "user_key": credentials.read_secret(bus.user_key_file)}
        return SessionAccess(offer, own, tuple(list_allowed(bus)), **known)

    def _load_own_certificate(self) -> OwnCertificate:
        try:
            return credentials.load_own_certificate(self._folder)
        except (OSError, ValueError) as error:
            raise LinkLost(f"our certificate in {self._folder} cannot be used: {error}") from error

    def _require_trusted(self, offer: EndpointOffer) -> EndpointOffer:
        """Return the offer if its certificate is trusted; else keep and report it, and raise LinkLost."""
        url = self._bus.url
        try:
            der = credentials.find_first_certificate(offer.certificate)
            shown = credentials.describe_certificate(der)
        except ValueError as error:
            self.is_shut = True
            raise LinkLost(f"{url} shows a certificate that {error}") from error
        if self._trust.is_trusted(der):
            self._keep(lambda: self._trust.record_url(der, url))
            return EndpointOffer(offer.policy, offer.mode, der)
        self.is_shut = True
        self._keep(lambda: self._trust.refuse(der, url))
        is_other = bool(self._trust.list_trusted_fingerprints(url))
        print_ = credentials.group_digits(shown.fingerprint)
        what = "shows another certificate than before" if is_other else "is not trusted yet"
        remedy = f"compare it, then quartier trust {shown.fingerprint[:16]}"
        why = f"{url} {what}: {shown.subject}, SHA-256 {print_}; {remedy}"
        self._tell("opcua.certificate_changed" if is_other else "opcua.untrusted", why, shown.fingerprint)
        raise LinkLost(why)

    def _keep(self, write: Any) -> None:
        """Write to the list; a failing disk changes nothing about trust and is only reported."""
        try:
            write()
        except OSError as error:
            self._tell("opcua.list_not_kept", f"{self._folder} cannot be written: {error.strerror}", "disk")

    def _tell(self, code: str, text: str, about: str) -> None:
        if self._reported_fault != f"{code} {about}":
            self._reported_fault = f"{code} {about}"
            self._notes.append(Note(code, text, {"line": self._name, "fingerprint": about}))

    def _report_recovery(self) -> None:
        if self._reported_fault:
            self._reported_fault = ""
            self._notes.append(
                Note(
                    "opcua.trusted",
                    f"{self._bus.url} is trusted and connected",
                    {"line": self._name},
                    is_good=True,
                )
            )


TRUSTED, REFUSED = "trusted", "refused"
# Who shows a new certificate at each connection must not fill the disk.
_REFUSED_MAX = 32
_PREFIX_MIN = 8


@dataclass(frozen=True, slots=True)
class TrustEntry:
    """A certificate, its list (``trusted`` or ``refused``) and the URLs where it was seen."""

    state: str
    report: CertificateReport
    urls: tuple[str, ...]


class TrustList:
    """The list in ``folder``.  Every call reads the disk: a person may have changed it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self, state: str = "") -> list[TrustEntry]:
        """Return all entries, or those of one ``state``; files that are no certificates are left out."""
        return [entry for one in ((state,) if state else (TRUSTED, REFUSED)) for entry in self._entries(one)]

    def is_trusted(self, der: bytes) -> bool:
        """Return whether exactly this certificate was accepted."""
        try:
            return (self._file(TRUSTED, credentials.find_fingerprint(der))).read_bytes() == der
        except OSError:
            return False

    def find_trusted_certificate(self, fingerprint: str) -> bytes | None:
        """Return the accepted certificate with this fingerprint (DER); None if there is none."""
        try:
            der = self._file(TRUSTED, Path(fingerprint).name).read_bytes()
        except OSError:
            return None
        return der if credentials.find_fingerprint(der) == fingerprint else None

    def list_trusted_fingerprints(self, url: str) -> tuple[str, ...]:
        """Return the fingerprints of the trusted certificates that were seen at ``url``."""
        return tuple(entry.report.fingerprint for entry in self.entries(TRUSTED) if url in entry.urls)

    def refuse(self, der: bytes, url: str) -> None:
        """Keep a refused certificate, so that it can be shown.  Raises OSError."""
        self._keep(REFUSED, der, url)
        self._drop_oldest()

    def record_url(self, der: bytes, url: str) -> None:
        """Record where a trusted certificate was seen.  Raises OSError."""
        if url not in self._urls(TRUSTED, credentials.find_fingerprint(der)):
            self._keep(TRUSTED, der, url)

    def accept(self, fingerprint: str) -> None:
        """Trust a refused certificate from now on.  Raises OSError."""
        self._move(fingerprint, REFUSED, TRUSTED)

    def remove(self, fingerprint: str) -> None:
        """Remove a certificate: it is unknown again.  Raises OSError."""
        for state in (TRUSTED, REFUSED):
            self._file(state, fingerprint).unlink(missing_ok=True)
            self._note(state, fingerprint).unlink(missing_ok=True)

    def found(self, which: str) -> list[TrustEntry]:
        """Return the entries for a fingerprint, its beginning (8 digits or more) or a URL."""
        digits = which.replace(":", "").replace(" ", "").lower()
        return [
            entry
            for entry in self.entries()
            if which in entry.urls
            or (len(digits) >= _PREFIX_MIN and entry.report.fingerprint.startswith(digits))
        ]

    def stamp(self) -> object:
        """Return a number that changes when a certificate was accepted or removed."""
        try:
            return (self.folder / TRUSTED).stat().st_mtime_ns
        except OSError:
            return None

    def _entries(self, state: str) -> Iterator[TrustEntry]:
        for file in sorted((self.folder / state).glob("*.der")):
            with suppress(OSError, ValueError):
                shown = credentials.describe_certificate(file.read_bytes())
                if shown.fingerprint == file.stem:
                    yield TrustEntry(state, shown, self._urls(state, file.stem))

    def _urls(self, state: str, fingerprint: str) -> tuple[str, ...]:
        try:
            said = json.loads(self._note(state, fingerprint).read_text(encoding="utf-8"))["urls"]
            return tuple(str(url) for url in said)
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def _keep(self, state: str, der: bytes, url: str) -> None:
        fingerprint = credentials.find_fingerprint(der)
        urls = dict.fromkeys((*self._urls(state, fingerprint), url))
        folder = self.folder / state
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write_file(self._note(state, fingerprint), json.dumps({"urls": list(urls)}).encode())
        if not self._file(state, fingerprint).exists():
            _write_file(self._file(state, fingerprint), der)

    def _move(self, fingerprint: str, start: str, end: str) -> None:
        (self.folder / end).mkdir(mode=0o750, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._note(start, fingerprint).replace(self._note(end, fingerprint))
        self._file(start, fingerprint).replace(self._file(end, fingerprint))
        for path in (self._note(end, fingerprint), self._file(end, fingerprint)):
            with suppress(FileNotFoundError):
                credentials.match_owner(path)

    def _drop_oldest(self) -> None:
        files = sorted((self.folder / REFUSED).glob("*.der"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-_REFUSED_MAX]:
            file.unlink(missing_ok=True)
            file.with_suffix(".json").unlink(missing_ok=True)

    def _file(self, state: str, fingerprint: str) -> Path:
        return self.folder / state / f"{fingerprint}.der"

    def _note(self, state: str, fingerprint: str) -> Path:
        return self.folder / state / f"{fingerprint}.json"


def _write_file(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.write_bytes(data)
    os.chmod(fresh, 0o644)  # noqa: PTH101 - certificates are public; the umask of who accepts one may be strict
    fresh.replace(path)
    credentials.match_owner(path)
