"""The quantities of M-Bus values: tables of value information fields (EN 13757-3:2018, Tables 10 to 14).

Pure.
"""

from dataclasses import dataclass, replace

MINUTE, HOUR, DAY = 60, 3600, 86400
_SPANS = (1, MINUTE, HOUR, DAY)
PLAIN, MOMENT, FLAGS = range(3)
"""The meaning of a number: a quantity, a date or time, or unsigned bits."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A quantity, its unit, and its value: the number × ``factor`` × 10 ^ ``exponent``."""

    quantity: str
    unit: str = ""
    exponent: int = 0
    factor: int = 1
    form: int = PLAIN

    def scaled(self, exponent: int) -> "Kind":
        """Return the kind with ``exponent`` more powers of ten."""
        return replace(self, exponent=self.exponent + exponent)


def _decades(quantity: str, unit: str, first: int, count: int = 8) -> list[Kind]:
    return [Kind(quantity, unit, first + step) for step in range(count)]


def _spans(quantity: str) -> list[Kind]:
    """Return seconds, minutes, hours and days, all as seconds."""
    return [Kind(quantity, "s", factor=span) for span in _SPANS]


RESERVED = Kind("reserved")
DATE, TIME = Kind("date", form=MOMENT), Kind("time", form=MOMENT)

PRIMARY: tuple[Kind, ...] = (
    *_decades("energy", "Wh", -3),
    *_decades("energy", "J", 0),
    *_decades("volume", "m3", -6),
    *_decades("mass", "kg", -3),
    *_spans("on_time"),
    *_spans("operating_time"),
    *_decades("power", "W", -3),
    *_decades("power", "J/h", 0),
    *_decades("volume_flow", "m3/h", -6),
    *_decades("volume_flow", "m3/min", -7),
    *_decades("volume_flow", "m3/s", -9),
    *_decades("mass_flow", "kg/h", -3),
    *_decades("flow_temperature", "°C", -3, 4),
    *_decades("return_temperature", "°C", -3, 4),
    *_decades("temperature_difference", "K", -3, 4),
    *_decades("external_temperature", "°C", -3, 4),
    *_decades("pressure", "bar", -3, 4),
    DATE,
    TIME,
    Kind("heat_cost"),
    RESERVED,
    *_spans("averaging_duration"),
    *_spans("actuality_duration"),
    Kind("serial"),
    Kind("identification"),
    Kind("address"),
    RESERVED,
    RESERVED,
    RESERVED,
    Kind("any"),
    Kind("maker_specific"),
)
"""VIF 00 to 7F (Table 10); 7B, 7C and 7D lead to other tables."""

