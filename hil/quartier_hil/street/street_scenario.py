"""The street of the demonstration: who lives there, what happens, and what was promised of it (pure)."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

from quartier_hil.checks.quantity_checks import NEAR_SHARE
from quartier_hil.checks.verdicts import Verdict
from quartier_hil.runner.narration import Narration
from quartier_hil.scenario.events import StoryLine
from quartier_hil.scenario.scenario_file import Scenario

ZONE = "Europe/Paris"
START = dt.datetime(2026, 1, 15, 18, 30)  # noqa: DTZ001 - the house's local time
LIMIT_W = 26_000.0
SHARE_W = 8_500.0
PUBLIC_SHARE_W = 8_000.0
PUBLIC_LIMIT_W = 8_500.0
RATE = 16.0
NEED_WH = 30_000.0
STAY_H = 2.0
WANTED_WH = 15_000.0
"""Energy that the district assumes for a car of which the site knows nothing, Wh."""
PRICES = [0.206] * 6 + [0.27] * 16 + [0.206] * 2
"""By the local hour, EUR a kWh: about France's regulated tariff of 2025."""
PLUGGED_AT_S = 130.0
# A car starts at its floor and is raised in stages: 120 s, and up to 300 s at random.
DISTRICT_AT_S = 720.0
DIES_AT_S = 1_260.0
BACK_AT_S = 1_680.0
ENDS_AT_S = 2_040.0
# After the district came: envelopes out, answered, those with more sent, cars slowed down.
_SETTLES_S = 240.0
LED_FROM_S = DISTRICT_AT_S + _SETTLES_S
# 120 s without a heartbeat, then 30 s until it is measured (spec/failsafe.md#heartbeat), and a 60 s mean.
_LOST_S = 240.0
LOST_FROM_S = DIES_AT_S + _LOST_S
_MEAN_S = 60.0
UNLED_SPAN_S = (PLUGGED_AT_S, DISTRICT_AT_S)
# Without the district the envelopes hold until its loss is noticed.
LED_SPAN_S = (LED_FROM_S, DIES_AT_S + 120.0)
LOST_SPAN_S = (LOST_FROM_S, BACK_AT_S)
LED_WORDS = "led by the district, until its loss is noticed"
"""What the measurements of ``LED_SPAN_S`` are called."""
_BUILDINGS = (
    ("b001", "Lilac house", {"soc_pct": 12.0, "tank_c": 50.2}),
    ("b002", "Corner house", {"soc_pct": 12.0, "tank_c": 52.0, "pv_w": 3_000.0}),
    ("b003", "Garden house", {"soc_pct": 22.0, "tank_c": 53.0}),
)
_PUBLIC_SITE: dict[str, object] = {
    "contract_import_w": 20_000.0,
    "failsafe_import_w": PUBLIC_SHARE_W,
    "battery_w": 2_000.0,
    "battery_wh": 4_000.0,
    "soc_pct": 12.0,
    "assets": [
        {"kind": "lights", "name": "lamps1", "rated_w": 3_000.0},
        {"kind": "substation", "name": "loop1", "rated_w": 1_500.0},
        {"kind": "chp", "name": "chp1", "rated_w": 5_000.0},
        {"kind": "waste", "name": "waste1", "rated_w": 4_000.0, "batches_s": [900.0]},
    ],
}  # fmt: skip
LOAD_POINT, LOST_POINT, LED_POINT = "street.power_w", "street.lost_count", "street.led_count"


def spell_number(count: int) -> str:
    """Return a number of buildings in words."""
    return {3: "Three", 4: "Four"}.get(count, str(count))


