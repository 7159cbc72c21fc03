"""Seeded random captures of every meter protocol, by name."""

from collections.abc import Callable, Iterable, Mapping

from quartier_sim.meters.dlms import push_meters as dlms
from quartier_sim.meters.iec62056 import readouts as iec62056
from quartier_sim.meters.mbus import random_telegrams as mbus
from quartier_sim.meters.p1 import p1_meters as p1
from quartier_sim.meters.p1.telegrams import encrypt_telegram
from quartier_sim.meters.sml import sml_meters as sml
from quartier_sim.meters.telegrams import Telegram
from quartier_sim.meters.tic import random_frames as tic

TelegramGenerator = Callable[[int, int], Iterable[Telegram]]


def _make_p1_generator(*kinds: str) -> TelegramGenerator:
    return lambda seed, count: (
        telegram for _, telegram in p1.generate_telegrams(seed, count, kinds or tuple(p1.TELEGRAM_KINDS))
    )


def _generate_luxembourg(seed: int, count: int) -> Iterable[Telegram]:
    for number, (_, telegram) in enumerate(p1.generate_telegrams(seed, count, ("luxembourg",)), 1):
        yield encrypt_telegram(telegram, dlms.EXAMPLE_KEYS, number)


def _make_dlms_generator(carrier: str, *ciphers: str) -> TelegramGenerator:
    return lambda seed, count: (
        push.telegram for push in dlms.generate_pushes(seed, count, carriers=(carrier,), ciphers=ciphers)
    )


# Name of the capture: its telegrams by seed and count.  The name begins with the protocol's.
CAPTURES: Mapping[str, TelegramGenerator] = {
    "tic-standard": lambda seed, count: tic.generate_telegrams(seed, count, "standard"),
    "tic-historique": lambda seed, count: tic.generate_telegrams(seed, count, "historique"),
    "p1": _make_p1_generator(),
    "p1-dutch": _make_p1_generator("5"),
    "p1-unchecked": _make_p1_generator("2.2", "3"),
    "p1-smarty": _generate_luxembourg,
    "iec62056-c": iec62056.generate_readouts,
    "iec62056-d": lambda seed, count: iec62056.generate_readouts(seed, count, pushed=True),
    "sml": sml.generate_telegrams,
    "sml-kermit": lambda seed, count: sml.generate_telegrams(seed, count, kermit=True),
    "dlms-hdlc": _make_dlms_generator("hdlc", ""),
    "dlms-segmented": _make_dlms_generator("segmented", ""),
    "dlms-wrapper": _make_dlms_generator("wrapper", ""),
    "dlms-mbus": _make_dlms_generator("mbus", ""),
    "dlms-ciphered": _make_dlms_generator("hdlc", "glo"),
    "dlms-ciphered-mbus": _make_dlms_generator("mbus", "glo"),
    "mbus": mbus.generate_telegrams,
    "mbus-fixed": lambda seed, count: mbus.generate_telegrams(seed, count, fixed=1.0),
}
