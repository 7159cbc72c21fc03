"""DLMS/COSEM: meters that push through their customer interface, and meters that are polled."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from quartier_drivers.meter.dlms import hdlc, objects, values
from quartier_drivers.meter.dlms.ciphering import CipherKeys
from quartier_drivers.meter.dlms.client import ClientAccess, DlmsClient
from quartier_drivers.meter.dlms.client_services import MECHANISMS
from quartier_drivers.meter.dlms.link import HdlcLink, MeterLink, WrapperLink
from quartier_drivers.meter.dlms.push_decoder import PushDecoder

_CHALLENGE_SIZE = 16
_TITLE = "5154520000000001"


def decoder(
    *,
    defects: Sequence[str] = (),
    encryption_key: bytes = b"",
    authentication_key: bytes = b"",
    is_capture: bool = False,
    over_tcp: bool = False,
    **client: Any,
) -> PushDecoder:
    """Make a decoder for the messages that a meter pushes; ``client`` settings are for ``reader`` alone.

    ``is_capture``: a file of APDUs without frames is read too.  ``over_tcp``: wrappers are read too; a serial
    line never has them.

    ``defects`` are known defects of the meter: ``energy-in-wh`` (Kamstrup in Sweden).  Keys have 16 bytes, 32
    in security suite 2; without ``authentication_key`` tags are not checked, with it only authenticated APDUs
    count. Raises ValueError for an authentication key alone: it proves nothing.
    """
    del client
    if authentication_key and not encryption_key:
        raise ValueError("an authentication_key needs the encryption_key too")
    known = CipherKeys(encryption_key, authentication_key)
    return PushDecoder(known, defects, is_capture=is_capture, over_tcp=over_tcp)


def reader(
    *,
    unit: int,
    address: str = "",
    wanted: Sequence[str],
    client: int = 16,
    security: str = "none",
    over_tcp: bool = False,
    transport: str = "auto",
    logical: int = 1,
    address_size: int = 0,
    is_optical: bool = False,
    title: str = _TITLE,
    is_ciphered: bool = False,
    counter: str = "",
    classes: Mapping[str, str] | None = None,
    rows: int = 96,
    defects: Sequence[str] = (),
    wait_s: float = 2.0,
    encryption_key: bytes = b"",
    authentication_key: bytes = b"",
    password: bytes = b"",
) -> DlmsClient:
    """Make a client for one meter that is polled.

    ``unit`` is its physical HDLC address (0: it has none), ``logical`` its logical device (the wrapper's port
    on TCP).  ``transport`` is ``hdlc`` or ``wrapper``; ``auto`` takes the wrapper over TCP.  ``is_optical``
    wakes the meter by IEC 62056-21 mode E.  ``security`` is ``none``, ``low`` (password) or ``high`` (GMAC).

    ``wanted`` are labels of objects, ``1-0:1.8.0``; ``1-0:99.1.0/1-0:1.29.0`` asks for a load curve.
    ``classes`` gives the class of an object if its name does not show it.  ``title`` is our system title; its
    form is 16 hexadecimal digits; ``counter`` is the object that gives the public client the last invocation
    counter. Raises ValueError for an invalid label, class or title, and for missing keys.
    """
    if (is_ciphered or security == "high") and not (encryption_key and authentication_key):
        raise ValueError("ciphering and GMAC want an encryption_key and an authentication_key")
    del address, defects  # a meter on a line has a number; it gives scalers and units
    known = classes or {}
    # A pattern names no object that could be requested.
    labels = dict.fromkeys(label.partition("/")[0] for label in wanted if not set(label) & set("?*"))

    def link(number: int) -> MeterLink:
        if transport == "wrapper" or (transport == "auto" and over_tcp):
            return WrapperLink(number, logical, wait_s=wait_s)
        server = hdlc.make_server_address(logical, unit, address_size)
        return HdlcLink(number, server, wait_s=wait_s, is_optical=is_optical)

    access = ClientAccess(
        client=client,
        mechanism=MECHANISMS[security],
        secret=password,
        keys=CipherKeys(encryption_key, authentication_key),
        title=bytes.fromhex(title),
        is_ciphered=is_ciphered,
        counter_name=values.parse_obis(counter) if counter else b"",
    )
    return DlmsClient(
        link,
        access,
        [objects.make_wanted(label, known.get(label, "")) for label in labels],
        lambda: secrets.token_bytes(_CHALLENGE_SIZE),
        rows,
    )


__all__ = ["DlmsClient", "PushDecoder", "decoder", "reader"]
