"""Objects of a meter that is polled: their possible classes, and what is read of each; pure.

Blue Book, classes 1 (data), 3 to 5 (registers), 7 (profile generic), 8 (clock).
"""

from dataclasses import dataclass

from quartier_drivers.meter.dlms import moment
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.dlms.obis import CLOCK, label, name
from quartier_drivers.meter.dlms.values import quantity
from quartier_drivers.meter.telegram import Group, Said

DATA, REGISTER, EXTENDED, DEMAND, CURVE, TIMEPIECE = 1, 3, 4, 5, 7, 8
KINDS = {
    "data": DATA,
    "register": REGISTER,
    "extended": EXTENDED,
    "demand": DEMAND,
    "profile": CURVE,
    "clock": TIMEPIECE,
}
VALUE = 2
# Attributes besides the value: the time, and a second value.
_TIMES = {EXTENDED: 5, DEMAND: 6}
_SECONDS = {DEMAND: 3}
SCALERS = {REGISTER: 3, EXTENDED: 3, DEMAND: 4}
"""The attribute of each class that is scaler and unit."""

_MAXIMUM, _DEMANDS, _CURVES = (2, 6, 16), (4, 5, 14, 15, 24, 25), (98, 99)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object: its name and its possible classes, the most likely first."""

    name: bytes
    kinds: tuple[int, ...]

    @property
    def is_curve(self) -> bool:
        """Whether it is a load curve."""
        return self.kinds[0] == CURVE


def wanted(text: str, kind: str = "") -> Wanted:  # noqa: PLR0911 - one for each kind of name
    """Return the object of a label; ``kind`` is its class, else its name tells the class.

    Raises ValueError for an invalid OBIS name or class.
    """
    named = name(text)
    if kind:
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no class; expected one of {', '.join(KINDS)}")
        return Wanted(named, (KINDS[kind],))
    media, _, quantity_of, process = named[:4]
    if media == 0 and named[2:5] == CLOCK[2:5]:
        return Wanted(named, (TIMEPIECE, DATA))
    if quantity_of in _CURVES and media in (0, 1):
        return Wanted(named, (CURVE,))
    if media == 0:
        # Channel values of M-Bus sub-meters have their own time.
        return Wanted(named, (EXTENDED, REGISTER, DATA) if quantity_of == 24 else (DATA, REGISTER, EXTENDED))
    if not quantity_of:
        return Wanted(named, (DATA, REGISTER))
    if process in _MAXIMUM:
        return Wanted(named, (EXTENDED, REGISTER, DATA))
    if process in _DEMANDS:
        return Wanted(named, (DEMAND, REGISTER, EXTENDED))
    return Wanted(named, (REGISTER, EXTENDED, DATA))


def attributes(kind: int) -> tuple[int, ...]:
    """Return the attributes that are read of an object each time."""
    return tuple(number for number in (VALUE, _SECONDS.get(kind), _TIMES.get(kind)) if number)


def groups(named: bytes, kind: int, values: dict[int, Item], scaler: Item | None) -> list[Group]:
    """Return the groups of an object.

    The last average of a demand register has ``attribute`` 3 in ``more``.
    """
    time = ""
    if kind in _TIMES and (stamp := values.get(_TIMES[kind])):
        time = moment.iso(stamp.octets)
    made = []
    for number in (VALUE, _SECONDS.get(kind, 0)):
        if number not in values:
            continue
        said, unit = quantity(values[number], scaler)
        more: dict[str, Said] = {} if number == VALUE else {"attribute": number}
        if kind == TIMEPIECE and isinstance(said, str):
            time, more = said, {**moment.notes(values[number].octets)}
        if said is not None:
            made.append(Group(label(named), said, unit, time, more))
    return made
