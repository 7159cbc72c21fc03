"""Faults of devices, meters and wires, and the values that a faulty one shows."""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

FaultKind = Literal[
    "off",
    "unplugged",
    "silent",
    "stuck",
    "garbage",
    "wrong",
    "clamps",
    "swapped",
    "foreign",
    "coarse",
    "bent",
    "slow",
    "late",
    "delayed",
    "intermittent",
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
CommonFaultKind = Literal["off", "stuck", "wrong", "slow", "delayed", "garbage", "intermittent"]
COMMON_FAULT_KINDS: tuple[CommonFaultKind, ...] = get_args(CommonFaultKind)
"""The seven ways in which each device, wire, meter and clock is made to fail, where it can."""
_WIRING_FAULT_KINDS: tuple[FaultKind, ...] = ("clamps", "swapped", "foreign")
METER_FAULT_KINDS: tuple[FaultKind, ...] = (*_WIRING_FAULT_KINDS, "coarse")
"""Those that only a meter with current transformers has."""
SwapKind = Literal["phases", "clamps"]
PHASES = (1, 2, 3)
NOMINAL_V = 230.0
# Voltage and current of two phases are 120 degrees apart: half of their power is left, with the other sign.
_SWAPPED_POWER_FACTOR = -0.5
_NEXT_PHASE = {1: 2, 2: 3, 3: 1}
_COUNTERS = (("energy_import_wh", 1.0), ("energy_export_wh", -1.0))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force.

    off      no power: alone on its endpoint it closes it, else it is an absent unit; it forgets
             its orders
    unplugged  its cable is out: absent from the wire as without power; the device itself runs on
    silent   receives and sends nothing; with ``acts`` it receives and obeys but its answer is lost
    stuck    its values freeze; orders still act.  ``points`` (a pattern over quantity names): these alone;
             ``value``: they freeze at this power in W, even on all phases, else at the present one
    garbage  answers bytes without sense
    wrong    values of ``points`` (a pattern over quantity names) are multiplied by ``factor``
    clamps   the current transformers of ``phases`` (none named: all) give ``factor`` times the current:
             -1 reversed, 0 dead, another: of the wrong ratio.  Powers, currents, sum and counters follow
    swapped  ``what`` is exchanged: ``phases``: L1 shows what is L2, L2 what is L3, L3 what is L1, and the sum
             is right; ``clamps``: L1 and L2 have each other's current transformer, and the sum is wrong
    foreign  it measures another building: the load that ``neighbour_w`` draws by ``seed``
    coarse   it shows changes of its powers from ``value`` W on: a habit of some meters
    bent     orders for ``points`` act multiplied by ``factor``: -1 inverts, 10 is a wrong scale, 0 is deaf
    slow     answers after ``seconds`` of real time, one request after the other
    late     answers after ``seconds`` of real time with the request's own, by then old, id, while
             newer requests are served: every ``every``-th answer (1: each)
    delayed  answers in time with its values of ``seconds`` of plant time before
    intermittent  a loose contact: no traffic for ``seconds`` of plant time, then good for as long
    """

    kind: FaultKind
    seconds: float = 0.0
    factor: float = 1.0
    points: str = ""
    acts: bool = False
    every: int = 1
    value: float | None = None
    phases: tuple[int, ...] = ()
    what: SwapKind = "phases"
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for what is no fault."""
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"{self.kind!r} is no fault; expected one of {', '.join(FAULT_KINDS)}")
        if self.seconds < 0 or self.every < 1:
            raise ValueError(
                f"a fault needs seconds >= 0 and every >= 1, got {self.seconds} and {self.every}"
            )
        if strange := set(self.phases) - set(PHASES):
            raise ValueError(f"phases: {', '.join(map(str, sorted(strange)))}; expected some of 1, 2, 3")
        if self.what not in get_args(SwapKind):
            raise ValueError(f"what: {self.what!r}; expected one of {', '.join(get_args(SwapKind))}")

    def applies_to(self, point: str) -> bool:
        """Return whether ``wrong``, ``stuck`` or ``bent`` changes a point (``grid.power_w``, ``power_w``)."""
        usual = "*power*" if self.kind == "wrong" else "*"
        pattern = self.points or usual
        return fnmatchcase(point, pattern) or fnmatchcase(point.partition(".")[2], pattern)

    @property
    def is_whole(self) -> bool:
        """Return whether ``stuck`` freezes everything, at what is shown now."""
        return not self.points and self.value is None

    def is_contact_open(self, lasted_s: float) -> bool:
        """Return whether a loose contact is open ``lasted_s`` after it came loose."""
        return is_contact_open(lasted_s, self.seconds)


