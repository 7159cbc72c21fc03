"""Telegrams of Belgium, Luxembourg, Sweden, Hungary and Austria: the frame of DSMR 5 with other objects.

Sources: Fluvius e-MUCS P1 version 1.7.1 (Belgium), Luxmetering P1 specification 1.1.3 (Luxembourg),
Energiföretagen "Branschrekommendation lokalt kundgränssnitt" 2.0 (Sweden), E.ON and MVM P1
descriptions of 2022 (Hungary), Energienetze Steiermark customer interface of the T210-D (Austria:
energy in whole Wh, power in whole W).
"""

from collections.abc import Callable, Iterator, Mapping

from quartier_hil.devices.meters.p1.dutch import (
    CURRENT,
    POWER_IN,
    POWER_OUT,
    REACTIVE_IN,
    REACTIVE_OUT,
    VOLTAGE,
    phases,
    quality,
)
from quartier_hil.devices.meters.p1.entry import Entry, clock, dated, number, octets, stamp, text
from quartier_hil.devices.meters.p1.household import Household
from quartier_hil.devices.meters.p1.telegram import Check, telegram
from quartier_hil.devices.meters.speech import Telegram

_GAS = 3


def belgium(house: Household, check: Check = "full") -> Telegram:
    """Fluvius, with the monthly peaks of the capacity tariff."""
    zone = "Europe/Brussels"
    peak_moment = house.peak_moment or house.moment
    log = "".join(
        f"({stamp(month, zone)})({stamp(at, zone)})({kw:06.3f}*kW)" for month, at, kw in house.peaks
    )
    entries = [
        text("0-0:96.1.4", "50217"),
        octets("0-0:96.1.1", house.serial),
        clock(house.moment, zone),
        *_energies(house),
        number("1-0:1.4.0", house.average_kw, (5, 3), "kW"),
        dated("1-0:1.6.0", peak_moment, house.peak_kw, (5, 3), "kW", zone),
        Entry(f"0-0:98.1.0({len(house.peaks)})(1-0:1.6.0)(1-0:1.6.0){log}"),
        text("0-0:96.14.0", f"{house.tariff:04d}"),
        number("1-0:1.7.0", sum(house.import_kw), (5, 3), "kW"),
        number("1-0:2.7.0", sum(house.export_kw), (5, 3), "kW"),
        *phases(house, POWER_IN, house.import_kw, (5, 3), "kW"),
        *phases(house, POWER_OUT, house.export_kw, (5, 3), "kW"),
        *phases(house, VOLTAGE, house.volts, (4, 1), "V"),
        *phases(house, CURRENT, house.amps, (5, 2), "A"),
        text("0-0:96.3.10", "1"),
        number("0-0:17.0.0", 999.9, (4, 1), "kW"),
        number("1-0:31.4.0", 999, (3, 0), "A"),
        text("0-0:96.13.0", ""),
        *_belgian_children(house, zone),
    ]
    return telegram("FLU5\\253769484_A", entries, check)