def build_narration(titles: Mapping[str, str], limit_w: float) -> Narration:
    """Return the narration of the buildings of ``titles``: each event, then the values of the meters."""
    count, limit = len(titles), f"{limit_w / 1e3:g} kW"
    load, band_w = f"the transformer carries {{{LOAD_POINT}}} of {limit}", _band_w(limit_w)
    lines: tuple[dict[str, object], ...] = (
        {
            "at_s": 0.0,
            "text": f"{spell_number(count)} buildings behind one transformer of {limit}. "
            "No district controls them yet.",
        },
        {"at_s": PLUGGED_AT_S, "text": "In each a car is plugged in."},
        {
            "at_s": PLUGGED_AT_S + 1.0,
            "until_s": DISTRICT_AT_S - 1.0,
            "point": LOAD_POINT,
            "low": limit_w,
            "text": f"Without a district {_format_contracts(titles)}; {load}.",
            "otherwise": f"The cars did not overload the street: {load}.",
        },
        {
            "at_s": DISTRICT_AT_S,
            "text": "The district starts: it reads the houses, plans, and sends each an envelope.",
        },
        {
            "at_s": LED_FROM_S,
            "until_s": DIES_AT_S - 1.0,
            "point": LOAD_POINT,
            "high": band_w,
            "text": f"With the district, {load}.",
            "otherwise": f"The district controls the houses for four minutes, and {load}.",
        },
        {
            "at_s": DIES_AT_S,
            "text": f"The district's process is killed: {load}. The houses must detect it in 2 min.",
        },
        {
            "at_s": DIES_AT_S + 60.0,
            "until_s": BACK_AT_S - 1.0,
            "point": LOST_POINT,
            "low": float(count),
            "text": f"Each house has detected the loss, and is limited to its own share: {load}.",
            "otherwise": f"{{{LOST_POINT}}} of {count} houses have detected the loss: {load}.",
        },
        {"at_s": BACK_AT_S, "text": "The district is started again."},
        {
            "at_s": BACK_AT_S + 5.0,
            "until_s": ENDS_AT_S - 1.0,
            "point": LED_POINT,
            "low": float(count),
            "text": f"The district controls each house again: {load}.",
            "otherwise": f"{{{LED_POINT}}} of {count} houses are controlled again: {load}.",
        },
    )
    return Narration(StoryLine.model_validate({"do": "say", **one}) for one in lines)


def _format_contracts(titles: Mapping[str, str]) -> str:
    """Return the power of each building as a field of the narration, with its contract."""
    contracts_w = {edge: home.house.contract_import_w for edge, home in build_scenarios(with_public=True)}
    return ", ".join(
        f"{title} takes {{{edge}.power_w}} (contract {contracts_w[edge] / 1e3:g} kW)"
        for edge, title in titles.items()
    )


def format_minute(at_s: float) -> str:
    """Return the full minutes that have passed at a second of the evening."""
    return f"{int(at_s) // 60} min"


def compute_start_utc_s() -> float:
    """Unix time of the first second."""
    return START.replace(tzinfo=ZoneInfo(ZONE)).timestamp()


def build_scenarios(
    *, with_public: bool, rate: float = RATE, cycle_s: float = 1.0
) -> list[tuple[str, Scenario]]:
    """The buildings by name, as scenarios of one start."""
    common: dict[str, Any] = {"start": START, "duration_s": ENDS_AT_S, "rate": rate, "cycle_s": cycle_s}
    homes: list[tuple[str, str, dict[str, object]]] = [
        (edge, title, {"contract_import_w": 18_000.0, "failsafe_import_w": SHARE_W, **site_keys})
        for edge, title, site_keys in _BUILDINGS
    ]
    if with_public:
        homes.append(("b004", "Town hall and street", _PUBLIC_SITE))
    return [
        (edge, Scenario.model_validate({**common, "title": title, "seed": 10 * place, "house": site_keys}))
        for place, (edge, title, site_keys) in enumerate(homes, start=1)
    ]


def compute_limit_w(*, with_public: bool) -> float:
    """The transformer's limit."""
    return LIMIT_W + (PUBLIC_LIMIT_W if with_public else 0.0)


