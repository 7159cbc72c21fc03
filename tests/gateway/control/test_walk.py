"""The whole pure controller under anything that may happen: messages, losses, restarts, clocks, odd readings."""

from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from tests.gateway.control import walk

watts = st.sampled_from(walk.WATTS)
seconds = st.sampled_from([1, 1, 1, 2, 5, 20, 130])


class Anything(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.world = walk.fresh()

    @rule(count=seconds)
    def time_passes(self, count):
        self.world.cycles(count)

    @rule(gone_s=st.sampled_from([2, 7, 3_600]))
    def a_cycle_is_late(self, gone_s):
        self.world.late(gone_s)

    @rule(point=st.sampled_from(walk.RAW), value=st.sampled_from(walk.ODD))
    def a_reading_is_odd(self, point, value):
        self.world.raw[point] = value
        self.world.cycles(1)

    @rule(
        names=st.sets(st.sampled_from(walk.SILENT), max_size=3),
        deaf=st.sets(st.sampled_from(walk.SILENT), max_size=2),
    )
    def devices_are_lost(self, names, deaf):
        self.world.silent, self.world.deaf = names, deaf
        self.world.cycles(1)

    @rule()
    def all_is_well_again(self):
        self.world.raw, self.world.silent, self.world.deaf = {}, set(), set()

    @rule(
        base_w=st.sampled_from([-2_000.0, 200.0, 2_500.0, 9_000.0, 40_000.0]),
        sun_w=st.sampled_from([0.0, 900.0, 6_000.0]),
        car_w=st.sampled_from([0.0, 1_000.0, 11_040.0]),
        soc_pct=st.sampled_from([0.0, 9.9, 20.1, 50.0, 94.9, 100.0]),
        tank_c=st.sampled_from([-40.0, 44.9, 50.0, 60.1, 95.0]),
    )
    def the_day_goes_on(self, base_w, sun_w, car_w, soc_pct, tank_c):
        world = self.world
        world.base_w, world.sun_w, world.ev_wants_w = base_w, sun_w, car_w
        world.soc_pct, world.tank_c = soc_pct, tank_c
        world.cycles(1)

    @rule()
    def a_heartbeat_comes(self):
        self.world.beat()
        self.world.cycles(1)

    @rule(
        program=st.sampled_from(["dso", "district"]),
        newer=st.integers(-1, 2),
        import_w=watts,
        export_w=watts,
        span_s=st.sampled_from(walk.SPANS_S),
        on_loss=st.sampled_from(["hold", "failsafe"]),
    )
    def a_document_comes(self, program, newer, import_w, export_w, span_s, on_loss):
        self.world.document(program, newer, import_w, export_w, span_s, on_loss)
        self.world.cycles(1)

    @rule(import_w=watts, export_w=watts)
    def failsafe_values_come(self, import_w, export_w):
        self.world.values(self.world.t, import_w, export_w)

    @rule(down_s=st.sampled_from([0, 3, 40, 4_000]), outage=st.booleans())
    def the_process_starts_again(self, down_s, outage):
        self.world.restart(down_s, outage=outage)
        self.world.cycles(1)

    @rule(jump_s=st.sampled_from([-1e6, -3_600.0, -61.0, 61.0, 3_600.0, 1e6]))
    def the_clock_jumps(self, jump_s):
        self.world.jump_s += jump_s
        self.world.cycles(1)

    @rule(synced=st.booleans(), outage=st.booleans())
    def the_clock_and_the_grid_are_trusted_or_not(self, synced, outage):
        self.world.synced, self.world.outage = synced, outage
        self.world.cycles(1)


Anything.TestCase.settings = settings(max_examples=100, stateful_step_count=100)
TestAnything = Anything.TestCase


def test_a_seeded_walk_of_two_thousand_moves_breaks_nothing():
    random, world = Random(20_261_127), walk.fresh()
    for _ in range(2_000):
        walk.moved(world, random)


def test_the_walk_would_see_a_minimum_time_that_a_restart_forgot():
    world = walk.fresh()
    world.switched["pump.relay_on"] = [(0, 1.0), (100, 0.0)]

    try:
        world.t = 150
        world._judge_times("pump.relay_on", 1.0)
    except AssertionError:
        return
    raise AssertionError("nothing was seen")
