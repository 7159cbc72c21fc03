"""What running commands ask of one cycle: tiers off, and orders of assets, below people's own (pure)."""

from quartier.control import setpoint
from quartier.control.commands import SetMode, Setpoint, Shed
from quartier.control.duties import COMMANDED, tier_off
from quartier.control.override import Override, Overrides, is_by_hand
from quartier.control.reason import Reason, make
from quartier.control.running import KIND, Commands, Running
from quartier.house.assets import Battery, House, Steered
from quartier_drivers.who import Who

TIERS = ("D", "C", "B")
"""The order in which a shed takes them; tier A is never among them."""


def who(one: Running) -> Who:
    """Whose wish it is."""
    return Who("document", KIND, one.document.id, one.document.seq)


def shed(commands: Commands, now_ns: int) -> dict[str, Reason]:
    """The tiers that a command has off, each with the reason."""
    found: dict[str, Reason] = {}
    for one in commands.now(now_ns):
        wish = one.document.asked
        if isinstance(wish, Shed):
            for tier in TIERS[: wish.level]:
                reason = make(COMMANDED, who(one), one.until_utc_ms, document=one.document.id)
                found[tier] = reason.then(tier_off(tier))
    return found


def overrides(commands: Commands, house: House, given: Overrides, now_ns: int) -> Overrides:
    """Orders of assets: people's first, then maintenance, setpoints, the rest of ``manual``, then others.

    ``given`` are people's, and those of schedules.
    """
    if not commands.running:
        return given
    hands = {name: one for name, one in given.items() if is_by_hand(name, given)}
    rest: dict[str, Override] = {}
    orders: dict[str, Override] = {}
    given_back: dict[str, Override] = {}
    for one in commands.now(now_ns):
        wish = one.document.asked
        if isinstance(wish, Setpoint) and (asset := named(house, wish.asset)) is not None:
            orders[asset.name] = _order(one, asset.name, setpoint.value(asset, wish.power_w))
        elif isinstance(wish, SetMode):
            still = wish.mode == "manual"
            for unit in batteries(house):
                (rest if still else given_back)[unit.name] = _order(one, unit.name, 0.0 if still else None)
    return {**given, **rest, **orders, **given_back, **hands}


def _order(one: Running, asset: str, order: float | None) -> Override:
    return Override(asset, order, one.until_ns, one.until_utc_ms, who(one))


def batteries(house: House) -> list[Battery]:
    """The batteries that take orders: what a mode is about."""
    return [one for one in house.assets if isinstance(one, Battery) and setpoint.takes_orders(one)]


def named(house: House, asset: str) -> Steered | None:
    """The asset of that name that takes orders; None where there is none."""
    return next((one for one in house.assets if one.name == asset and setpoint.takes_orders(one)), None)
