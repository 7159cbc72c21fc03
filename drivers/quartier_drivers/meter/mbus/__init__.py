"""Wired M-Bus (EN 13757): heat, cooling, water, gas, pulse and electricity meters.

The gateway is their master.
"""

from quartier_drivers.meter.mbus.header import parse_mask
from quartier_drivers.meter.mbus.link_layer import LineTiming
from quartier_drivers.meter.mbus.meter_reader import MbusReader
from quartier_drivers.meter.mbus.push_decoder import MbusDecoder


def decoder(*, encryption_key: bytes = b"", authentication_key: bytes = b"", **asking: object) -> MbusDecoder:
    """Make a push parser for the bytes of a line.  ``encryption_key`` opens telegrams of security mode 5.

    ``asking`` are the settings of the reader, which are ignored here.
    """
    del authentication_key, asking
    return MbusDecoder(encryption_key)


def reader(
    *,
    unit: int = 254,
    address: str = "",
    wanted: tuple[str, ...] = (),
    baud: int = 2400,
    timeout_s: float = 0.0,
    over_tcp: bool = False,
    retries_count: int = 2,
    reset: str = "link",
    application: int = -1,
    telegrams_max: int = 16,
    encryption_key: bytes = b"",
    authentication_key: bytes = b"",
    password: bytes = b"",
) -> MbusReader:
    """Make a reader of the meter at primary address ``unit``, or at the secondary ``address``.

    ``address`` is in hex digits, F for any.  ``timeout_s`` is added to the time that the standard gives a
    meter at this speed.  Raises ValueError for an invalid address.
    """
    del wanted, authentication_key, password
    return MbusReader(
        unit,
        parse_mask(address) if address else None,
        LineTiming(baud, timeout_s, over_tcp),
        retries_count=retries_count,
        telegrams_max=telegrams_max,
        resets=reset == "link",
        application=application,
        key=encryption_key,
    )
