"""Messages of SML: open, list, close, each with its own check.

Source: SML 1.04, sections 5.1 (messages and their tags), 6.3 (check over all before it).  ``defects``
name what certain makers do otherwise: ``kermit`` computes the check from zero, ``bare-time`` sends
the time as a number without saying which kind it is (Holley DTZ541).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.sml.octet import ABSENT, END, octets, sequence, unsigned

OPEN, CLOSE, LIST = 0x0101, 0x0201, 0x0701
_SECONDS_INDEX = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """Deviations of a maker from the standard."""

    kermit: bool = False
    bare_time: bool = False

    @property
    def check(self) -> Callable[[bytes], int]:
        """The CRC it computes."""
        return checks.kermit if self.kermit else checks.x25


def message(transaction: bytes, group: int, tag: int, body: bytes, habit: Habit) -> bytes:
    """One SML_Message."""
    parts = [
        octets(transaction),
        unsigned(group, 1),
        unsigned(0, 1),
        sequence([unsigned(tag, 4 if tag > 0xFFFF else 2), body]),
    ]
    # The head of the list counts the check and the end, which are not summed.
    summed = sequence([*parts, b"", b""])
    crc = int.from_bytes(habit.check(summed).to_bytes(2, "little"), "big")  # low byte first
    return summed + unsigned(crc, 2) + END


def moment(seconds: int | None, habit: Habit) -> bytes:
    """SML_Time as the meter's second counter."""
    if seconds is None:
        return ABSENT
    count = unsigned(seconds, 4)
    return count if habit.bare_time else sequence([unsigned(_SECONDS_INDEX, 1), count])


def opening(transaction: bytes, file: bytes, server: bytes, habit: Habit) -> bytes:
    """SML_PublicOpen.Res."""
    body = sequence([ABSENT, ABSENT, octets(file), octets(server), ABSENT, ABSENT])
    return message(transaction, 0, OPEN, body, habit)


def closing(transaction: bytes, habit: Habit) -> bytes:
    """SML_PublicClose.Res."""
    return message(transaction, 0, CLOSE, sequence([ABSENT]), habit)


def listing(
    transaction: bytes, server: bytes, entries: Sequence[bytes], seconds: int | None, habit: Habit
) -> bytes:
    """SML_GetList.Res with the entries of one list."""
    name = octets(bytes((1, 0, 98, 10, 255, 255)))
    parts = [ABSENT, octets(server), name, moment(seconds, habit), sequence(entries), ABSENT, ABSENT]
    return message(transaction, 0, LIST, sequence(parts), habit)
