"""A building that anything may happen to, and what must hold whatever did: for hypothesis, and for long walks.

``python -m tests.gateway.control.walk 1000000 7`` takes a million seeded moves and says how far it came.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import inf, nan
from random import Random
from typing import Any

from tests.gateway.control.conftest import EPOCH_MS, HOUSE, LIMITS, Plant, envelope

from quartier.control import link, turns
from quartier.control.cycle import State
from quartier.control.linkstate import LinkState, Mode
from quartier.control.wishes import FailsafeDocument, FailsafeValues, Heartbeat, Interval, Wishes
from quartier.house import assets, modes
from quartier.house.assets import Mode as Step
from quartier.house.assets import Moded
from quartier.house.image import Image
from quartier.house.now import Now

S = 1_000_000_000
STREET = modes.Lights(
    name="street",
    rated_w=2_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(Step(f"{p} % light", p, 20.0 * p) for p in (100, 90, 80, 70, 60, 50)),
    evening=((22 * 3600, 80), (30 * 60, 60), (5.5 * 3600, 100)),
)
TANK = modes.Heat(
    name="tank",
    rated_w=3_000,
    tier="C",
    quantity="sg_ready_state",
    senses=("tank_c",),
    modes=(Step("boost", 3, 3_000), Step("normal", 2, 2_000), Step("blocked", 1, 0)),
    normal=1,
    min_on_s=300,
    min_off_s=180,
    comfort_min_c=45,
    comfort_max_c=60,
)
WALKED = replace(HOUSE, assets=(*HOUSE.assets, STREET, TANK))
RANGES = {
    "bat1.setpoint_w": (-5_000, 5_000),
    "pv1.generation_max_w": (0, 6_000),
    "ev1.current_max_a": (0, 16),
    "street.dim_pct": (50, 100),
    "tank.sg_ready_state": (1, 3),
}
SILENT = ("grid", "bat1", "ev1", "pv1", "pump", "heat", "street", "tank", "bat1.soc_pct", "tank.tank_c")
ODD = (0.0, -1.0, 50.0, -3_000.0, 8_000.0, 99_999.0, 3.6e9, -32_768.0, 65_535.0, nan, inf, -inf, 1e300)
RAW = ("grid.power_w", "bat1.power_w", "bat1.soc_pct", "ev1.power_w", "ev1.plugged_on", "pv1.power_w")
RAW += ("pump.power_w", "pump.relay_on", "ev1.current_max_a", "pv1.generation_max_w", "bat1.setpoint_w")
RAW += ("street.power_w", "street.dim_pct", "tank.tank_c", "tank.sg_ready_state", "tank.power_w")
WATTS = (0.0, 300.0, 1_000.0, 4_999.0, 5_001.0, 9_000.0, 1e6)
SPANS_S = (1.0, 61.0, 600.0, 3_600.0)
Move = Callable[["World", Random], None]


@dataclass
class World(Plant):
    """The plant under a real link state, with a wall clock that jumps and a process that is restarted."""

    house: assets.House = WALKED
    jump_s: float = 0.0
    synced: bool = True
    outage: bool = False
    params: link.LinkParams = field(default_factory=lambda: link.LinkParams(limits=LIMITS))
    link_state: LinkState | None = None
    beats_count: int = 0
    switched: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    tank_c: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.link_state = link.start(self.params, None, self.now(), outage=False, lost=False)

    def now(self) -> Now:
        return Now(self.t * S, EPOCH_MS + int((self.t + self.jump_s) * 1000), self.synced)

    def wishes(self) -> Wishes:
        self.link_state = link.tick(self.link_state, self.params, self.now(), outage=self.outage)
        self.caps = link.caps(self.link_state, self.params, self.now())
        return Wishes(caps=self.caps)

    def _read(self) -> dict[str, float]:
        return {"tank.tank_c": self.tank_c, **super()._read()}

    def cycles(self, count: int) -> None:
        for _ in range(count):
            self.step()
            self.judge()
            for past in (self._setpoints, self._amperes, self._battery_past):
                del past[:-8]
            self.log.clear()
            self.grid_log.clear()

    # --- what may happen -------------------------------------------------------------------------

    def late(self, seconds: int) -> None:
        self.t += seconds
        self.cycles(1)

    def beat(self) -> None:
        self.beats_count += 1
        beat = Heartbeat(self.beats_count, self.now().utc_ms)
        self.link_state = link.heartbeat(self.link_state, self.params, beat, self.now())

    def document(
        self, program: str, newer: int, import_w: float, export_w: float, span_s: float, on_loss: str
    ) -> None:
        here_s = self.t + self.jump_s
        seq = self.link_state.seqs.get(program, 0) + newer
        paper = envelope(
            seq, program, nbf_s=here_s - 10, start_s=here_s, exp_s=here_s + span_s, on_loss=on_loss
        )
        paper = replace(paper, intervals=(Interval(span_s, import_w, export_w),))
        self.link_state, _ = link.document(self.link_state, self.params, paper, self.now())

    def values(self, seq: int, import_w: float, export_w: float) -> None:
        paper = FailsafeDocument(
            id="fs", seq=seq, values=FailsafeValues(import_max_w=import_w, export_max_w=export_w)
        )
        self.link_state, _ = link.failsafe_document(self.link_state, self.params, paper, self.now())

    def restart(self, down_s: int, *, outage: bool) -> None:
        """The process ends and begins; with ``outage`` the machine's clock begins at 0 in truth, here it goes on."""
        kept = json.loads(json.dumps(turns.kept(self.state.turns, self.now())))
        kept_link = link.restore(json.loads(json.dumps(link.dump(self.link_state))))
        self.t += down_s
        self.link_state = link.start(self.params, kept_link, self.now(), outage=outage, lost=False)
        self.state = replace(State.fresh(self.house), turns=turns.recalled(self.house, kept, self.now()))
        self._image = Image()

    # --- what must hold --------------------------------------------------------------------------

    def judge(self) -> None:
        caps, mode = self.decision.view["caps"], self.link_state.mode
        own = self.link_state.failsafe
        failsafe = (5_000, 0) if own is None else (own.import_max_w, own.export_max_w)
        highest = {Mode.FAILSAFE: failsafe, Mode.INIT: failsafe, Mode.AUTONOMOUS: (8_000, 6_000)}
        import_w, export_w = highest.get(mode, (10_000, 6_000))
        assert caps["import"]["max_w"] <= min(10_000, import_w), (caps, mode)
        assert caps["export"]["max_w"] <= min(6_000, export_w), (caps, mode)
        json.dumps(self.decision.view, allow_nan=False)
        for command in self.decision.commands:
            self._judge_command(command)

    def _judge_command(self, command: Any) -> None:
        low, high = RANGES.get(command.point, (0, 1))
        assert low <= command.value <= high, command
        assert command.reason
        assert command.expires_ns > self.now().ns
        assert command.point != "lift.relay_on", command
        assert not (command.point == "ev1.current_max_a" and 0 < command.value < 6), command
        self._judge_times(command.point, command.value)

    def _judge_times(self, point: str, value: float) -> None:
        asset = next(a for a in self.house.assets if point.startswith(f"{a.name}."))
        if not isinstance(asset, assets.Load | Moded):
            return
        told = self.switched.setdefault(point, [])
        if told and told[-1][1] == value:
            return
        told.append((self.t, value))
        del told[:-12]
        if len(told) < 3 or told[-2][1] == told[-3][1]:
            return
        (began, was), (ended, _) = told[-2], told[-1]
        rose = was > told[-3][1]
        least_s = asset.min_on_s if rose else asset.min_off_s
        assert ended - began >= least_s, (point, told)


