"""Finds what names a meter in what it says, by the decoders that read it."""

from collections.abc import Iterable, Iterator
from typing import Any

from quartier_drivers.meter import protocols
from quartier_drivers.meter.telegram import Group, Telegram
from quartier_drivers.registry import METERS

SEVEN_BITS = ("tic", "iec62056")
_TIC = frozenset({"ADCO", "ADSC", "ADS", "PRM"})
# OBIS codes (IEC 62056-61, table 5): numbers of the device and its owner, by what follows the channel.
_OBIS = ("96.1.", "42.0.", "0.0.", "C.1.", "9.20", "9.21", "96.50.1")
_OBIS_WHOLE = ("0.0", "C.1", "96.1")
_MBUS = frozenset({"serial", "identification", "customer", "customer_location", "meter_location"})
_SETTINGS: dict[str, tuple[dict[str, Any], ...]] = {"sml": ({}, {"checksum": "kermit"})}


class Sealed(ValueError):  # noqa: N818 - a state
    """What a meter encrypts cannot be masked: its number is part of the encryption."""


def identifiers(kind: str, data: bytes) -> Iterator[str]:
    """What names somebody in the bytes of a line with meters, as text.  Raises Sealed."""
    if kind not in METERS:
        return
    plain = bytes(byte & 0x7F for byte in data) if kind in SEVEN_BITS else data
    why, has_read = "", False
    for settings in _SETTINGS.get(kind, ({},)):
        decoder = protocols.decoder(kind, settings, is_capture=True)
        for telegram in (*decoder.feed(plain), *decoder.end()):
            has_read = True
            yield from _of(kind, telegram)
        why = why or str(getattr(decoder, "why", ""))
    if not has_read and "key" in why:
        raise Sealed(
            f"the meter encrypts what it says ({why}): its number is part of that, nothing is written"
        )


def _of(kind: str, telegram: Telegram) -> Iterator[str]:
    yield telegram.meter
    for group in telegram.groups:
        if _names(kind, group):
            yield from _texts(str(group.value))
        if "meter" in group.more:
            yield str(group.more["meter"])


def _names(kind: str, group: Group) -> bool:
    if kind == "tic":
        return group.label in _TIC
    if kind == "mbus":
        return str(group.more.get("quantity", "")) in _MBUS
    code = group.label.rpartition(":")[2]
    return code.startswith(_OBIS) or code in _OBIS_WHOLE


def _texts(value: str) -> Iterable[str]:
    """A value, and what it is in hexadecimal digits of letters."""
    yield value
    try:
        text = bytes.fromhex(value).decode("ascii")
    except ValueError:
        return
    if text.isalnum():
        yield text
