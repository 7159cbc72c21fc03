"""Random M-Bus telegrams: every data field, unit and place, with the numbers they carry."""

import datetime as dt
from collections.abc import Iterator
from random import Random

from quartier_sim.meters.mbus import frames, records
from quartier_sim.meters.mbus.frames import FIXED_UNITS, SlaveIdentity
from quartier_sim.meters.mbus.records import (
    DATA_FIELDS,
    DURATION_UNITS,
    DURATIONS,
    FABRICATION,
    FUNCTIONS,
    OWNER,
    QUANTITIES,
    Record,
    RecordPlace,
)
from quartier_sim.meters.telegrams import Telegram

_MEDIA = (0x02, 0x03, 0x04, 0x06, 0x07, 0x0A, 0x0D, 0x16)
_BODY_MAX = 180


def generate_telegrams(seed: int, count: int, *, fixed: float = 0.0) -> Iterator[Telegram]:
    """``count`` answers; ``fixed`` is the share in the fixed structure."""
    random = Random(seed)  # noqa: S311 - telegrams that can be repeated, no secret
    for access in range(count):
        yield generate_fixed(random) if random.random() < fixed else generate_variable(random, access)


def generate_fixed(random: Random) -> Telegram:
    """Two counters in any unit of the table, BCD or binary."""
    counters = tuple((random.randrange(10**8), random.choice(tuple(FIXED_UNITS))) for _ in range(2))
    return frames.build_fixed_response(
        random.randrange(10**8),
        (counters[0], counters[1]),
        address=random.randrange(251),
        access=random.randrange(256),
        medium=random.randrange(16),
        binary=random.random() < 0.5,
    )


def generate_variable(random: Random, access: int) -> Telegram:
    """Records up to the frame's size."""
    identity = SlaveIdentity(
        serial=random.randrange(10**8),
        maker="".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3)),
        version=random.randrange(256),
        medium=random.choice(_MEDIA),
    )
    listed: list[Record] = []
    size, count = 0, random.randint(1, 24)
    while len(listed) < count:
        one = generate_record(random)
        size += len(one.data)
        if size > _BODY_MAX:
            break
        listed.append(one)
    return frames.build_response(
        identity,
        listed,
        address=random.randrange(251),
        access=access,
        more=random.random() < 0.1,
        manufacturer=random.randbytes(random.choice((0, 0, 5))),
    )


def generate_record(random: Random) -> Record:
    """One record of any kind."""
    place = generate_place(random)
    kind = random.random()
    if kind < 0.6:
        return _generate_number(random, place)
    if kind < 0.68:
        quantity = random.choice(("power", "flow", "flow_temperature", "voltage", "current"))
        return records.make_real_record(
            quantity, random.uniform(-1e4, 1e4), _choose_exponent(random, quantity), place
        )
    if kind < 0.76:
        unit = random.choice(DURATION_UNITS)
        return records.make_duration_record(
            random.choice(tuple(DURATIONS)), random.randrange(10_000), unit, "int32", place
        )
    if kind < 0.88:
        moment = dt.datetime(2001, 1, 1) + dt.timedelta(minutes=random.randrange(30 * 525_600))  # noqa: DTZ001 - a meter's local time
        return random.choice(
            (records.make_date_record(moment.date(), place), records.make_date_time_record(moment, place))
        )
    if kind < 0.94:
        return records.make_text_record(
            random.choice((FABRICATION, OWNER)), f"{random.randrange(10**10):010d}", place
        )
    quantity = random.choice(("energy", "volume", "power"))
    form = random.choice(("bcd", "binary"))
    count = random.randrange(10**8) if form == "bcd" else random.randint(-(2**40), 2**40)
    return records.make_variable_record(
        quantity, count, _choose_exponent(random, quantity), form=form, place=place
    )


def _generate_number(random: Random, place: RecordPlace) -> Record:
    quantity = random.choice(tuple(QUANTITIES))
    field = random.choice(tuple(DATA_FIELDS))
    if field.startswith("int"):
        top = 1 << int(field[3:]) - 1
        count = random.choice((random.randrange(-top, top), top - 1, -top, random.randrange(100)))
    else:
        top = 10 ** int(field[3:])
        count = random.choice((random.randrange(top), top - 1, -random.randrange(top // 10)))
    return records.make_quantity_record(quantity, count, _choose_exponent(random, quantity), field, place)


def generate_place(random: Random) -> RecordPlace:
    """Half of them the plain one, else within what up to five DIFE hold."""
    if random.random() < 0.5:
        return records.PLAIN_PLACE
    return RecordPlace(
        function=random.choice(tuple(FUNCTIONS)),
        storage=random.choice((0, 1, 2, random.randrange(2**10), random.randrange(2**17))),
        tariff=random.choice((0, 1, 2, random.randrange(2**6))),
        subunit=random.choice((0, 0, 1, random.randrange(8))),
    )


def _choose_exponent(random: Random, quantity: str) -> int:
    return random.choice(QUANTITIES[quantity].exponents)
