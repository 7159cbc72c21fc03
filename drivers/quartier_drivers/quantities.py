"""The closed vocabulary of the quantities that devices have: what each means (architecture.md#points); pure.

A profile may use only these names, or private ones that begin with ``x_``.  The unit is the ending of a name
(``points.py``); its possible range is in ``ranges.py``.  A new quantity is one line here.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from types import MappingProxyType

PRIVATE_PREFIX = "x_"
"""The gateway reads, stores and shows such a quantity, and decides nothing by it."""

_PARTS = {
    "phase": ("", "_l1", "_l2", "_l3"),
    "line": ("_l1", "_l2", "_l3"),
    "tariff": tuple(f"_t{number}" for number in range(1, 11)),
    "grid_tariff": tuple(f"_d{number}" for number in range(1, 5)),
    "quadrant": ("_q1", "_q2", "_q3", "_q4"),
    "direction": ("import", "export"),
    "peak": ("peak_1", "peak_2", "peak_3"),
    "relay": tuple(str(number) for number in range(1, 9)),
}

_MEANINGS = {
    # Electricity
    "power{phase}_w": "active power; plus: taken from the building, at the connection: import",
    "reactive_power{phase}_var": "reactive power; plus: inductive",
    "apparent_power{phase}_va": "apparent power",
    "power_factor{phase}_pct": "cosine of the phase angle",
    "voltage{phase}_v": "voltage between phase and neutral",
    "voltage_mean{line}_v": "mean voltage of the meter's last averaging interval",
    "current{phase}_a": "current",
    "frequency_hz": "frequency of the grid",
    "power_rated_w": "rated power that the device states",
    "energy_{direction}_wh": "counter of active energy",
    "energy_{direction}{tariff}_wh": "counter of active energy in a supplier's tariff",
    "energy_import{grid_tariff}_wh": "counter of imported active energy in a tariff of the grid operator",
    "energy_wh": "counter of active energy without a direction",
    "reactive_energy_{direction}_varh": "counter of reactive energy",
    "reactive_energy{quadrant}_varh": "counter of reactive energy in a quadrant",
    "power_quarter_hour_w": "mean import of the current quarter hour",
    "power_{direction}_mean_w": "mean power of the meter's current interval",
    "power_{direction}_mean_before_w": "mean power of the meter's previous interval",
    "power_max_w": "largest import that the meter has stored",
    "power_max_month_w": "largest quarter hour of the month",
    "apparent_power_max{phase}_va": "largest imported apparent power of the day",
    "apparent_power_max_yesterday{phase}_va": "largest imported apparent power of the previous day",
    "apparent_power_export_va": "exported apparent power",
    "apparent_power_export_max_va": "largest exported apparent power of the day",
    "apparent_power_export_max_yesterday_va": "largest exported apparent power of the previous day",
    "power_{direction}_w": "active power of one direction",
    "power_charge_w": "power into the battery",
    "power_discharge_w": "power out of the battery",
    "ac_power_w": "power on the alternating-current side",
    "dc_power_w": "power on the direct-current side",
    "dc_voltage_v": "voltage on the direct-current side",
    "dc_current_a": "current on the direct-current side",
    "voltage_sags{line}_count": "voltage sags that the meter counted",
    "voltage_swells{line}_count": "voltage swells that the meter counted",
    "power_failures_count": "power failures that the meter counted",
    "power_failures_long_count": "long power failures that the meter counted",
    "over_current{phase}_on": "the meter reports too high a current",
    "over_voltage_on": "the meter reports too high a voltage",
    "over_power_on": "the meter reports more power than the contract allows",
    "energy_negative_on": "active energy is negative: export",
    # Contract, tariff and meter
    "subscribed_power_va": "apparent power of the contract",
    "subscribed_current_a": "current of the contract",
    "cut_off_power_va": "apparent power at which the meter opens its breaker",
    "power_limit_w": "power at which the meter opens its breaker",
    "power_limit_va": "apparent power at which the meter opens its breaker",
    "current_limit_a": "current at which the meter opens its breaker",
    "valve_state": "state of the gas meter's valve",
    "breaker_state": "state of the meter's breaker",
    "relay_{relay}_state": "state of a relay of the meter",
    "relay_{relay}_text": "state of a relay of the meter, in its words",
    "virtual_relay_{relay}_on": "virtual contact that the supplier switches",
    "dry_relay_on": "dry contact of the meter",
    "dry_contact_open_on": "dry contact of the meter is open",
    "terminal_cover_open_on": "terminal cover of the meter is open",
    "tariff_index": "number of the tariff in force",
    "supply_tariff_index": "number of the supplier's tariff in force",
    "distribution_tariff_index": "number of the grid operator's tariff in force",
    "tariff_text": "name of the tariff in force",
    "tariff_calendar_text": "name of the contract's calendar",
    "schedule_text": "schedule of the off-peak hours",
    "today_colour_index": "colour of today (Tempo)",
    "today_colour_state": "colour of today (Tempo)",
    "tomorrow_colour_index": "colour of tomorrow (Tempo)",
    "tomorrow_colour_state": "colour of tomorrow (Tempo)",
    "today_day_index": "number of today in the supplier's calendar",
    "tomorrow_day_index": "number of tomorrow in the supplier's calendar",
    "tomorrow_profile_text": "profile of tomorrow",
    "peak_profile_text": "profile of the next peak day",
    "peak_state": "a mobile peak is in force",
    "peak_notice_state": "notice of a mobile peak",
    "peak_notice_s": "time to the announced mobile peak",
    "{peak}_begin_in_s": "time to the start of a mobile peak",
    "{peak}_begin_index": "start of a mobile peak",
    "{peak}_end_in_s": "time to the end of a mobile peak",
    "{peak}_end_index": "end of a mobile peak",
    "clock_offset_s": "clock of the meter less clock of the gateway",
    "clock_degraded_on": "clock of the meter is degraded",
    "producer_on": "the meter works for a producer, not for a consumer",
    "tic_standard_on": "the meter sends standard TIC",
    "tic_version_index": "version of the TIC",
    "plc_state": "state of the meter's power-line communication",
    "plc_synchronised_on": "the meter's power-line communication is synchronised",
    "euridis_state": "state of the meter's Euridis output",
    "potentials_state": "phases that have a voltage",
    "delivery_point_text": "number of the delivery point",
    "meter_text": "serial number of the meter",
    "meter_status_text": "status word of the meter",
    "message_text": "message of the grid operator",
    "message_short_text": "short message of the grid operator",
    "message_code_text": "code of the grid operator's message",
    # Battery and inverter
    "soc_pct": "state of charge",
    "soh_pct": "state of health",
    "energy_capacity_wh": "energy that a full battery holds",
    "battery_v": "voltage of the battery",
    "output_v": "voltage at the battery's output",
    "cell_min_v": "lowest cell voltage",
    "cell_max_v": "highest cell voltage",
    "cell_min_c": "lowest cell temperature",
    "cell_max_c": "highest cell temperature",
    "charge_state": "state of charging",
    "charge_text": "state of charging, in words",
    "inverter_state": "operating state of the inverter",
    "inverter_text": "operating state of the inverter, in words",
    "generation_max_w": "order: most that may be generated",
    "generation_limit_w": "limit of generation that the installer has set",
    "cabinet_c": "temperature in the cabinet",
    # Charging of vehicles
    "plugged_on": "a vehicle is plugged in",
    "car_state": "state of the vehicle (IEC 61851)",
    "mode3_text": "state of the vehicle (IEC 61851), in letters",
    "available_on": "the charging station is in operation",
    "released_on": "the charging station is released",
    "current_max{phase}_a": "order: highest charging current; per line: most that the station reports",
    "current_min_a": "lowest charging current",
    "current_rated_a": "rated current",
    "current_installed_a": "current that the installer has set",
    "failsafe_current_a": "charging current when orders stop",
    "failsafe_timeout_s": "time without orders until the fallback",
    "failsafe_remaining_s": "remaining time until the fallback",
    "setpoint_counts_on": "the gateway's order decides the current",
    "phases_count": "phases in use",
    "session_energy_wh": "energy of the charging session",
    "session_s": "duration of the charging session",
    # Heat, cold, water and gas
    "heat_power_w": "thermal power",
    "heat_power_max_w": "largest thermal power of the last period",
    "heat_energy_wh": "counter of heat",
    "heat_energy_due_wh": "counter of heat on the last due day",
    "cooling_power_w": "thermal power of cooling",
    "cooling_energy_wh": "counter of cold",
    "flow_m3_per_h": "volume flow",
    "flow_max_m3_per_h": "largest volume flow",
    "volume_m3": "counter of volume",
    "volume_2_m3": "counter of volume of the second flow sensor",
    "volume_due_m3": "counter of volume on the last due day",
    "pulse_index": "counter of pulses without a unit",
    "flow_temperature_c": "temperature of the flow",
    "return_temperature_c": "temperature of the return",
    "temperature_difference_k": "flow temperature less return temperature",
    "flow_c": "temperature of the flow of a heat generator",
    "return_c": "temperature of the return of a heat generator",
    "source_in_c": "temperature of the heat source, into the heat pump",
    "source_out_c": "temperature of the heat source, out of the heat pump",
    "compressor_pct": "speed of the compressor",
    "tank_c": "temperature of the tank",
    "engine_c": "temperature of the engine",
    "liquid_c": "temperature of the pumped liquid",
    "remote_c": "temperature of the external sensor",
    "valve_c": "temperature of the sensor in the valve",
    "temperature_c": "temperature of the device",
    "outdoor_c": "outdoor temperature",
    "room_c": "room temperature",
    "sg_ready_state": "order: SG Ready state, 1 to 4",
    "energy_state": "order: energy state of a heat pump",
    "position_pct": "position of a valve",
    "pump_pct": "speed of a pump",
    "speed_pct": "speed",
    "manager_state": "state of the energy manager",
    "controller_index": "model of the controller",
    # Ventilation
    "supply_c": "temperature of the supply air",
    "supply_setpoint_c": "set temperature of the supply air",
    "extract_c": "temperature of the extract air",
    "supply_fan_pct": "speed of the supply fan",
    "extract_fan_pct": "speed of the extract fan",
    "fan_supply_pct": "order: speed of the supply fan",
    "fan_extract_pct": "order: speed of the extract fan",
    "supply_flow_m3_per_h": "flow of the supply air",
    "extract_flow_m3_per_h": "flow of the extract air",
    "supply_pressure_pa": "pressure of the supply air",
    "extract_pressure_pa": "pressure of the extract air",
    "co2_ppm": "share of carbon dioxide in the air",
    "humidity_pct": "relative humidity",
    "fans_on": "the fans run",
    "filter_on": "a filter must be changed",
    "supply_fan_error_on": "fault of the supply fan",
    "supply_sensor_error_on": "fault of the sensor in the supply air",
    # Loads, machines and contacts
    "relay_on": "order: contact of a relay",
    "input_on": "digital input",
    "run_on": "order: run",
    "request_on": "order: request to run",
    "requested_on": "the device has a request to run",
    "lit_on": "the lights are on",
    "dim_pct": "order: brightness",
    "failed_count": "lamps that failed",
    "waiting_on": "a batch waits",
    "left_s": "remaining time of the run",
    "running_s": "operating hours",
    "operating_time_s": "operating hours",
    "starts_count": "starts",
    "setpoint_w": "order: power",
    "setpoint_pct": "order: share of the full range",
    # State of a device
    "mode_state": "operating mode",
    "control_mode_state": "control mode",
    "operating_state": "operating state",
    "run_state": "operating state",
    "unit_state": "operating state of the unit",
    "condition_state": "condition that the device reports",
    "engine_on": "the engine runs",
    "enabled_on": "the function is enabled",
    "automatic_on": "automatic operation",
    "remote_on": "remote control",
    "full_on": "the device runs at full power or speed",
    "slow_on": "the device runs far below full speed",
    "fault_on": "the device reports a fault",
    "error_on": "the device reports an error",
    "error_state": "code of the error",
    "error_index": "number of the error",
    "warning_on": "the device reports a warning",
    "degraded_on": "the device works with less than its functions",
    "supply_low_on": "battery or supply of the device is low",
}


def _expand(template: str) -> Iterator[str]:
    for name, values in _PARTS.items():
        field = f"{{{name}}}"
        if field in template:
            for value in values:
                yield from _expand(template.replace(field, value))
            return
    yield template


def _describe(name: str, meaning: str) -> str:
    phase = next((line for line in _PARTS["line"] if line in name), "")
    return f"{meaning}{phase.replace('_l', ', L')}"


@lru_cache(1)
def list_quantities() -> MappingProxyType[str, str]:
    """Return the meaning of each quantity by its name, in the order of the table."""
    found = ((name, meaning) for template, meaning in _MEANINGS.items() for name in _expand(template))
    return MappingProxyType({name: _describe(name, meaning) for name, meaning in found})


def find_meaning(quantity: str) -> str | None:
    """Return what a quantity means; None if the vocabulary does not have it."""
    return list_quantities().get(quantity)


def is_known(quantity: str) -> bool:
    """Return whether a profile may use this name: it is in the vocabulary, or private."""
    return quantity.startswith(PRIVATE_PREFIX) or quantity in list_quantities()


def suggest(quantity: str) -> str | None:
    """Return the quantity that was probably meant by an unknown one; None if none is near."""
    near = get_close_matches(quantity, list_quantities(), n=1, cutoff=0.75)
    return near[0] if near else None
