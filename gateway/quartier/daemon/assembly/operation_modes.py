"""Make operation-mode assets from the site file (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any

from quartier.config.sections import operation_mode_sections
from quartier.config.sections.asset_sections import LoadSection
from quartier.site import asset_types

SENSED_QUANTITIES = {
    "heat": ("tank_c", "room_c"),
    "cooling": ("room_c",),
    "substation": ("supply_c", "return_c"),
    "waste": ("waiting_on", "left_s"),
    "ventilation": ("co2_ppm",),
    "load": ("waiting_on",),
}
"""Quantities that a role senses in addition to its power; where one is enough, the first readable counts."""
ROLES_WITH_OWN_NORMAL = ("substation", "ventilation")
"""Roles whose normal mode is their own control, if their device can be given back to that control."""
_NOON_S, _DAY_S = 43_200.0, 86_400.0
_NORMAL_SHARE, _LOWERED_SHARE = 0.75, 0.5
_LITRES_PER_M3 = 1000.0


def make_operation_mode_asset(
    section: operation_mode_sections.OperationModeSection,
    shared: Mapping[str, Any],
    place: tuple[float, float] | None = None,
) -> asset_types.OperationModeAsset:
    """Make the asset for control.

    ``shared`` holds the fields that all assets have, and how the point of this asset is written.  ``place``
    is the location of the site, in degrees north and east.
    """
    said = {**shared, "rated_w": section.rated_w}
    if isinstance(section, operation_mode_sections.ChpSection):
        return _make_chp(section, said)
    said["tier"] = section.tier
    if isinstance(section, operation_mode_sections.LightsSection):
        return asset_types.Lights(
            **said,
            modes=tuple(_make_dimming_modes(section)),
            evening=tuple(_find_light_periods(section.evening)),
            place=place,
            dusk_s=section.dusk_offset_s,
        )
    said |= {"min_on_s": section.min_on_s, "min_off_s": section.min_off_s}
    if isinstance(section, operation_mode_sections.HeatSection):
        comfort = _find_comfort(section, _make_heat_modes(section, said["quantity"]))
        return asset_types.HeatAsset(**said, **comfort, water=_make_water(section))
    if isinstance(section, operation_mode_sections.CoolingSection):
        return asset_types.CoolingAsset(
            **said, **_find_comfort(section, _make_cooling_modes(section, said["quantity"]))
        )
    if isinstance(section, operation_mode_sections.WasteSection):
        return _make_waste(section, said)
    return _make_variable_speed_asset(section, said)


def _make_chp(chp: operation_mode_sections.ChpSection, said: Mapping[str, Any]) -> asset_types.ChpUnit:
    led_w = chp.start_import_w if chp.led == "electricity" else None
    return asset_types.ChpUnit(
        **{**said, "writable": said["writable"] and led_w is not None},
        tier="D",
        modes=(
            asset_types.OperationMode("rest", 0, 0.0),
            asset_types.OperationMode("asked to run", 1, -chp.rated_w),
        ),
        start_import_w=led_w,
        min_on_s=chp.min_rest_s,
        min_off_s=chp.start_s + chp.min_run_s,
    )


def _make_waste(
    waste: operation_mode_sections.WasteSection, said: Mapping[str, Any]
) -> asset_types.WasteCollection:
    return asset_types.WasteCollection(
        **said,
        modes=(
            asset_types.OperationMode("runs", 1, waste.rated_w),
            asset_types.OperationMode("waits", 0, 0.0),
        ),
        window_s=parse_time_of_day_s(waste.window_start),
        deadline_s=parse_time_of_day_s(waste.deadline),
        duration_s=waste.duration_s,
    )


def make_daily_run(load: LoadSection, said: Mapping[str, Any]) -> asset_types.BatchLoad:
    """Make a load that does one run a day."""
    return asset_types.BatchLoad(
        **said,
        rated_w=load.rated_w,
        tier=load.tier,
        modes=(
            asset_types.OperationMode("runs", 1, load.rated_w),
            asset_types.OperationMode("waits", 0, 0.0),
        ),
        min_on_s=load.min_on_s,
        min_off_s=load.min_off_s,
        run_w=load.run_w,
        window_s=None if load.window_start is None else parse_time_of_day_s(load.window_start),
        deadline_s=0.0 if load.deadline is None else parse_time_of_day_s(load.deadline),
        resumes=load.run_resumes,
    )


def _make_variable_speed_asset(
    section: operation_mode_sections.SubstationSection | operation_mode_sections.VentilationSection,
    said: Mapping[str, Any],
) -> asset_types.OperationModeAsset:
    """Make a variable-speed asset: its power goes with the cube of its speed (affinity laws)."""
    if isinstance(section, operation_mode_sections.SubstationSection):
        speeds = _step_down(section.pump_normal_pct, section.pump_min_pct, section.pump_step_pct)
        return asset_types.HeatSubstation(
            **said,
            modes=_make_speed_modes(section.rated_w, speeds),
            bands=tuple(_find_temperature_bands(section)),
        )
    speeds = _step_down(section.speed_normal_pct, section.speed_min_pct, section.speed_step_pct)
    return asset_types.VentilationUnit(
        **said, modes=_make_speed_modes(section.rated_w, speeds), co2_max_ppm=section.co2_max_ppm
    )


def _find_temperature_bands(
    substation: operation_mode_sections.SubstationSection,
) -> Iterator[tuple[str, float, float]]:
    """Yield lowest and highest temperature in °C of each quantity that has a limit."""
    for quantity, low_c, high_c in (
        ("supply_c", substation.supply_min_c, substation.supply_max_c),
        ("return_c", substation.return_min_c, substation.return_max_c),
    ):
        if low_c is not None or high_c is not None:
            yield quantity, -inf if low_c is None else low_c, inf if high_c is None else high_c


def _make_speed_modes(rated_w: float, speeds: Iterable[float]) -> tuple[asset_types.OperationMode, ...]:
    return tuple(
        asset_types.OperationMode(f"{pct:g} % speed", pct, rated_w * (pct / 100.0) ** 3) for pct in speeds
    )


def _step_down(most: float, least: float, step: float) -> Iterator[float]:
    """Step down from the highest value to the lowest, which is always included."""
    here = most
    while here > least:
        yield here
        here -= step
    yield least


def _find_comfort(
    section: operation_mode_sections.HeatSection | operation_mode_sections.CoolingSection,
    steps: list[asset_types.OperationMode],
) -> dict[str, Any]:
    names = [step.name for step in steps]
    boosted = next((i for i, name in enumerate(names) if name == "boost"), None)
    return {
        "modes": tuple(steps),
        "normal": names.index("normal"),
        "boosts": names.index("normal") if boosted is None else boosted,
        "comfort_min_c": section.comfort_min_c,
        "comfort_max_c": section.comfort_max_c,
        "preheat": section.preheat and boosted is not None,
    }


def _make_water(heat: operation_mode_sections.HeatSection) -> asset_types.WaterTank | None:
    """Make the tank that the asset heats; None if it has none.

    A loss that is not given is the most that EU 814/2013 allows (annex II, 2).
    """
    if heat.tank_m3 is None:
        return None
    allowed_w = 16.66 + 8.33 * (heat.tank_m3 * _LITRES_PER_M3) ** 0.4
    return asset_types.WaterTank(
        volume_m3=heat.tank_m3,
        loss_w=allowed_w if heat.tank_loss_w is None else heat.tank_loss_w,
        around_c=heat.around_c,
        heat_pct=heat.heat_pct,
        draw_w=heat.draw_w,
    )


def _make_heat_modes(
    heat: operation_mode_sections.HeatSection, quantity: str
) -> list[asset_types.OperationMode]:
    """Make the modes from most to least power; a lowered setpoint is expected to halve the power."""
    most_w = heat.rated_w
    normal_w = _NORMAL_SHARE * most_w if heat.normal_w is None else min(heat.normal_w, most_w)
    if quantity == "relay_on":
        return [asset_types.OperationMode("normal", 1, most_w), asset_types.OperationMode("blocked", 0, 0.0)]
    if quantity == "setpoint_shift_k":
        return _make_shifted_modes(heat.shift_up_k, -heat.shift_down_k, most_w, normal_w)
    boost_w = (most_w + normal_w) / 2 if heat.force_on else most_w
    forced = [asset_types.OperationMode("forced on", 4, most_w)] if heat.force_on else []
    return [
        *forced,
        asset_types.OperationMode("boost", 3, boost_w),
        asset_types.OperationMode("normal", 2, normal_w),
        asset_types.OperationMode("blocked", 1, 0.0),
    ]


def _make_cooling_modes(
    cooling: operation_mode_sections.CoolingSection, quantity: str
) -> list[asset_types.OperationMode]:
    most_w = cooling.rated_w
    normal_w = _NORMAL_SHARE * most_w if cooling.normal_w is None else min(cooling.normal_w, most_w)
    if quantity == "relay_on":
        return [asset_types.OperationMode("normal", 1, most_w), asset_types.OperationMode("blocked", 0, 0.0)]
    return _make_shifted_modes(-cooling.shift_down_k, cooling.shift_up_k, most_w, normal_w)


def _make_shifted_modes(
    boost_k: float, lowered_k: float, most_w: float, normal_w: float
) -> list[asset_types.OperationMode]:
    return [
        asset_types.OperationMode("boost", boost_k, most_w),
        asset_types.OperationMode("normal", 0, normal_w),
        asset_types.OperationMode("lowered", lowered_k, _LOWERED_SHARE * normal_w),
    ]


def _make_dimming_modes(lights: operation_mode_sections.LightsSection) -> Iterator[asset_types.OperationMode]:
    """Make full light, and each step below it down to the lowest."""
    for share_pct in _step_down(100.0, lights.dim_min_pct, lights.dim_step_pct):
        yield asset_types.OperationMode(
            f"{share_pct:g} % light", share_pct, lights.rated_w * share_pct / 100.0
        )


def _find_light_periods(evening: Iterable[str]) -> list[tuple[float, float]]:
    """Return pairs of local time of day in s and light level from then on in %, sorted from noon to noon."""
    steps = [(parse_time_of_day_s(text[:5]), float(text[5:].rstrip(" %"))) for text in evening]
    return sorted(steps, key=lambda step: (step[0] - _NOON_S) % _DAY_S)


def parse_time_of_day_s(time_of_day: str) -> float:
    """Return a time of day such as ``"07:30"`` in s since midnight."""
    hours, minutes = time_of_day.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0
