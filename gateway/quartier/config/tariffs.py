"""What is wrong between planning, the tariff and the rest: prices that miss or stray, what is planned."""

from collections.abc import Iterator

from quartier.config.ahead import NEEDED, Planning, Tariff
from quartier.config.draft import Draft
from quartier.config.faults import Flaw

_KEYS = {"off_peak_weekend": ("hchp", "two_rates"), "off_peak_index": ("two_rates",)}
"""Keys of some contracts."""
_PRICES = tuple(dict.fromkeys(name for names in NEEDED.values() for name in names))


def flaws_of_planning(draft: Draft) -> Iterator[Flaw]:
    """A plan without prices or anything to plan; prices of another contract; a signal that nobody sends."""
    tariff: Tariff | None = draft.fixed.get("tariff")
    planning: Planning | None = draft.fixed.get("planning")
    if "planning" in draft.raw:
        if "tariff" not in draft.raw:
            yield Flaw(("planning",), "needs prices; expected a section [tariff]")
        if not any(_is_planned(raw) for raw in draft.meant("assets").values()):
            yield Flaw(("planning",), "has nothing to plan; expected a battery or a charging point")
    if planning is not None and planning.peak_eur_per_w > 0.0 < planning.day_peak_eur_per_w:
        what = "the largest import has a price by peak_eur_per_w too; expected one of the two"
        yield Flaw(("planning", "day_peak_eur_per_w"), what)
    if planning is not None and _is_weightless(planning):
        what = "has no weight that could rise; expected co2_eur_per_g or day_peak_eur_per_w above 0"
        yield Flaw(("planning", "rule_bound"), what)
    if planning is not None and planning.peak_by_month and planning.peak_eur_per_w == 0.0:
        what = "a month's peak has no price; expected peak_eur_per_w above 0 beside it"
        yield Flaw(("planning", "peak_by_month"), what)
    if tariff is None:
        return
    if tariff.contract == "signal" and "district_link" not in draft.raw:
        what = "the prices come by the district's signal; expected a section [district_link]"
        yield Flaw(("tariff", "contract"), what)
    yield from _strays(tariff)


def _is_weightless(planning: Planning) -> bool:
    return planning.rule_bound and not planning.co2_eur_per_g and not planning.day_peak_eur_per_w


def _strays(tariff: Tariff) -> Iterator[Flaw]:
    """Prices that the contract needs and does not have, and keys of another one."""
    needed = NEEDED[tariff.contract]
    for name in _PRICES:
        has = getattr(tariff, name) is not None
        if name in needed and not has:
            yield Flaw(("tariff", name), f'is missing; contract = "{tariff.contract}" needs it')
        elif has and name not in needed:
            yield Flaw(("tariff", name), f'stands at contract = "{tariff.contract}"; expected none there')
    for name, contracts in _KEYS.items():
        if name in tariff.model_fields_set and tariff.contract not in contracts:
            yield Flaw(("tariff", name), f'stands at contract = "{tariff.contract}"; expected none there')


def _is_planned(raw: object) -> bool:
    return isinstance(raw, dict) and raw.get("role") in {"battery", "ev"}
