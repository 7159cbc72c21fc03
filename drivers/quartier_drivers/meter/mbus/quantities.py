"""Tables of value information fields, dates and times (pure).

Pure.
"""

from calendar import monthrange
from dataclasses import dataclass, replace

_EVERY_YEAR, _EVERY_MONTH = 127, 15
# Years of two digits without a century: from here on they belong to the last century (A.5, type G).
_OLD_FROM = 81


@dataclass(frozen=True, slots=True)
class MbusTime:
    """A time as the meter states it: ISO 8601, ``*`` for "every", empty if the meter marks it as invalid."""

    text: str
    is_summer: bool = False


INVALID_TIME = MbusTime("")
TIME_SIZES = (2, 3, 4, 6)
"""Bytes of types G (date), J (time), F (date and time to the minute), I (to the second)."""


def parse_time(code: int, size: int) -> MbusTime:
    """Return the moment of ``size`` bytes, given as one whole number of either sign."""
    code &= (1 << 8 * size) - 1
    if size == 2:
        return MbusTime(_render_date(code, 0))
    if size == 3:
        return MbusTime(_render_time(code >> 16, code >> 8, code))
    if size == 4:
        return _parse_type_f(code)
    return _parse_type_i(code)


def _parse_type_f(code: int) -> MbusTime:
    if code & 0x80:
        return INVALID_TIME
    date = _render_date(code >> 16, code >> 13 & 3)
    clock = _render_time(code >> 8, code, 0)
    return MbusTime(f"{date}T{clock}", bool(code & 0x8000)) if date and clock else INVALID_TIME


def _parse_type_i(code: int) -> MbusTime:
    if code & 0x8000:
        return INVALID_TIME
    date = _render_date(code >> 24, 0)
    clock = _render_time(code >> 16, code >> 8, code)
    return MbusTime(f"{date}T{clock}", bool(code & 0x40)) if date and clock else INVALID_TIME


def _render_date(code: int, century: int) -> str:
    """Decode day (5 bits), year (3 low bits), month (4), year (4 high bits); empty if invalid."""
    day, month = code & 0x1F, code >> 8 & 0x0F
    year = code >> 5 & 0x07 | code >> 9 & 0x78
    if code & 0xFFFF in {0, 0xFFFF} or not month or (month > 12 and month != _EVERY_MONTH):
        return ""
    if year > 99 and year != _EVERY_YEAR:
        return ""
    if year != _EVERY_YEAR and month <= 12 and day > monthrange(_find_year(year, century), month)[1]:
        return ""
    years = "*" if year == _EVERY_YEAR else str(_find_year(year, century))
    months = "*" if month == _EVERY_MONTH else f"{month:02}"
    return f"{years}-{months}-{f'{day:02}' if day else '*'}"


def _find_year(year: int, century: int) -> int:
    if century:
        return 1900 + 100 * century + year
    return year + (1900 if year >= _OLD_FROM else 2000)


def _render_time(hour: int, minute: int, second: int) -> str:
    """Decode hours (5 bits), minutes and seconds (6 bits); all ones mean "every"; empty if invalid."""
    parts = (hour & 0x1F, 0x1F, 23), (minute & 0x3F, 0x3F, 59), (second & 0x3F, 0x3F, 59)
    if any(value > top and value != every for value, every, top in parts):
        return ""
    return ":".join("*" if value == every else f"{value:02}" for value, every, _ in parts)


MINUTE, HOUR, DAY = 60, 3600, 86400
_SPANS = (1, MINUTE, HOUR, DAY)
PLAIN_NUMBER, TIME_NUMBER, FLAGS_NUMBER = range(3)
"""The meaning of a number: a quantity, a date or time, or unsigned bits."""


@dataclass(frozen=True, slots=True)
class ValueKind:
    """A quantity, its unit, and its value: the number × ``factor`` × 10 ^ ``exponent``."""

    quantity: str
    unit: str = ""
    exponent: int = 0
    factor: int = 1
    form: int = PLAIN_NUMBER

    def add_exponent(self, exponent: int) -> "ValueKind":
        """Return the kind with ``exponent`` more powers of ten."""
        return replace(self, exponent=self.exponent + exponent)


def _make_decade_kinds(quantity: str, unit: str, first: int, count: int = 8) -> list[ValueKind]:
    return [ValueKind(quantity, unit, first + step) for step in range(count)]


def _make_span_kinds(quantity: str) -> list[ValueKind]:
    """Return seconds, minutes, hours and days, all as seconds."""
    return [ValueKind(quantity, "s", factor=span) for span in _SPANS]


