"""DSMR P1 and its kin, from the Netherlands to Sweden, Hungary and Austria."""

from quartier_drivers.meter.p1.frames import P1Decoder
from quartier_drivers.meter.telegram import Decoder

__all__ = ["P1Decoder", "decoder"]


def decoder(*, encryption_key: bytes = b"", authentication_key: bytes = b"") -> Decoder:
    """A decoder of plain telegrams, or with an ``encryption_key`` of encrypted ones only; keys of 16 bytes.

    Raises ValueError for a key of another length.
    """
    if not encryption_key:
        return P1Decoder()
    from quartier_drivers.meter.p1.sealed import SealedDecoder  # noqa: PLC0415 - few sites need cryptography here

    return SealedDecoder(encryption_key, authentication_key)
