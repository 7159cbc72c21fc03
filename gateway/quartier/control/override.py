"""What is ordered of one asset for a while: a wish, never above a cap, and never past a minimum time.

By a person's hand: priority 3 of spec/failsafe.md#priority; by a schedule of the district: 4; by the local
plan: 5.  ``off`` and a lower limit are kept as said; ``on`` and a higher one as far as the caps leave
room, for what a cap takes away comes back in its turn like anything else.  In maintenance an asset belongs to
its device: it is given no order, and counts with what it takes, or may take.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quartier.control import shed
from quartier.control.leaning import Leaning
from quartier.control.reason import Reason, make, said
from quartier.control.shed import Turn
from quartier.house.assets import Battery, Ev, House, Load, Moded, Pv, Steered
from quartier.house.records import replace
from quartier_drivers.who import Who

LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Override:
    """One asset's order until ``until_ns``; ``until_utc_ms`` is the same for people.

    ``value``: W of a battery (plus charges) or of a PV's limit, A of a charging point (0 pauses), 1 or 0 of a
    relay, the number of a mode; None: maintenance.  ``why`` is what a person wrote; a rule of ours says why
    by ``because``.
    """

    asset: str
    value: float | None
    until_ns: int
    until_utc_ms: int
    who: Who
    why: str = ""
    because: Reason | None = None

    @property
    def reason(self) -> Reason:
        """As it stands beside each order."""
        if self.who.kind == "document":
            program, document = self.who.name, self.who.id
            return make("document.orders", *self._whose, program=program, document=document)
        if self.because is not None:
            return self.because._replace(who=self.who, until_utc_ms=self.until_utc_ms)
        code = "hand.maintenance" if self.value is None else "hand.orders"
        reason = make(code, *self._whose, person=self.who.name)
        return reason.then(said(self.why)) if self.why else reason

    @property
    def _whose(self) -> tuple[Who, int]:
        return self.who, self.until_utc_ms


Overrides = Mapping[str, Override]


def fault(asset: Steered, value: float) -> str:
    """Why an asset cannot be ordered so; empty when it can."""
    if isinstance(asset, Battery):
        low, high = -asset.discharge_max_w, asset.charge_max_w
        return "" if low <= value <= high else f"{value:g} W is outside {low:g}..{high:g} W"
    if isinstance(asset, Moded):
        names = ", ".join(mode.name for mode in asset.modes)
        return "" if value in range(len(asset.modes)) else f"there is no such mode; expected one of {names}"
    if isinstance(asset, Ev):
        whole = value == 0 or asset.current_min_a <= value <= asset.current_max_a
        return (
            ""
            if whole
            else f"{value:g} A is neither 0 nor {asset.current_min_a:g}..{asset.current_max_a:g} A"
        )
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return "" if 0 <= value <= asset.rated_w else f"{value:g} W is outside 0..{asset.rated_w:g} W"
    return "" if value in (0, 1) else "it can be on or off alone"


def turned(house: House, turns: Mapping[str, Turn], overrides: Overrides, now_ns: int) -> dict[str, Turn]:
    """The turns with what people switched off; not before a minimum time is over."""
    after = dict(turns)
    for asset in house.assets:
        turn = after.get(asset.name)
        if turn is None or isinstance(asset, Battery) or not keeps_off(asset, overrides):
            continue
        if turn.on and shed.may_switch(asset, turn, now_ns):
            off = replace(turn, on=False, since_ns=now_ns, told_ns=now_ns)
            after[asset.name] = off if is_by_hand(asset.name, overrides) else shed.counted(off, now_ns)
    return after


def is_by_hand(name: str, overrides: Overrides) -> bool:
    """Whether a person ordered it, and not the district."""
    return name in overrides and overrides[name].who.kind == "person"


def keeps_off(asset: Steered, overrides: Overrides) -> bool:
    """Whether a person keeps it off, so that it must not come back."""
    return asset.name in overrides and _is_off(asset, overrides[asset.name])


def may_be_raised(asset: Steered, overrides: Overrides) -> bool:
    """Whether an export cap may have it take more: not what a person keeps off, or put into a mode."""
    if isinstance(asset, Moded):
        return asset.name not in overrides
    return not keeps_off(asset, overrides)


def _is_off(asset: object, override: Override) -> bool:
    switched = isinstance(asset, Load | Ev) or (isinstance(asset, Pv) and asset.curtail == "relay")
    return switched and override.value == 0


def is_maintained(asset: Steered, overrides: Overrides) -> bool:
    """Whether it belongs to its device now."""
    found = overrides.get(asset.name)
    return found is not None and found.value is None


def ceiling(asset: Steered, overrides: Overrides) -> float | None:
    """The most that a charging point's current or a PV's limit may be by a person's word; None: anything.

    A charging point that a person pauses goes no lower than its floor by this: it pauses in its own time.
    """
    found = overrides.get(asset.name)
    if found is None or isinstance(asset, Battery | Load | Moded):
        return None
    return asset.current_min_a if isinstance(asset, Ev) and found.value == 0 else found.value


def met(name: str, overrides: Overrides, value: float) -> Reason | None:
    """The reason of an order whose limit is reached; None where there is none, or it leaves more."""
    found = overrides.get(name)
    return None if found is None or found.value is None or value < found.value else found.reason


def power_w(asset: Battery, overrides: Overrides) -> float | None:
    """What a person wants of a battery, in W; None where nobody said."""
    found = overrides.get(asset.name)
    return None if found is None else found.value


def leaning(asset: Moded, overrides: Overrides, own: Leaning) -> Leaning:
    """What an asset in modes would like with a person's word: as far as its class lets anybody move it."""
    found = overrides.get(asset.name)
    if found is None or found.value is None or own.given_back:
        return own
    if found.who.kind == "rule" and own.claims:
        return own  # a deadline, or people's comfort: no plan of ours goes before it
    wanted = min(max(int(found.value), own.highest), own.lowest)
    return replace(own, wanted=wanted, reason=found.reason, after_s=0.0)