RESERVED_KIND = ValueKind("reserved")
DATE_KIND, TIME_KIND = ValueKind("date", form=TIME_NUMBER), ValueKind("time", form=TIME_NUMBER)
PRIMARY_VIF: tuple[ValueKind, ...] = (
    *_make_decade_kinds("energy", "Wh", -3),
    *_make_decade_kinds("energy", "J", 0),
    *_make_decade_kinds("volume", "m3", -6),
    *_make_decade_kinds("mass", "kg", -3),
    *_make_span_kinds("on_time"),
    *_make_span_kinds("operating_time"),
    *_make_decade_kinds("power", "W", -3),
    *_make_decade_kinds("power", "J/h", 0),
    *_make_decade_kinds("volume_flow", "m3/h", -6),
    *_make_decade_kinds("volume_flow", "m3/min", -7),
    *_make_decade_kinds("volume_flow", "m3/s", -9),
    *_make_decade_kinds("mass_flow", "kg/h", -3),
    *_make_decade_kinds("flow_temperature", "°C", -3, 4),
    *_make_decade_kinds("return_temperature", "°C", -3, 4),
    *_make_decade_kinds("temperature_difference", "K", -3, 4),
    *_make_decade_kinds("external_temperature", "°C", -3, 4),
    *_make_decade_kinds("pressure", "bar", -3, 4),
    DATE_KIND,
    TIME_KIND,
    ValueKind("heat_cost"),
    RESERVED_KIND,
    *_make_span_kinds("averaging_duration"),
    *_make_span_kinds("actuality_duration"),
    ValueKind("serial"),
    ValueKind("identification"),
    ValueKind("address"),
    RESERVED_KIND,
    RESERVED_KIND,
    RESERVED_KIND,
    ValueKind("any"),
    ValueKind("maker_specific"),
)
"""VIF 00 to 7F (Table 10); 7B, 7C and 7D lead to other tables."""


