"""TLS to the broker; imported only where a connection is encrypted, for it brings a library of its own."""

import ssl
from pathlib import Path


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own signature
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def context(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 at least, the server's name checked, our certificate if there is one.

    Raises OSError (``ssl.SSLError`` among them) when a file cannot be used.
    """
    made = ssl.create_default_context(cafile=ca_file)
    made.sslsocket_class = _Socket
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        made.load_cert_chain(cert_file, key_file)
    return made
