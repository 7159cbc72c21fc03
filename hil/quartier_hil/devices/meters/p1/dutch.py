"""Telegrams of the Netherlands, version 2.2 to 5.0.2.

Source: P1 companion standards 2.2, 3.0, 4.2.2 and 5.0.2 (Netbeheer Nederland), section 6.12 and the
examples of their annexes.
"""

from collections.abc import Callable, Iterator, Mapping

from quartier_hil.devices.meters.p1.entry import Entry, dated, decimal, iso, number, octets, stamp, text
from quartier_hil.devices.meters.p1.entry import clock as now
from quartier_hil.devices.meters.p1.household import Child, Household
from quartier_hil.devices.meters.p1.telegram import Check, telegram
from quartier_hil.devices.meters.speech import Statement, Telegram

# OBIS group C of a phase's power in, power out, voltage and current (IEC 62056-6-1).
POWER_IN, POWER_OUT, CURRENT, VOLTAGE = (21, 41, 61), (22, 42, 62), (31, 51, 71), (32, 52, 72)
REACTIVE_IN, REACTIVE_OUT = (23, 43, 63), (24, 44, 64)


def v2(house: Household, check: Check = "none") -> Telegram:
    """Version 2.2: 9600 baud, no time of its own, no check."""
    return telegram("KMP5 KA6U001660297912", list(_old(house, (8, 3), (6, 2), gas_code="24.2.0")), check)


def v3(house: Household, check: Check = "none") -> Telegram:
    """Version 3.0."""
    return telegram("ISk5\\2MT382-1000", list(_old(house, (8, 3), (5, 2), gas_code="24.2.1")), check)


def v4(house: Household, check: Check = "full") -> Telegram:
    """Version 4.2.2."""
    return telegram("KFM5KAIFA-METER", [text("1-3:0.2.8", "42"), *_new(house), *_v4_end(house)], check)


def v5(house: Household, check: Check = "full") -> Telegram:
    """Version 5.0.2."""
    return telegram("ISK5\\2M550T-1012", [text("1-3:0.2.8", "50"), *_new(house), *_v5_end(house)], check)


def _old(house: Household, energy: tuple[int, int], power: tuple[int, int], gas_code: str) -> Iterator[Entry]:
    yield octets("0-0:96.1.1", house.serial)
    for direction, values in (("1", house.import_kwh), ("2", house.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield number(f"1-0:{direction}.8.{tariff}", value, energy, "kWh")
    yield text("0-0:96.14.0", f"{house.tariff:04d}")
    yield number("1-0:1.7.0", sum(house.import_kw), power, "kW")
    yield number("1-0:2.7.0", sum(house.export_kw), power, "kW")
    yield number("0-0:17.0.0", 16, (3, 0), "A")
    yield text("0-0:96.3.10", "1")
    yield octets("0-0:96.13.1", "12345678")
    yield octets("0-0:96.13.0", house.message)
    for child in house.children:
        yield octets(f"0-{child.channel}:96.1.0", child.serial)
        yield text(f"0-{child.channel}:24.1.0", f"{child.kind:02d}")
        yield _old_child(child, gas_code)
        yield text(f"0-{child.channel}:24.4.0", "1")


def _old_child(child: Child, code: str) -> Entry:
    """Return a child's entry before version 4: its value is on a second line, behind the profile."""
    label = f"0-{child.channel}:24.3.0"
    value = decimal(child.value, 8, 3)
    shown = stamp(child.moment, seasonal=False)
    line = f"{label}({shown})(00)(60)(1)(0-{child.channel}:{code})({child.unit})\r\n({value})"
    when = iso(child.moment, seasonal=False)
    return Entry(line, (Statement(label, round(child.value, 3), child.unit, when),))


def _new(house: Household) -> Iterator[Entry]:
    yield now(house.moment)
    yield octets("0-0:96.1.1", house.serial)
    for direction, values in (("1", house.import_kwh), ("2", house.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield number(f"1-0:{direction}.8.{tariff}", value, (9, 3), "kWh")
    yield text("0-0:96.14.0", f"{house.tariff:04d}")
    yield number("1-0:1.7.0", sum(house.import_kw), (5, 3), "kW")
    yield number("1-0:2.7.0", sum(house.export_kw), (5, 3), "kW")


def quality(house: Household) -> Iterator[Entry]:
    """Counts of failures, sags and swells, and the log of long failures."""
    yield text("0-0:96.7.21", f"{house.failures_count:05d}")
    yield text("0-0:96.7.9", f"{house.long_failures_count:05d}")
    log = "".join(f"({stamp(end)})({seconds:010d}*s)" for end, seconds in house.failures)
    yield Entry(f"1-0:99.97.0({len(house.failures)})(0-0:96.7.19){log}")
    for phase in house.phases:
        yield text(f"1-0:{VOLTAGE[phase]}.32.0", f"{house.sags[phase]:05d}")
    for phase in house.phases:
        yield text(f"1-0:{VOLTAGE[phase]}.36.0", f"{house.swells[phase]:05d}")


def phases(
    house: Household, codes: tuple[int, ...], values: tuple[float, ...], form: tuple[int, int], unit: str
) -> Iterator[Entry]:
    """The same quantity of each phase."""
    for phase in house.phases:
        yield number(f"1-0:{codes[phase]}.7.0", values[phase], form, unit)


def children(house: Household) -> Iterator[Entry]:
    """The meters behind it, as from version 4 on."""
    for child in house.children:
        yield text(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield octets(f"0-{child.channel}:96.1.0", child.serial)
        yield dated(f"0-{child.channel}:24.2.1", child.moment, child.value, (8, 3), child.unit)


def _v4_end(house: Household) -> Iterator[Entry]:
    yield number("0-0:17.0.0", 999.9, (4, 1), "kW")
    yield text("0-0:96.3.10", "1")
    yield from quality(house)
    yield text("0-0:96.13.1", "")
    yield octets("0-0:96.13.0", house.message)
    yield from phases(house, CURRENT, house.amps, (3, 0), "A")
    yield from phases(house, POWER_IN, house.import_kw, (5, 3), "kW")
    yield from phases(house, POWER_OUT, house.export_kw, (5, 3), "kW")
    yield from children(house)


def _v5_end(house: Household) -> Iterator[Entry]:
    yield from quality(house)
    yield octets("0-0:96.13.0", house.message)
    yield from phases(house, VOLTAGE, house.volts, (4, 1), "V")
    yield from phases(house, CURRENT, house.amps, (3, 0), "A")
    yield from phases(house, POWER_IN, house.import_kw, (5, 3), "kW")
    yield from phases(house, POWER_OUT, house.export_kw, (5, 3), "kW")
    yield from children(house)


VERSIONS: Mapping[str, Callable[[Household, Check], Telegram]] = {"2.2": v2, "3": v3, "4.2": v4, "5": v5}
