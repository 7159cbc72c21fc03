"""TLS to the broker; imported only for an encrypted connection."""

import datetime as dt
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which Python does not export.
_NO_CHECK_TIME = 0x200000


class _CheckedSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho leaves it open.

    With ``moments``, all certificates of the chain must be valid at one of them.
    """

    moments: Sequence[int] = ()

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own signature
        try:
            super().do_handshake(block)
            if self.moments:
                check_validity(self._find_chain(), self.moments)
        except OSError:
            self.close()
            raise

    def _find_chain(self) -> list[dict[str, Any]]:
        """Return ``getpeercert`` data of each certificate up to the authority."""
        found = self._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # public from 3.13 on, as bytes
        return [one.get_info() for one in found or ()]


def check_validity(chain: Iterable[dict[str, Any]], moments: Sequence[int]) -> None:
    """Check that all certificates are valid at one of ``moments`` (UTC ms).

    Raises ``ssl.SSLCertVerificationError`` otherwise.
    """
    ways = [(one["notBefore"], one["notAfter"]) for one in chain]
    spans = [tuple(map(ssl.cert_time_to_seconds, way)) for way in ways]
    if spans and any(all(since <= at_ms / 1e3 <= until for since, until in spans) for at_ms in moments):
        return
    at = " or ".join(
        dt.datetime.fromtimestamp(at_ms / 1e3, dt.UTC).isoformat(timespec="minutes") for at_ms in moments
    )
    held = "; ".join(f"{since} to {until}" for since, until in ways)
    text = f"the clock is not trusted, and at {at} the broker's certificates are not valid ({held})"
    raise ssl.SSLCertVerificationError(1, text)


def make_context(
    ca_file: Path | None, cert_file: Path | None, key_file: Path | None, moments: Sequence[int] = ()
) -> ssl.SSLContext:
    """Return a TLS context: at least TLS 1.2, the server name checked, our certificate if there is one.

    Certificates are checked at ``moments`` (UTC ms; at one of them all must be valid), or by the machine's
    clock if there are none. Raises OSError (``ssl.SSLError`` among them) if a file cannot be used.
    """
    made = ssl.create_default_context(cafile=ca_file)
    made.sslsocket_class = (
        type("_Dated", (_CheckedSocket,), {"moments": moments}) if moments else _CheckedSocket
    )
    if moments:
        made.verify_flags = ssl.VerifyFlags(made.verify_flags | _NO_CHECK_TIME)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        made.load_cert_chain(cert_file, key_file)
    return made