def _set(name: str, *values: Any) -> Move:
    return lambda world, random: setattr(world, name, random.choice(values))


def _odd(world: World, random: Random) -> None:
    world.raw[random.choice(RAW)] = random.choice(ODD)


def _well(world: World, _: Random) -> None:
    world.raw, world.silent, world.deaf = {}, set(), set()


def _lost(world: World, random: Random) -> None:
    world.silent = set(random.sample(SILENT, random.randint(0, 3)))


def _deaf(world: World, random: Random) -> None:
    world.deaf = set(random.sample(("bat1", "pv1", "ev1", "pump", "street", "tank"), random.randint(0, 2)))


def _document(world: World, random: Random) -> None:
    pick = random.choice
    program, newer = pick(("dso", "district")), pick((-1, 0, 1, 1, 1))
    world.document(program, newer, pick(WATTS), pick(WATTS), pick(SPANS_S), pick(("hold", "failsafe")))


def _jump(world: World, random: Random) -> None:
    world.jump_s += random.choice((-1e6, -3_600, -61, 61, 3_600, 1e6))


# What may happen, and how often beside the rest.
MOVES: tuple[tuple[int, Move], ...] = (
    (20, lambda *_: None),
    (2, lambda world, random: world.late(random.choice((2, 7, 3_600)))),
    (6, _odd),
    (4, _well),
    (3, _lost),
    (1, _deaf),
    (4, _set("base_w", -2_000.0, 200.0, 2_500.0, 9_000.0, 40_000.0)),
    (2, _set("sun_w", 0.0, 900.0, 6_000.0)),
    (2, _set("ev_wants_w", 0.0, 1_000.0, 11_040.0)),
    (2, _set("soc_pct", 0.0, 9.9, 20.1, 50.0, 94.9, 100.0)),
    (2, _set("tank_c", -40.0, 44.9, 50.0, 60.1, 95.0, nan)),
    (12, lambda world, _: world.beat()),
    (6, _document),
    (1, lambda world, random: world.values(world.t, random.choice(WATTS), random.choice(WATTS))),
    (1, lambda world, random: world.restart(random.choice((0, 3, 40, 4_000)), outage=random.random() < 0.3)),
    (1, _jump),
    (1, _set("synced", True, False)),
    (1, _set("outage", True, False)),
)


def moved(world: World, random: Random) -> None:
    """One random thing happens, then some seconds pass."""
    ((_, move),) = random.choices(MOVES, [weight for weight, _ in MOVES])
    move(world, random)
    world.cycles(random.choices((1, 2, 5, 30, 140), (50, 20, 20, 8, 2))[0])


def fresh() -> World:
    return World(base_w=1_000, sun_w=2_000, loads_w={"pump": 2_000, "heat": 1_000, "lift": 500})


def main(steps_count: int, seed: int) -> None:
    random, world, cycles = Random(seed), fresh(), 0
    for number in range(steps_count):
        if number % 5_000 == 0:
            began = world.t
            world = fresh()
            cycles += began
            sys.stdout.write(f"{number} moves, {cycles} s of the house, nothing broke\n")
            sys.stdout.flush()
        try:
            moved(world, random)
        except BaseException:
            sys.stderr.write(f"broke at move {number} of seed {seed}, second {world.t}\n")
            raise
    sys.stdout.write(f"{steps_count} moves of seed {seed}: nothing broke\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
