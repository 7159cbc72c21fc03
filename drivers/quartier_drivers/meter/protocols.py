"""Finds the decoder and the reader of each protocol; imported when a site has such a meter."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from quartier_drivers.meter.keys import NO_KEYS, MeterKeys
from quartier_drivers.meter.protocol import load_meter_protocol
from quartier_drivers.meter.telegrams import Decoder, MeterReader


def make_decoder(
    protocol: str,
    settings: Mapping[str, Any],
    keys: MeterKeys = NO_KEYS,
    *,
    is_capture: bool = False,
    over_tcp: bool = False,
) -> Decoder:
    """Make a decoder of one of ``METERS``; ``settings`` are a profile's table ``[decoder]``.

    ``is_capture``: the bytes are a file, which begins with a telegram; one that only its form proves then
    counts.  A port starts at any byte and loses bytes; with ``over_tcp`` it only starts at any byte.
    """
    known = {"is_capture": is_capture, "over_tcp": over_tcp}
    more = {word: known[word] for word in load_meter_protocol(protocol).decoder_words}
    return cast(
        "Decoder", _load_package(protocol).decoder(**settings, **more, **_find_secrets(protocol, keys))
    )


def make_reader(
    protocol: str,
    settings: Mapping[str, Any],
    keys: MeterKeys,
    *,
    unit: int,
    address: str,
    wanted: tuple[str, ...],
    **line: Any,
) -> MeterReader:
    """Make the reader of a meter that must be polled; ``line`` holds the settings from the bus's section."""
    secrets = _find_secrets(protocol, keys)
    if load_meter_protocol(protocol).takes_password:
        secrets["password"] = keys.password
    made = _load_package(protocol).reader(
        unit=unit, address=address, wanted=wanted, **line, **settings, **secrets
    )
    return cast("MeterReader", made)


def load_protocol(protocol: str) -> None:
    """Import what one of ``METERS`` needs now: in a running loop the import would block all others."""
    _load_package(protocol)


def _find_secrets(protocol: str, keys: MeterKeys) -> dict[str, Any]:
    if not load_meter_protocol(protocol).encrypts:
        return {}
    return {"encryption_key": keys.encryption_key, "authentication_key": keys.authentication_key}


def _load_package(protocol: str) -> Any:
    return import_module(f"quartier_drivers.meter.{load_meter_protocol(protocol).name}")
