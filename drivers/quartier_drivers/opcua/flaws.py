"""What contradicts itself in a point of an OPC UA device.  Pure."""

from collections.abc import Mapping

from quartier_drivers.flaws import Flaw, name_flaws, quantity_flaws
from quartier_drivers.forgetting import CAP
from quartier_drivers.opcua.schema import Point, Watchdog, Write
from quartier_drivers.points import word
from quartier_drivers.schema import WRITES_PER_DAY

_DAY_S = 86_400


def point_flaws(quantity: str, point: Point, scan: Mapping[str, float]) -> list[Flaw]:
    """Return what is wrong with a point though each of its keys is well-formed."""
    flaws = [] if name_flaws(quantity) else _reading(quantity, point)
    flaws += quantity_flaws(quantity, point, scan)
    if point.write is not None:
        flaws += [(f"write.{key}".rstrip("."), what) for key, what in _writing(quantity, point, point.write)]
    return flaws


def _reading(quantity: str, point: Point) -> list[Flaw]:
    is_text = word(quantity).kind == "text"
    scaled = (point.scale, point.offset, point.sign) != (1.0, 0.0, 1)
    return _broken(
        (point.bit is not None and point.values is not None, "values", "stands beside bit, which is 0 or 1"),
        (point.bit is not None and is_text, "bit", "does not fit a text"),
        (is_text and scaled, "scale", "does not fit a text"),
        (
            point.deadband > 0 and word(quantity).kind != "float",
            "deadband",
            f"does not fit {quantity}, of which each change counts",
        ),
    )


def _writing(quantity: str, point: Point, write: Write) -> list[Flaw]:
    release, away = write.on_release, write.node is not None
    return _broken(
        (word(quantity).kind == "text", "", "does not fit a text"),
        (
            point.bit is not None and not away,
            "node",
            "is missing: one bit of a value cannot be written alone",
        ),
        (write.low > write.high, "low", f"{write.low:g} is above high = {write.high:g}"),
        (
            isinstance(release, float) and not write.low <= release <= write.high,
            "on_release",
            f"{release} is outside {write.low:g}..{write.high:g}",
        ),
        (release == "own" and write.own is None, "own", 'is missing; on_release = "own" needs it'),
        (
            write.writes_per_day is not None and not write.persistent,
            "writes_per_day",
            "fits persistent points only; expected persistent = true beside it",
        ),
        *(
            (broken, f"fallback.{key}", what)
            for broken, key, what in (
                () if write.fallback is None else _acting(quantity, write, write.fallback)
            )
        ),
    )


def _acting(quantity: str, write: Write, fallback: Watchdog) -> list[tuple[bool, str, str]]:
    """As of any device that forgets an order (``forgetting``)."""
    value, after_s, refresh_s = fallback.value, fallback.after_s, fallback.refresh_s
    number = value if isinstance(value, float) else None
    lifts = CAP in quantity and (number is None or number >= write.high)
    wears = write.persistent and _DAY_S / (refresh_s or after_s / 3) > (
        write.writes_per_day or WRITES_PER_DAY
    )
    return [
        (lifts, "value", f"{value!r} lifts the cap after {after_s:g} s; expected less"),
        (
            quantity.endswith("_on") and number not in (None, 0.0, 1.0),
            "value",
            f"{value} is neither on nor off; expected 0 or 1",
        ),
        (
            refresh_s is not None and 2 * refresh_s > after_s,
            "refresh_s",
            f"{refresh_s} is too slow: one lost write would let it act; expected at most {after_s / 2:g}",
        ),
        (wears, "after_s", "asks for more writes a day than a persistent point bears"),
    ]


def _broken(*rules: tuple[bool, str, str]) -> list[Flaw]:
    return [(key, what) for broken, key, what in rules if broken]