def is_contact_open(lasted_s: float, seconds: float) -> bool:
    """Return whether a loose contact is open: open first, for ``seconds``, then closed for as long."""
    return seconds > 0 and lasted_s % (2 * seconds) < seconds


class FaultyValues:
    """Values that one device shows of those that it measures, under its faults; one object per device.

    Values are by quantity, ``power_w`` or ``asset.power_w``.  A counter never decreases: under ``clamps``,
    ``swapped`` and ``foreign`` it counts the power that is shown, and goes on from there when the fault has
    ended.  A frozen value stays until ``stuck`` is no longer in force.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, Mapping[str, float]]] = deque()
        self._frozen: dict[str, float] = {}
        self._rough: dict[str, float] = {}
        self._ahead_wh: dict[str, float] = {}
        self._counted_wh: dict[str, float] = {}
        self._counted_s: float | None = None

    @property
    def has_state(self) -> bool:
        """True if state of a fault is kept, so that ``apply`` has to be called without a fault too."""
        return bool(self._ahead_wh or self._frozen or self._rough or self._past)

    def apply(
        self, faults: Mapping[FaultKind, Fault], values: Mapping[str, float], now_s: float
    ) -> Mapping[str, float]:
        """Return the values shown at ``now_s`` in place of ``values``; the same object without a fault."""
        if "stuck" not in faults:
            self._frozen.clear()
        if "coarse" not in faults:
            self._rough.clear()
        if not faults and not self._ahead_wh:
            self._past.clear()
            return values
        values = self._delay(faults.get("delayed"), values, now_s)
        values = self._mismeasure(
            [faults[kind] for kind in _WIRING_FAULT_KINDS if kind in faults], values, now_s
        )
        wrong, stuck = faults.get("wrong"), faults.get("stuck")
        if wrong is not None:
            values = {
                point: value * wrong.factor if wrong.applies_to(point) else value
                for point, value in values.items()
            }
        if "coarse" in faults:
            values = self._coarsen(faults["coarse"].value or 0.0, values)
        return values if stuck is None else self._freeze(stuck, values)

    def _delay(self, behind: Fault | None, values: Mapping[str, float], now_s: float) -> Mapping[str, float]:
        if behind is None:
            self._past.clear()
            return values
        self._past.append((now_s, values))
        while len(self._past) > 1 and self._past[1][0] <= now_s - behind.seconds:
            self._past.popleft()
        return self._past[0][1]

    def _mismeasure(
        self, faults: Iterable[Fault], values: Mapping[str, float], now_s: float
    ) -> Mapping[str, float]:
        shown = dict(values)
        is_wrong = False
        for fault in faults:
            is_wrong = True
            for prefix in _list_meter_prefixes(values):
                shown |= apply_wiring_fault(fault, shown, prefix, now_s)
        lasted_s = 0.0 if self._counted_s is None else max(now_s - self._counted_s, 0.0)
        self._counted_s = now_s if is_wrong else None
        for prefix in _list_meter_prefixes(values):
            for name, sign in _COUNTERS:
                counter = prefix + name
                if counter not in values or f"{prefix}power_w" not in values:
                    continue
                if is_wrong:
                    extra_w = max(sign * shown[f"{prefix}power_w"], 0.0) - max(
                        sign * values[f"{prefix}power_w"], 0.0
                    )
                    ahead_wh = self._ahead_wh.get(counter, 0.0) + extra_w * lasted_s / 3_600.0
                    self._ahead_wh[counter] = ahead_wh
                counted_wh = values[counter] + self._ahead_wh.get(counter, 0.0)
                # The sum of what was gained and lost may be a rounding below the one before.
                shown[counter] = max(counted_wh, self._counted_wh.get(counter, counted_wh))
                self._counted_wh[counter] = shown[counter]
        return shown

    def _coarsen(self, step_w: float, values: Mapping[str, float]) -> Mapping[str, float]:
        for point, value in values.items():
            is_power = "power" in point and point.endswith("_w")
            if is_power and abs(value - self._rough.get(point, math.inf)) >= step_w:
                self._rough[point] = value
        return {**values, **{point: value for point, value in self._rough.items() if point in values}}

    def _freeze(self, stuck: Fault, values: Mapping[str, float]) -> Mapping[str, float]:
        if not self._frozen:
            fixed = dict(values)
            if stuck.value is not None:
                for prefix in _list_meter_prefixes(values):
                    fixed |= _spread_power(values, prefix, stuck.value)
            self._frozen = {point: value for point, value in fixed.items() if stuck.applies_to(point)}
        return {**values, **{point: value for point, value in self._frozen.items() if point in values}}


def _list_meter_prefixes(values: Mapping[str, float]) -> list[str]:
    """Return the prefix of the power of each meter in the values: ``""`` or ``"asset."``."""
    found = (name.rpartition(".") for name in values)
    names = (owner + dot for owner, dot, quantity in found if quantity in ("power_w", "power_l1_w"))
    return list(dict.fromkeys(names))


def apply_wiring_fault(
    fault: Fault, values: Mapping[str, float], prefix: str, now_s: float
) -> dict[str, float]:
    """Return the quantities of the meter ``prefix`` that ``clamps``, ``swapped`` or ``foreign`` changes."""
    match fault.kind:
        case "clamps":
            return _scale_currents(fault, values, prefix)
        case "swapped" if fault.what == "phases":
            return {
                f"{prefix}{kind}_l{phase}_{unit}": values[f"{prefix}{kind}_l{_NEXT_PHASE[phase]}_{unit}"]
                for kind, unit in (("power", "w"), ("current", "a"), ("voltage", "v"))
                for phase in PHASES
                if f"{prefix}{kind}_l{phase}_{unit}" in values
                and f"{prefix}{kind}_l{_NEXT_PHASE[phase]}_{unit}" in values
            }
        case "swapped":
            return _swap_current_transformers(values, prefix)
        case "foreign":
            return _spread_power(values, prefix, compute_neighbour_w(now_s, fault.seed))
    return {}


def _scale_currents(fault: Fault, values: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return powers, currents and sum with the current of some phases times a factor."""
    hit = fault.phases or PHASES
    there = [phase for phase in hit if f"{prefix}power_l{phase}_w" in values]
    total = f"{prefix}power_w"
    if not there:
        # A meter that states the sum alone: its phases count as loaded evenly.
        share = (len(PHASES) + len(hit) * (fault.factor - 1.0)) / len(PHASES)
        return {total: values[total] * share} if total in values else {}
    found = {}
    change_w = 0.0
    for phase in there:
        power_w = values[f"{prefix}power_l{phase}_w"]
        found[f"{prefix}power_l{phase}_w"] = fault.factor * power_w
        change_w += (fault.factor - 1.0) * power_w
        current = f"{prefix}current_l{phase}_a"
        if current in values:
            found[current] = abs(fault.factor) * values[current]
    return found | ({total: values[total] + change_w} if total in values else {})


