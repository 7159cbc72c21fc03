"""Finds contradictions in a fallback: a device that forgets an order in a wrong way, or never.  Pure."""

from quartier_drivers.device_profile.schema import (
    WRITES_PER_DAY,
    Condition,
    DeviceFallback,
    PointWrite,
    Setting,
    Source,
)

Rule = tuple[bool, str, str]
"""Whether the rule is broken, the key below ``fallback``, and what is wrong."""

LIMIT_PREFIX = "_max_"
"""Part of the name of each quantity that is a limit: a higher value is never safer."""
_DAY_S = 86_400


def make_fallback_rules(quantity: str, write: PointWrite) -> list[Rule]:
    """Return each rule about the fallback of a writable point, broken or not; empty without a fallback."""
    fallback = write.fallback
    if fallback is None:
        return []
    rules = (
        _make_holding_rules(quantity, fallback)
        if fallback.holds
        else _make_timeout_rules(quantity, write, fallback)
    )
    return [*rules, *_make_timer_rules(fallback)]


def _make_holding_rules(quantity: str, fallback: DeviceFallback) -> list[Rule]:
    keys = {"value": "value", "after_s": "after_s", "refresh_s": "refresh_s", "address": "register"}
    beside = [name for key, name in keys.items() if getattr(fallback, key) is not None]
    why = f"does not fit {quantity}: only a cap may stand for ever; without a timer there is no fallback"
    return [
        *(
            (True, name, "cannot be combined with holds = true, which has no timer and no value")
            for name in beside
        ),
        (LIMIT_PREFIX not in quantity, "holds", why),
    ]


def _make_timeout_rules(quantity: str, write: PointWrite, fallback: DeviceFallback) -> list[Rule]:
    value, after_s, refresh_s = fallback.value, fallback.after_s, fallback.refresh_s
    rules: list[Rule] = [
        (value is None, "value", 'is missing: what the device then takes, a number or "own"'),
        (after_s is None, "after_s", "is missing: after how many seconds without a write"),
    ]
    if value is None or after_s is None:
        return rules
    number = value if isinstance(value, float) else None
    lifts = LIMIT_PREFIX in quantity and (number is None or (write.high is not None and number >= write.high))
    writes_per_day = _DAY_S / (refresh_s or after_s / 3)
    wears = write.persistent and fallback.kept_by == "writes"
    bears = write.writes_per_day or WRITES_PER_DAY
    slow = f"{refresh_s} is too slow: one lost write would let it act; expected at most {after_s / 2:g}"
    worn = f"asks for {writes_per_day:.0f} writes a day of a persistent register, which bears {bears}"
    return [
        *rules,
        (lifts, "value", f"{value!r} lifts the cap after {after_s:g} s; expected less, or holds = true"),
        (
            quantity.endswith("_on") and number not in (None, 0.0, 1.0),
            "value",
            f"{value} is neither on nor off; expected 0 or 1",
        ),
        (refresh_s is not None and 2 * refresh_s > after_s, "refresh_s", slow),
        (wears and writes_per_day > bears, "after_s", worn),
    ]


def _make_timer_rules(fallback: DeviceFallback) -> list[Rule]:
    return [
        (
            fallback.timer_shown not in (None, "none") and fallback.after_s is None,
            "timer_shown",
            "is set without after_s",
        ),
        (
            fallback.value_shown is not None and not isinstance(fallback.value, float),
            "value_shown",
            "is set without a value that is a number",
        ),
        *(
            rule
            for place, setting in enumerate(fallback.settings)
            for rule in _make_setting_rules(place, setting)
        ),
        *(rule for place, one in enumerate(fallback.check) for rule in _make_condition_rules(place, one)),
    ]


def _make_setting_rules(place: int, setting: Setting) -> list[Rule]:
    key = f"settings.{place}"
    return [
        (
            setting.address.table not in ("coil", "holding"),
            f"{key}.register",
            f"{setting.address} cannot be written, expected a coil or holding register",
        ),
        (not fits_type(setting.type_name, setting.value), f"{key}.value", "does not fit its register"),
        (
            setting.confirm == "none" and setting.shown is not None,
            f"{key}.confirm",
            "cannot be combined with shown; expected one of them",
        ),
    ]


def _make_condition_rules(place: int, one: Condition) -> list[Rule]:
    ranged = one.low is not None or one.high is not None
    return [(bool(one.equals) == ranged, f"check.{place}", "expected one of equals, or low and high")]


def fits_type(type_name: str, raw: float) -> bool:
    """Return whether a register of this type can hold the unscaled number."""
    if type_name.startswith("float"):
        return True
    low, high = Source.model_validate({"register": "holding:0", "type": type_name}).raw_range
    return raw == int(raw) and low <= raw <= high
