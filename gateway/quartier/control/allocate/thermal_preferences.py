"""The preferred mode of heat and cold stores with a temperature band, substations and ventilation (pure).

Cooling (S2): fill rate based control over operation modes. The fill level is the room temperature, inverted;
the timers are the compressor's minimum run and rest.

Heat (S2): fill rate based control over operation modes. The fill level is the temperature of the store; the
timers are the compressor's minimum run and rest. A hybrid, which can cover the same heat by gas, would be
demand driven; here its own controller chooses. SG Ready (Bundesverband Waermepumpe, rules of the label 1.1):
state 1 blocked, 2 normal, 3 recommended on, 4 forced on.

Substation (S2): operation mode based control, one operation mode for each speed. Its timers keep valves and
pump from hunting.

Ventilation (S2): operation mode based control, one operation mode for each speed. The last step, to the
lowest ventilation, is taken after C and D. Limits of CO2: EN 16798-1, annex B (category II: 800 ppm above
outdoors).
"""

from quartier.control.allocate import generation
from quartier.control.inputs import CycleInputs
from quartier.control.observe import totals
from quartier.control.reason import NO_REASON, Reason, make_reason
from quartier.control.records import Preference
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import (
    CoolingAsset,
    HeatAsset,
    HeatSubstation,
    ThermalAsset,
    Tier,
    VentilationUnit,
)

_COLD_STORES, _COLD_FULL = make_reason("comfort.precooling"), make_reason("comfort.no_precooling")


def find_cooling_preference(cooling: CoolingAsset, inputs: CycleInputs) -> Preference:
    """Return normal; colder while there is surplus and the band allows it; blocked last when it is warm."""
    found_c = next(
        (c for q in cooling.senses if (c := generation.read_sensor(inputs, cooling, q)) is not None), None
    )
    spare_k = None if found_c is None or cooling.comfort_min_c is None else found_c - cooling.comfort_min_c
    short = found_c is not None and cooling.comfort_max_c is not None and found_c > cooling.comfort_max_c
    return find_comfort_preference(
        cooling, inputs, spare_k, short=short, stores=_COLD_STORES, full=_COLD_FULL
    )


_HEAT_STORES, _HEAT_FULL = make_reason("comfort.preheating"), make_reason("comfort.no_preheating")


def find_heat_preference(heat: HeatAsset, inputs: CycleInputs) -> Preference:
    """Return normal; more while there is surplus and the store takes it; blocked last when it is cold."""
    found_c = next(
        (c for q in heat.senses if (c := generation.read_sensor(inputs, heat, q)) is not None), None
    )
    spare_k = None if found_c is None or heat.comfort_max_c is None else heat.comfort_max_c - found_c
    short = found_c is not None and heat.comfort_min_c is not None and found_c < heat.comfort_min_c
    return find_comfort_preference(heat, inputs, spare_k, short=short, stores=_HEAT_STORES, full=_HEAT_FULL)


BACK_K, BACK_S = 1.0, 1_200.0
"""How far inside its band the loop must be, in K, and how long its own control has it, in s, before it is
moved again.
"""


def find_substation_preference(pump: HeatSubstation, inputs: CycleInputs) -> Preference:
    """Return its normal speed; leave it to its own control while the loop is outside its temperatures."""
    if inputs.running_s <= totals.START_WAIT_S and any(
        f"{pump.name}.{quantity}" not in inputs.state.last_good for quantity, _, _ in pump.bands
    ):
        return Preference(pump.normal, pump.normal, pump.normal, pump.tier, NO_REASON)
    given_back = _outside(pump, inputs)
    return Preference(
        pump.normal, pump.normal, len(pump.modes) - 1, pump.tier, NO_REASON, given_back=given_back
    )


def _outside(pump: HeatSubstation, inputs: CycleInputs) -> Reason | None:
    """Return which temperature is outside its band, or unknown; None if all are inside."""
    back_k = BACK_K if pump.point in inputs.state.book.released else 0.0
    for quantity, low_c, high_c in pump.bands:
        found_c = generation.read_sensor(inputs, pump, quantity)
        name = quantity.removesuffix("_c")
        if found_c is None:
            return make_reason("substation.unknown", quantity=name)
        if found_c < low_c + back_k:
            return make_reason(
                "substation.cold", quantity=name, found_c=round(found_c, 1), limit_c=low_c + back_k
            )
        if found_c > high_c - back_k:
            return make_reason(
                "substation.hot", quantity=name, found_c=round(found_c, 1), limit_c=high_c - back_k
            )
    back_ns = inputs.state.switch_states.get(pump.name, SwitchState()).back_ns
    if back_ns is not None and inputs.now_ns - back_ns < BACK_S * 1e9:
        return make_reason("substation.rests", after_min=round(BACK_S / 60))
    return None


def find_ventilation_preference(unit: VentilationUnit, inputs: CycleInputs) -> Preference:
    """Return its normal speed; while CO2 is above its limit it is not slowed further."""
    lowest, tier = len(unit.modes) - 1, unit.tier
    co2_ppm = generation.read_sensor(inputs, unit, "co2_ppm")
    if co2_ppm is not None and co2_ppm > unit.co2_max_ppm:
        here = max(generation.find_ordered_mode(inputs, unit), unit.normal)
        reason = make_reason("ventilation.co2", co2_ppm=round(co2_ppm))
        return Preference(unit.normal, unit.normal, here, rank_after_tiers(tier), reason)
    return Preference(unit.normal, unit.normal, lowest, tier, NO_REASON, last_tier=rank_after_tiers(tier))


STORES_AFTER_S = 60.0
BOOST_BAND_K = 2.0
"""A boost that ended at the edge of the band begins again only this far inside it."""


_LAST = make_reason("comfort.last")


def rank_after_tiers(tier: Tier) -> Tier:
    """Return the tier of an asset that should not be held any more: after C and D."""
    return "B" if tier in {"C", "D"} else tier


def find_comfort_preference(
    asset: ThermalAsset,
    inputs: CycleInputs,
    spare_k: float | None,
    *,
    short: bool,
    stores: Reason,
    full: Reason,
) -> Preference:
    """Return the preference of an asset with a temperature band.

    ``spare_k`` is how far the band still allows storing, in K; None: not known. ``short``: the temperature is
    beyond the other edge, where people feel it, so blocking comes last. ``stores`` and ``full`` are the
    reasons for storing, and for storing no more.
    """
    here = generation.find_ordered_mode(inputs, asset)
    lowest = len(asset.modes) - 1
    tier = rank_after_tiers(asset.tier) if short else asset.tier
    reason = _LAST if short else NO_REASON
    if spare_k is None or spare_k <= 0.0:
        if spare_k is not None:
            reason = full
        return Preference(asset.normal, asset.normal, lowest, tier, reason, claims=short)
    boosting = here < asset.normal
    if asset.preheat and not short and (boosting or spare_k >= BOOST_BAND_K):
        asset_w = asset.modes[asset.boosts].power_w
        left_w = generation.find_surplus_w(inputs, asset)
        if left_w is not None and left_w >= (0.5 if boosting else 1.0) * asset_w > 0.0:
            return Preference(asset.boosts, 0, lowest, tier, stores, after_s=STORES_AFTER_S)
    return Preference(asset.normal, 0, lowest, tier, reason, after_s=STORES_AFTER_S, claims=short)
