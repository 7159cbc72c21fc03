"""Everything that can be captured or served, by name."""

from collections.abc import Callable, Iterable, Mapping

from quartier_hil.devices.meters.dlms import draw as dlms
from quartier_hil.devices.meters.iec62056 import draw as iec62056
from quartier_hil.devices.meters.mbus import draw as mbus
from quartier_hil.devices.meters.p1 import draw as p1
from quartier_hil.devices.meters.p1.sealed import seal
from quartier_hil.devices.meters.sml import draw as sml
from quartier_hil.devices.meters.speech import Telegram
from quartier_hil.devices.meters.tic import draw as tic

Drawn = Callable[[int, int], Iterable[Telegram]]


def _p1(*kinds: str) -> Drawn:
    return lambda seed, count: (
        telegram for _, telegram in p1.telegrams(seed, count, kinds or tuple(p1.KINDS))
    )


def _smarty(seed: int, count: int) -> Iterable[Telegram]:
    for number, (_, telegram) in enumerate(p1.telegrams(seed, count, ("luxembourg",)), 1):
        yield seal(telegram, dlms.KEYS, number)


def _dlms(carrier: str, *ciphers: str) -> Drawn:
    return lambda seed, count: (
        push.telegram for push in dlms.pushes(seed, count, carriers=(carrier,), ciphers=ciphers)
    )


# Name of the capture: its telegrams by seed and count.  The name begins with the protocol's.
CAPTURES: Mapping[str, Drawn] = {
    "tic-standard": lambda seed, count: tic.telegrams(seed, count, "standard"),
    "tic-historique": lambda seed, count: tic.telegrams(seed, count, "historique"),
    "p1": _p1(),
    "p1-dutch": _p1("5"),
    "p1-unchecked": _p1("2.2", "3"),
    "p1-smarty": _smarty,
    "iec62056-c": iec62056.readouts,
    "iec62056-d": lambda seed, count: iec62056.readouts(seed, count, pushed=True),
    "sml": sml.telegrams,
    "sml-kermit": lambda seed, count: sml.telegrams(seed, count, kermit=True),
    "dlms-hdlc": _dlms("hdlc", ""),
    "dlms-segmented": _dlms("segmented", ""),
    "dlms-wrapper": _dlms("wrapper", ""),
    "dlms-mbus": _dlms("mbus", ""),
    "dlms-ciphered": _dlms("hdlc", "glo"),
    "dlms-ciphered-mbus": _dlms("mbus", "glo"),
    "mbus": mbus.telegrams,
    "mbus-fixed": lambda seed, count: mbus.telegrams(seed, count, fixed=1.0),
}
