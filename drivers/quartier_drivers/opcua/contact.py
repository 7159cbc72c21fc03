"""A first look at a server: the certificate that it shows, kept for a person to judge."""

from pathlib import Path
from urllib.parse import urlsplit

from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.names import Names
from quartier_drivers.opcua import certificate
from quartier_drivers.opcua.knock import address
from quartier_drivers.opcua.line import loaded
from quartier_drivers.opcua.offer import PORT, Offer
from quartier_drivers.opcua.trust import TrustList


async def offered(url: str, timeout_s: float) -> list[Offer]:
    """Return what the server at ``url`` offers.  Raises LinkLost where it cannot be reached, with why."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        where = await address(Names(host), host, parts.port or PORT, timeout_s)
        found: list[Offer] = await loaded().offers(url, where, timeout_s)
    except NoReply as error:
        raise LinkLost(str(error)) from error
    return found


async def met(url: str, folder: Path, timeout_s: float = 4.0) -> list[str]:
    """The fingerprints of what the server at ``url`` shows, those that are not trusted kept as refused.

    Raises LinkLost where it cannot be reached, or OSError where the folder cannot be written.
    """
    trust = TrustList(folder)
    found: list[str] = []
    for chain in dict.fromkeys(
        offer.certificate for offer in await offered(url, timeout_s) if offer.certificate
    ):
        try:
            der = certificate.first_of(chain)
            found.append(certificate.shown(der).fingerprint)
        except ValueError as error:
            raise LinkLost(f"{url} shows a certificate that {error}") from error
        if not trust.is_trusted(der):
            trust.refuse(der, url)
    return found