def _swap_current_transformers(values: Mapping[str, float], prefix: str) -> dict[str, float]:
    """Return L1 and L2 with each other's current, at unity power factor; nothing without their voltages."""
    powers = {phase: values.get(f"{prefix}power_l{phase}_w") for phase in PHASES}
    volts = {phase: values.get(f"{prefix}voltage_l{phase}_v") for phase in (1, 2)}
    shown: dict[str, float] = {}
    for phase, other in ((1, 2), (2, 1)):
        power_w, own_v, other_v = powers[other], volts[phase], volts[other]
        if power_w is None or own_v is None or other_v is None:
            return {}
        shown[f"{prefix}power_l{phase}_w"] = (
            _SWAPPED_POWER_FACTOR * power_w * own_v / other_v if other_v else 0.0
        )
        if f"{prefix}current_l{other}_a" in values:
            shown[f"{prefix}current_l{phase}_a"] = values[f"{prefix}current_l{other}_a"]
    both_w = shown[f"{prefix}power_l1_w"] + shown[f"{prefix}power_l2_w"]
    return shown | {f"{prefix}power_w": both_w + (powers[3] or 0.0)}


def _spread_power(values: Mapping[str, float], prefix: str, power_w: float) -> dict[str, float]:
    """Return a power, even on the phases that are measured, and the currents that belong to it."""
    phases = [phase for phase in PHASES if f"{prefix}power_l{phase}_w" in values]
    found = {f"{prefix}power_w": power_w}
    for phase in phases:
        found[f"{prefix}power_l{phase}_w"] = power_w / len(phases)
    for phase in PHASES:
        if f"{prefix}current_l{phase}_a" in values:
            volts = values.get(f"{prefix}voltage_l{phase}_v", NOMINAL_V) or NOMINAL_V
            found[f"{prefix}current_l{phase}_a"] = abs(power_w) / (len(phases) or len(PHASES)) / volts
    return found


