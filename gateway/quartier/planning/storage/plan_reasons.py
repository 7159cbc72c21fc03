"""Give the reason of each step of a battery plan (pure)."""

from collections.abc import Callable

from quartier.control.reason import Reason, make_reason
from quartier.planning.horizon import Outlook
from quartier.planning.storage.battery_plan import BatteryPlan

_IDLE_W = 0.5
_PER_KWH = 1000.0
_KEPT_MIN_WH = 50.0
_CHARGES, _DISCHARGES, _WAITS = (
    make_reason("plan.charges"),
    make_reason("plan.discharges"),
    make_reason("plan.waits"),
)
_KEPT_BEYOND = make_reason("plan.kept_beyond")


def make_plan_reasons(plan: BatteryPlan, outlook: Outlook, when: Callable[[int], str] = str) -> list[Reason]:
    """Return one reason per step; ``when`` formats the time of a step.

    Prices are EUR/kWh at the meter. The value of a kWh is its value in the store.
    """
    kept = _find_kept_reasons(plan, outlook, when)
    found = (_make_step_reason(plan, outlook, number, when) for number in range(len(plan.steps)))
    return [why if more is None else why.then(more) for why, more in zip(found, kept, strict=True)]


def _find_kept_reasons(
    plan: BatteryPlan, outlook: Outlook, when: Callable[[int], str]
) -> list[Reason | None]:
    """Return the reason for charge kept at each step's end for an import limit or peak of a later step.

    The loop runs backward. A discharge that keeps an import within the limit adds the energy that it takes
    from the store; an earlier charge subtracts.
    """
    kept_wh, code, limit_w, at = 0.0, "", 0.0, ""
    found: list[Reason | None] = []
    for number in reversed(range(len(plan.steps))):
        share, held_code, held_w = _find_holding(plan, outlook, number)
        is_kept = kept_wh >= _KEPT_MIN_WH and not share
        found.append(_make_kept_reason(code, kept_wh, limit_w, at) if is_kept else None)
        moved_wh = plan.steps[number].energy_wh - plan.steps[number - 1].energy_wh if number else 0.0
        if share:
            kept_wh, code, limit_w, at = kept_wh - share * moved_wh, held_code, held_w, when(number)
        else:
            kept_wh = max(0.0, kept_wh - max(moved_wh, 0.0))
    return found[::-1]


def _make_kept_reason(code: str, kept_wh: float, limit_w: float, at: str) -> Reason:
    energy_kwh, limit_kw = round(kept_wh / _PER_KWH, 1), round(limit_w / _PER_KWH, 1)
    return make_reason(code, energy_kwh=energy_kwh, limit_kw=limit_kw, at=at)


def _find_holding(plan: BatteryPlan, outlook: Outlook, number: int) -> tuple[float, str, float]:
    """Return the share of a step's discharge that limits its import, the reason code, and the limit in W.

    The share is 0 where nothing limits the import.
    """
    step = plan.steps[number]
    most_w = step.grid_w if step.grid_range_w is None else step.grid_range_w[1]
    cap_w, spared_w = outlook.import_max_w[number], -step.battery_w
    if spared_w <= _IDLE_W:
        return 0.0, "", 0.0
    beyond_w = most_w + spared_w - cap_w
    if beyond_w > _IDLE_W:
        return min(1.0, beyond_w / spared_w), "plan.kept_cap", cap_w
    if step.cap_eur_per_wh > 0.0 and most_w > _IDLE_W:
        return 1.0, "plan.kept_peak", most_w
    return 0.0, "", 0.0


def _make_step_reason(plan: BatteryPlan, outlook: Outlook, number: int, when: Callable[[int], str]) -> Reason:
    step = plan.steps[number]
    if step.battery_w > _IDLE_W:
        why = _CHARGES.then(_explain_source(plan, outlook, number)).then(
            _explain_use(plan, outlook, number, when)
        )
    elif step.battery_w < -_IDLE_W:
        why = _DISCHARGES.then(_explain_gain(plan, outlook, number))
    else:
        why = _WAITS.then(_explain_price(plan, outlook, number))
    why = why.then(_make_price_reason("plan.stored_worth", step.value_eur_per_wh))
    if step.cap_eur_per_wh > 0.0:
        why = why.then(_make_price_reason("plan.held_worth", step.cap_eur_per_wh))
    if step.curtailed_w > _IDLE_W:
        why = why.then(make_reason("plan.curtails", power_w=round(step.curtailed_w)))
    return why


def _explain_source(plan: BatteryPlan, outlook: Outlook, number: int) -> Reason:
    """Return where a charge comes from, and its cost."""
    if plan.steps[number].grid_w > _IDLE_W:
        return _make_price_reason("plan.bought", outlook.import_eur_per_wh[number])
    return _make_price_reason("plan.with_sun", outlook.export_eur_per_wh[number])


def _explain_use(plan: BatteryPlan, outlook: Outlook, number: int, when: Callable[[int], str]) -> Reason:
    """Return the first step in which the charged energy is used."""
    for later in range(number + 1, len(plan.steps)):
        if plan.steps[later].battery_w < -_IDLE_W:
            return make_reason("plan.used_from", source=_explain_gain(plan, outlook, later), at=when(later))
    return _KEPT_BEYOND


def _explain_gain(plan: BatteryPlan, outlook: Outlook, number: int) -> Reason:
    """Return the benefit of a discharge."""
    if plan.steps[number].grid_w < -_IDLE_W:
        return _make_price_reason("plan.export_brings", outlook.export_eur_per_wh[number])
    return _make_price_reason("plan.spares_import", outlook.import_eur_per_wh[number])


def _explain_price(plan: BatteryPlan, outlook: Outlook, number: int) -> Reason:
    if plan.steps[number].grid_w < -_IDLE_W:
        return _make_price_reason("plan.export_brings", outlook.export_eur_per_wh[number])
    return _make_price_reason("plan.import_costs", outlook.import_eur_per_wh[number])


def _make_price_reason(code: str, eur_per_wh: float) -> Reason:
    return make_reason(code, price_eur_per_kwh=round(eur_per_wh * _PER_KWH, 3))
