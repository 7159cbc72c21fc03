"""Finds what identifies a meter or a person in the bytes of a line with meters."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from quartier_drivers.meter import protocols
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.protocol import EncryptedError

_TIC_LABELS = frozenset({"ADCO", "ADSC", "ADS", "PRM"})
# OBIS codes (IEC 62056-61, table 5): numbers of the device and its owner, by the part after the channel.
_OBIS_PREFIXES = ("96.1.", "42.0.", "0.0.", "C.1.", "9.20", "9.21", "96.50.1")
_OBIS_CODES = ("0.0", "C.1", "96.1")
_MBUS_QUANTITIES = frozenset({"serial", "identification", "customer", "customer_location", "meter_location"})


def find_identifiers(
    protocol: str,
    data: bytes,
    is_identifying: Callable[[Group], bool],
    settings: Sequence[Mapping[str, Any]] = ({},),
) -> Iterator[str]:
    """Yield the identifiers in ``data`` as text; ``settings`` are those of the decoders to try.

    Raises EncryptedError.
    """
    why, has_read = "", False
    for one in settings:
        decoder = protocols.make_decoder(protocol, one, is_capture=True)
        for telegram in (*decoder.feed(data), *decoder.end()):
            has_read = True
            yield from _list_telegram_texts(telegram, is_identifying)
        why = why or str(getattr(decoder, "why", ""))
    if not has_read and "key" in why:
        raise EncryptedError(
            f"the meter encrypts what it says ({why}): its number is part of that, nothing is written"
        )


def is_obis_identifier(group: Group) -> bool:
    """Return whether a group with an OBIS code holds a number of the device or its owner."""
    code = group.label.rpartition(":")[2]
    return code.startswith(_OBIS_PREFIXES) or code in _OBIS_CODES


def is_tic_identifier(group: Group) -> bool:
    """Return whether a group of TIC holds the number of the meter or of the delivery point."""
    return group.label in _TIC_LABELS


def is_mbus_identifier(group: Group) -> bool:
    """Return whether a record of M-Bus holds a number of the device or its owner."""
    return str(group.more.get("quantity", "")) in _MBUS_QUANTITIES


def _list_telegram_texts(telegram: Telegram, is_identifying: Callable[[Group], bool]) -> Iterator[str]:
    yield telegram.meter
    for group in telegram.groups:
        if is_identifying(group):
            yield from _list_forms_of_text(str(group.value))
        if "meter" in group.more:
            yield str(group.more["meter"])


def _list_forms_of_text(value: str) -> Iterable[str]:
    """Yield a value, and its text if it is hexadecimal digits of letters."""
    yield value
    try:
        text = bytes.fromhex(value).decode("ascii")
    except ValueError:
        return
    if text.isalnum():
        yield text