def compute_neighbour_w(now_s: float, seed: int = 1) -> float:
    """Return the import of a building nearby at a second: a slow course, a fridge, a kettle, an oven.

    It has nothing to do with ours and is 150 to about 5,000 W.
    """
    shift_s = 1_000.0 * (seed % 97)
    at_s = now_s + shift_s
    slow_w = 450.0 + 250.0 * math.sin(at_s / 1_900.0) + 50.0 * math.sin(at_s / 47.0)
    fridge_w = 90.0 if at_s % 2_700.0 < 900.0 else 0.0
    kettle_w = 2_000.0 if at_s % 5_400.0 < 150.0 else 0.0
    oven_w = 2_200.0 if at_s % 14_400.0 < 2_400.0 and at_s % 60.0 < 25.0 else 0.0
    return slow_w + fridge_w + kettle_w + oven_w


_TIMED_FAULTS = ("slow", "late", "delayed", "intermittent")


FACTOR_FAULTS = ("wrong", "bent")


_SCALED_FAULTS = (*FACTOR_FAULTS, "clamps")


def find_missing_argument(kind: FaultKind, arguments: Mapping[str, Any]) -> str:
    """Return the argument that a fault lacks, as text; empty if it has all."""
    if kind in _TIMED_FAULTS and not arguments.get("seconds"):
        return f"seconds: is missing: how long, for {kind}"
    if kind == "coarse" and not arguments.get("value"):
        return "value: is missing: from how many W on a change is shown, for coarse"
    if kind in _SCALED_FAULTS and "factor" not in arguments:
        return f"factor: is missing: what is multiplied by it, for {kind}"
    return ""


class MeterFaults:
    """Faults in force on one meter; time is seconds of the site's clock."""

    def __init__(self) -> None:
        self.faults: dict[FaultKind, Fault] = {}
        self._since_s: dict[FaultKind, float] = {}
        self._shown = FaultyValues()

    def fault(self, kind: FaultKind, now_s: float, **args: Any) -> None:
        """Put a fault in force in addition to the others.  Raises ValueError for an unknown kind."""
        self.faults[kind] = Fault(kind, **args)
        self._since_s[kind] = now_s

    def clear(self) -> None:
        """End all faults."""
        self.faults.clear()

    def is_mute(self, now_s: float) -> bool:
        """Return whether it sends nothing now: no power, or a loose contact that is open."""
        loose = self.faults.get("intermittent")
        return "off" in self.faults or (
            loose is not None and loose.is_contact_open(now_s - self._since_s["intermittent"])
        )

    def seconds(self, kind: FaultKind) -> float:
        """Return the ``seconds`` of a fault; 0 where it is not in force."""
        fault = self.faults.get(kind)
        return 0.0 if fault is None else fault.seconds

    def apply(self, values: Mapping[str, float], now_s: float) -> Mapping[str, float] | None:
        """Return the values that it shows for ``values``; None: it is stuck and shows the last ones."""
        stuck = self.faults.get("stuck")
        if stuck is not None and stuck.is_whole:
            return None
        return self._shown.apply(self.faults, values, now_s)