_FB_TABLE: dict[int, list[ValueKind]] = {
    0x00: _make_decade_kinds("energy", "Wh", 5, 2),
    0x02: _make_decade_kinds("reactive_energy", "varh", 3, 2),
    0x04: _make_decade_kinds("apparent_energy", "VAh", 3, 2),
    0x08: _make_decade_kinds("energy", "J", 8, 2),
    0x0C: _make_decade_kinds("energy", "cal", 5, 4),
    0x10: _make_decade_kinds("volume", "m3", 2, 2),
    0x14: _make_decade_kinds("reactive_power", "var", 0, 4),
    0x18: _make_decade_kinds("mass", "kg", 5, 2),
    0x1A: _make_decade_kinds("relative_humidity", "%", -1, 2),
    # Withdrawn in 2013 but still in the field: feet and gallons (EN 1434-3:1997, 8.4.4).
    0x20: [
        ValueKind("volume", "ft3"),
        ValueKind("volume", "ft3", -1),
        ValueKind("volume", "gal", -1),
        ValueKind("volume", "gal"),
    ],
    0x24: [
        ValueKind("volume_flow", "gal/min", -3),
        ValueKind("volume_flow", "gal/min"),
        ValueKind("volume_flow", "gal/h"),
    ],
    0x28: _make_decade_kinds("power", "W", 5, 2),
    0x2A: [ValueKind("phase_voltage_angle", "°", -1), ValueKind("phase_current_angle", "°", -1)],
    0x2C: _make_decade_kinds("frequency", "Hz", -3, 4),
    0x30: _make_decade_kinds("power", "J/h", 8, 2),
    0x34: _make_decade_kinds("apparent_power", "VA", 0, 4),
    0x58: _make_decade_kinds("flow_temperature", "°F", -3, 4),
    0x5C: _make_decade_kinds("return_temperature", "°F", -3, 4),
    0x60: _make_decade_kinds("temperature_difference", "°F", -3, 4),
    0x64: _make_decade_kinds("external_temperature", "°F", -3, 4),
    0x68: [
        ValueKind("rating_factor"),
        ValueKind("thermal_output_rating_factor"),
        ValueKind("thermal_coupling_rating_factor"),
        ValueKind("thermal_coupling_rating_factor_room"),
        ValueKind("thermal_coupling_rating_factor_heating"),
        ValueKind("low_temperature_rating_factor"),
        ValueKind("display_scaling_factor"),
    ],
    0x70: _make_decade_kinds("temperature_limit", "°F", -3, 4),
    0x74: _make_decade_kinds("temperature_limit", "°C", -3, 4),
    0x78: _make_decade_kinds("cumulated_maximum_power", "W", -3, 8),
}
_FD_TABLE: dict[int, list[ValueKind]] = {
    0x00: _make_decade_kinds("credit", "", -3, 4),
    0x04: _make_decade_kinds("debit", "", -3, 4),
    0x08: [
        ValueKind("access_number"),
        ValueKind("device_type"),
        ValueKind("manufacturer"),
        ValueKind("parameter_set"),
        ValueKind("model"),
        ValueKind("hardware_version"),
        ValueKind("firmware_version"),
        ValueKind("software_version"),
        ValueKind("customer_location"),
        ValueKind("customer"),
        ValueKind("access_code_user"),
        ValueKind("access_code_operator"),
        ValueKind("access_code_system_operator"),
        ValueKind("access_code_developer"),
        ValueKind("password"),
        ValueKind("error_flags", form=FLAGS_NUMBER),
        ValueKind("error_mask", form=FLAGS_NUMBER),
        ValueKind("security_key"),
        ValueKind("digital_output", form=FLAGS_NUMBER),
        ValueKind("digital_input", form=FLAGS_NUMBER),
        ValueKind("baud_rate", "Bd"),
        ValueKind("response_delay", "bit"),
        ValueKind("retry_count"),
        ValueKind("remote_control", form=FLAGS_NUMBER),
        ValueKind("first_storage"),
        ValueKind("last_storage"),
        ValueKind("storage_block_size"),
        ValueKind("tariff_descriptor"),
    ],
    0x24: [
        *_make_span_kinds("storage_interval"),
        ValueKind("storage_interval", "month"),
        ValueKind("storage_interval", "year"),
    ],
    0x2A: [ValueKind("operator_data"), ValueKind("time_point", "s")],
    0x2C: _make_span_kinds("duration_since_readout"),
    0x30: [ValueKind("tariff_start", form=TIME_NUMBER), *_make_span_kinds("tariff_duration")[1:]],
    0x34: [
        *_make_span_kinds("tariff_period"),
        ValueKind("tariff_period", "month"),
        ValueKind("tariff_period", "year"),
    ],
    0x3A: [ValueKind("dimensionless"), ValueKind("radio_container")],
    0x3C: _make_span_kinds("transmission_period"),
    0x40: _make_decade_kinds("voltage", "V", -9, 16),
    0x50: _make_decade_kinds("current", "A", -12, 16),
    0x60: [
        ValueKind("reset_counter"),
        ValueKind("cumulation_counter"),
        ValueKind("control_signal"),
        ValueKind("day_of_week"),
        ValueKind("week_number"),
        ValueKind("day_change_time"),
        ValueKind("parameter_activation_state"),
        ValueKind("supplier_information"),
    ],
    0x68: [
        *_make_span_kinds("duration_since_cumulation")[2:],
        ValueKind("duration_since_cumulation", "month"),
        ValueKind("duration_since_cumulation", "year"),
    ],
    0x6C: [
        *_make_span_kinds("battery_operating_time")[2:],
        ValueKind("battery_operating_time", "month"),
        ValueKind("battery_operating_time", "year"),
    ],
    0x70: [
        ValueKind("battery_change_time", form=TIME_NUMBER),
        ValueKind("radio_level", "dBm"),
        ValueKind("summer_time_rule"),
        ValueKind("listening_window"),
        ValueKind("battery_lifetime", "s", factor=DAY),
        ValueKind("stop_count"),
        ValueKind("maker_container"),
    ],
}
_FD_FD_TABLE: dict[int, list[ValueKind]] = {
    0x00: [
        ValueKind("application"),
        RESERVED_KIND,
        ValueKind("battery_lifetime", "month"),
        ValueKind("battery_lifetime", "year"),
    ],
}


def _spread_table(table: dict[int, list[ValueKind]]) -> tuple[ValueKind, ...]:
    row = [RESERVED_KIND] * 128
    for first, kinds in table.items():
        row[first : first + len(kinds)] = kinds
    return tuple(row)


FB_VIFE = _spread_table(_FB_TABLE)
"""The true VIF after FB (Table 12)."""


FD_VIFE = _spread_table(_FD_TABLE)
"""The true VIF after FD (Table 11)."""


FD_FD_VIFE = _spread_table(_FD_FD_TABLE)
"""The true VIF after FD FD (Table 13)."""