_FB: dict[int, list[Kind]] = {
    0x00: _decades("energy", "Wh", 5, 2),
    0x02: _decades("reactive_energy", "varh", 3, 2),
    0x04: _decades("apparent_energy", "VAh", 3, 2),
    0x08: _decades("energy", "J", 8, 2),
    0x0C: _decades("energy", "cal", 5, 4),
    0x10: _decades("volume", "m3", 2, 2),
    0x14: _decades("reactive_power", "var", 0, 4),
    0x18: _decades("mass", "kg", 5, 2),
    0x1A: _decades("relative_humidity", "%", -1, 2),
    # Withdrawn in 2013 but still in the field: feet and gallons (EN 1434-3:1997, 8.4.4).
    0x20: [
        Kind("volume", "ft3"),
        Kind("volume", "ft3", -1),
        Kind("volume", "gal", -1),
        Kind("volume", "gal"),
    ],
    0x24: [
        Kind("volume_flow", "gal/min", -3),
        Kind("volume_flow", "gal/min"),
        Kind("volume_flow", "gal/h"),
    ],
    0x28: _decades("power", "W", 5, 2),
    0x2A: [Kind("phase_voltage_angle", "°", -1), Kind("phase_current_angle", "°", -1)],
    0x2C: _decades("frequency", "Hz", -3, 4),
    0x30: _decades("power", "J/h", 8, 2),
    0x34: _decades("apparent_power", "VA", 0, 4),
    0x58: _decades("flow_temperature", "°F", -3, 4),
    0x5C: _decades("return_temperature", "°F", -3, 4),
    0x60: _decades("temperature_difference", "°F", -3, 4),
    0x64: _decades("external_temperature", "°F", -3, 4),
    0x68: [
        Kind("rating_factor"),
        Kind("thermal_output_rating_factor"),
        Kind("thermal_coupling_rating_factor"),
        Kind("thermal_coupling_rating_factor_room"),
        Kind("thermal_coupling_rating_factor_heating"),
        Kind("low_temperature_rating_factor"),
        Kind("display_scaling_factor"),
    ],
    0x70: _decades("temperature_limit", "°F", -3, 4),
    0x74: _decades("temperature_limit", "°C", -3, 4),
    0x78: _decades("cumulated_maximum_power", "W", -3, 8),
}
_FD: dict[int, list[Kind]] = {
    0x00: _decades("credit", "", -3, 4),
    0x04: _decades("debit", "", -3, 4),
    0x08: [
        Kind("access_number"),
        Kind("device_type"),
        Kind("manufacturer"),
        Kind("parameter_set"),
        Kind("model"),
        Kind("hardware_version"),
        Kind("firmware_version"),
        Kind("software_version"),
        Kind("customer_location"),
        Kind("customer"),
        Kind("access_code_user"),
        Kind("access_code_operator"),
        Kind("access_code_system_operator"),
        Kind("access_code_developer"),
        Kind("password"),
        Kind("error_flags", form=FLAGS),
        Kind("error_mask", form=FLAGS),
        Kind("security_key"),
        Kind("digital_output", form=FLAGS),
        Kind("digital_input", form=FLAGS),
        Kind("baud_rate", "Bd"),
        Kind("response_delay", "bit"),
        Kind("retry_count"),
        Kind("remote_control", form=FLAGS),
        Kind("first_storage"),
        Kind("last_storage"),
        Kind("storage_block_size"),
        Kind("tariff_descriptor"),
    ],
    0x24: [*_spans("storage_interval"), Kind("storage_interval", "month"), Kind("storage_interval", "year")],
    0x2A: [Kind("operator_data"), Kind("time_point", "s")],
    0x2C: _spans("duration_since_readout"),
    0x30: [Kind("tariff_start", form=MOMENT), *_spans("tariff_duration")[1:]],
    0x34: [*_spans("tariff_period"), Kind("tariff_period", "month"), Kind("tariff_period", "year")],
    0x3A: [Kind("dimensionless"), Kind("radio_container")],
    0x3C: _spans("transmission_period"),
    0x40: _decades("voltage", "V", -9, 16),
    0x50: _decades("current", "A", -12, 16),
    0x60: [
        Kind("reset_counter"),
        Kind("cumulation_counter"),
        Kind("control_signal"),
        Kind("day_of_week"),
        Kind("week_number"),
        Kind("day_change_time"),
        Kind("parameter_activation_state"),
        Kind("supplier_information"),
    ],
    0x68: [
        *_spans("duration_since_cumulation")[2:],
        Kind("duration_since_cumulation", "month"),
        Kind("duration_since_cumulation", "year"),
    ],
    0x6C: [
        *_spans("battery_operating_time")[2:],
        Kind("battery_operating_time", "month"),
        Kind("battery_operating_time", "year"),
    ],
    0x70: [
        Kind("battery_change_time", form=MOMENT),
        Kind("radio_level", "dBm"),
        Kind("summer_time_rule"),
        Kind("listening_window"),
        Kind("battery_lifetime", "s", factor=DAY),
        Kind("stop_count"),
        Kind("maker_container"),
    ],
}
_FD_FD: dict[int, list[Kind]] = {
    0x00: [
        Kind("application"),
        RESERVED,
        Kind("battery_lifetime", "month"),
        Kind("battery_lifetime", "year"),
    ],
}


def _spread(table: dict[int, list[Kind]]) -> tuple[Kind, ...]:
    row = [RESERVED] * 128
    for first, kinds in table.items():
        row[first : first + len(kinds)] = kinds
    return tuple(row)


FIRST = _spread(_FB)
"""The true VIF after FB (Table 12)."""
SECOND = _spread(_FD)
"""The true VIF after FD (Table 11)."""
THIRD = _spread(_FD_FD)
"""The true VIF after FD FD (Table 13)."""