def _belgian_children(house: Household, zone: str) -> Iterator[Entry]:
    """Gas without temperature conversion is 24.2.3, water 24.2.1."""
    for child in house.children:
        yield text(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield octets(f"0-{child.channel}:96.1.1", child.serial)
        code = "24.2.3" if child.kind == _GAS else "24.2.1"
        yield dated(f"0-{child.channel}:{code}", child.moment, child.value, (8, 3), child.unit, zone)


def _energies(house: Household) -> Iterator[Entry]:
    for direction, values in (("1", house.import_kwh), ("2", house.export_kwh)):
        for tariff, value in enumerate(values, 1):
            yield number(f"1-0:{direction}.8.{tariff}", value, (9, 3), "kWh")


def _totals(house: Household, digits: int = 9) -> Iterator[Entry]:
    """Active and reactive energy without tariffs."""
    pairs = (house.import_kwh, house.export_kwh, house.import_kvarh, house.export_kvarh)
    for direction, values in enumerate(pairs, 1):
        unit = "kWh" if direction < 3 else "kvarh"
        yield number(f"1-0:{direction}.8.0", sum(values), (digits, 3), unit)


def _powers(house: Household, digits: int = 5) -> Iterator[Entry]:
    pairs = (house.import_kw, house.export_kw, house.import_kvar, house.export_kvar)
    for direction, values in enumerate(pairs, 1):
        yield number(f"1-0:{direction}.7.0", sum(values), (digits, 3), "kW" if direction < 3 else "kvar")


def _reactive_phases(house: Household) -> Iterator[Entry]:
    yield from phases(house, REACTIVE_IN, house.import_kvar, (5, 3), "kvar")
    yield from phases(house, REACTIVE_OUT, house.export_kvar, (5, 3), "kvar")


def luxembourg(house: Household, check: Check = "full") -> Telegram:
    """Smarty; on the wire it comes encrypted, see ``sealed``."""
    entries = [
        text("1-3:0.2.8", "42"),
        clock(house.moment, "Europe/Luxembourg"),
        octets("0-0:42.0.0", house.serial),
        *_totals(house),
        *_powers(house),
        number("0-0:17.0.0", 27.6, (4, 1), "kVA"),
        text("0-0:96.3.10", "1"),
        text("0-0:96.7.21", f"{house.failures_count:05d}"),
        *list(quality(house))[3:],
        text("0-0:96.13.0", ""),
        text("0-0:96.13.2", ""),
        text("0-0:96.13.3", ""),
        *phases(house, CURRENT, house.amps, (3, 0), "A"),
        *phases(house, POWER_IN, house.import_kw, (5, 3), "kW"),
        *phases(house, POWER_OUT, house.export_kw, (5, 3), "kW"),
        *_reactive_phases(house),
        *_luxembourg_children(house),
    ]
    return telegram("Lux5\\253663629_D", entries, check)


def _luxembourg_children(house: Household) -> Iterator[Entry]:
    for child in house.children:
        yield text(f"0-{child.channel}:24.1.0", f"{child.kind:03d}")
        yield octets(f"0-{child.channel}:96.1.0", child.serial)
        moment, form = child.moment, (8, 3)
        yield dated(f"0-{child.channel}:24.2.1", moment, child.value, form, child.unit, "Europe/Luxembourg")
        yield text(f"0-{child.channel}:24.4.0", "1")


def sweden(house: Household, check: Check = "full") -> Telegram:
    """No version, no serial, every quantity of every phase."""
    entries = [
        clock(house.moment, "Europe/Stockholm"),
        *_totals(house, 11),
        *_powers(house, 7),
        *phases(house, POWER_IN, house.import_kw, (7, 3), "kW"),
        *phases(house, POWER_OUT, house.export_kw, (7, 3), "kW"),
        *_reactive_phases(house),
        *phases(house, VOLTAGE, house.volts, (4, 1), "V"),
        *phases(house, CURRENT, house.amps, (4, 1), "A"),
    ]
    return telegram("ELL5\\253833635_A", entries, check)


def hungary(house: Household, check: Check = "full") -> Telegram:
    """Quadrants, power factor and frequency."""
    lead, lag = house.import_kvarh
    entries = [
        clock(house.moment, "Europe/Budapest"),
        text("0-0:42.0.0", house.serial),
        text("0-0:96.1.0", house.serial),
        text("0-0:96.14.0", f"{house.tariff:04d}"),
        text("0-0:96.50.68", "ON"),
        number("0-0:17.0.0", 999.9, (4, 1), "kW"),
        number("1-0:1.8.0", sum(house.import_kwh), (9, 3), "kWh"),
        *_energies(house),
        number("1-0:2.8.0", sum(house.export_kwh), (9, 3), "kWh"),
        number("1-0:3.8.0", sum(house.import_kvarh), (9, 3), "kvarh"),
        number("1-0:4.8.0", sum(house.export_kvarh), (9, 3), "kvarh"),
        number("1-0:5.8.0", lead, (9, 3), "kvarh"),
        number("1-0:6.8.0", lag, (9, 3), "kvarh"),
        number("1-0:15.8.0", sum(house.import_kwh) + sum(house.export_kwh), (9, 3), "kWh"),
        *phases(house, VOLTAGE, house.volts, (4, 1), "V"),
        *phases(house, CURRENT, house.amps, (3, 0), "A"),
        number("1-0:13.7.0", 0.999, (4, 3), ""),
        number("1-0:14.7.0", house.frequency_hz, (4, 2), "Hz"),
        number("1-0:1.7.0", sum(house.import_kw), (5, 3), "kW"),
        number("1-0:2.7.0", sum(house.export_kw), (5, 3), "kW"),
        text("0-0:96.13.0", ""),
    ]
    return telegram("AUX59902759026", entries, check)


def austria(house: Household, check: Check = "full") -> Telegram:
    """Whole Wh, varh, W and var."""
    entries = [
        text("1-3:0.2.8", "50"),
        clock(house.moment, "Europe/Vienna"),
        *_whole("1", house.import_kwh, "Wh"),
        number("1-0:1.7.0", round(sum(house.import_kw) * 1000), (9, 0), "W"),
        *_whole("2", house.export_kwh, "Wh"),
        number("1-0:2.7.0", round(sum(house.export_kw) * 1000), (9, 0), "W"),
        *_whole("3", house.import_kvarh, "varh"),
        number("1-0:3.7.0", round(sum(house.import_kvar) * 1000), (9, 0), "var"),
        *_whole("4", house.export_kvarh, "varh"),
        number("1-0:4.7.0", round(sum(house.export_kvar) * 1000), (9, 0), "var"),
    ]
    return telegram("EST5\\253710000_A", entries, check)


def _whole(direction: str, values: tuple[float, float], unit: str) -> Iterator[Entry]:
    """A counter and its two tariffs in whole Wh or varh."""
    parts = [round(value * 1000) for value in values]
    yield number(f"1-0:{direction}.8.0", sum(parts), (9, 0), unit)
    for tariff, value in enumerate(parts, 1):
        yield number(f"1-0:{direction}.8.{tariff}", value, (9, 0), unit)


COUNTRIES: Mapping[str, Callable[[Household, Check], Telegram]] = {
    "belgium": belgium,
    "luxembourg": luxembourg,
    "sweden": sweden,
    "hungary": hungary,
    "austria": austria,
}