@dataclass(frozen=True, slots=True)
class StreetSample:
    """One look: the second, each building's power and link state."""

    at_s: float
    powers_w: dict[str, float]
    modes: dict[str, str]

    @property
    def load_w(self) -> float:
        """Through the transformer."""
        return sum(self.powers_w.values())

    @property
    def values(self) -> dict[str, float]:
        """Values that the narration uses."""
        modes = list(self.modes.values())
        return {
            **{f"{edge}.power_w": watts for edge, watts in self.powers_w.items()},
            LOAD_POINT: self.load_w,
            LOST_POINT: float(modes.count("FAILSAFE")),
            LED_POINT: float(modes.count("CONTROLLED")),
        }


def evaluate_street(
    moments: Sequence[StreetSample], shares_w: dict[str, float], limit_w: float
) -> list[Verdict]:
    """Return the verdicts with promise and measurement."""
    before, led, lost = (
        find_highest_mean_w(moments, span) for span in (UNLED_SPAN_S, LED_SPAN_S, LOST_SPAN_S)
    )
    overload = f"without the district above {limit_w / 1e3:g} kW"
    found = [
        Verdict("overload", overload, _format_measurement(before), limit_w < before < inf),
        _make_limit_verdict("within", f"{LED_WORDS}: at most {limit_w / 1e3:g} kW", led, limit_w),
        _make_limit_verdict("lost", f"the district dead: at most {limit_w / 1e3:g} kW", lost, limit_w),
    ]
    for edge, share_w in shares_w.items():
        high = find_highest_mean_w(moments, LOST_SPAN_S, edge)
        words = f"{edge} keeps its share of {share_w / 1e3:g} kW"
        found.append(_make_limit_verdict("share", words, high, share_w))
    found.append(_make_link_state_verdict(moments, LOST_FROM_S, BACK_AT_S, "FAILSAFE"))
    return [*found, _make_link_state_verdict(moments, ENDS_AT_S - 120.0, ENDS_AT_S, "CONTROLLED")]


def find_highest_mean_w(
    moments: Sequence[StreetSample], span_s: tuple[float, float], edge: str | None = None
) -> float:
    """Return the highest mean of a minute in a span, of one building or of all; inf if none was measured."""
    return max(_list_minute_means(moments, *span_s, edge), default=inf)


def _band_w(cap_w: float) -> float:
    """A breach is a 60 s mean above cap + max(2 %, 200 W) (spec/failsafe.md#breach)."""
    return cap_w + max(0.02 * cap_w, 200.0)


def _list_minute_means(
    moments: Sequence[StreetSample], from_s: float, until_s: float, edge: str | None
) -> Iterator[float]:
    """Means of a minute each, of one building or of all."""
    span = [moment for moment in moments if from_s <= moment.at_s < until_s]
    for start in range(int(from_s), int(until_s), int(_MEAN_S)):
        inside = [one for one in span if start <= one.at_s < start + _MEAN_S]
        powers_w = [one.load_w if edge is None else one.powers_w[edge] for one in inside]
        if powers_w:
            yield sum(powers_w) / len(powers_w)


def _make_limit_verdict(check: str, promised: str, watts: float, limit_w: float) -> Verdict:
    """A limit that was kept is shown where the load came near it."""
    unshown = ""
    if watts < NEAR_SHARE * limit_w:
        unshown = f"only {watts / limit_w:.0%} of the limit: too far below to show that it is kept"
    elif watts == inf:
        unshown = "nothing was measured"
    return Verdict(check, promised, _format_measurement(watts), watts <= _band_w(limit_w), unshown)


def _format_measurement(watts: float) -> str:
    return "" if watts == inf else f"{watts / 1e3:.2f} kW, the highest mean of a minute"


def _make_link_state_verdict(
    moments: Sequence[StreetSample], from_s: float, until_s: float, expected: str
) -> Verdict:
    seen = {mode for moment in moments if from_s <= moment.at_s < until_s for mode in moment.modes.values()}
    words = f"each building is {expected} from {from_s / 60:.0f} to {until_s / 60:.0f} min"
    unshown = "" if seen else "nothing was seen"
    return Verdict("mode", words, ", ".join(sorted(seen)), seen == {expected}, unshown)
