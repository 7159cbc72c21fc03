"""How steps of assets are found in the samples, and what the meter made of them."""

import pytest
from tests.gateway.control.observe.meter_check.conftest import S

from quartier.control.observe.meter_check.samples import MeterSample
from quartier.control.observe.meter_check.steps import MeterTiming, Reaction, StepWatch, update_steps

TIMING = MeterTiming(period_s=1.0, late_s=0.0, assets_s=(1.0, 1.0))


class Line:
    """Feeds one sample each second; ``steps`` are those that were found."""

    def __init__(self, timing=TIMING, *, generation=False, resolution_w=1.0, ordered=None):
        self.timing, self.generation, self.resolution_w = timing, generation, resolution_w
        self.ordered = ordered
        self.t, self.watch, self.steps = 0, StepWatch(), []
        self.rest_w, self.factor, self.unseen = 500.0, 1.0, 0

    def hold(self, seconds, steered_w=0.0, generated_w=0.0, noise_w=0.0):
        for _ in range(seconds):
            self.t += 1
            wobble_w = noise_w * (-1) ** self.t
            sample = MeterSample(
                round(self.t * self.timing.period_s * S),
                (self.rest_w + self.factor * (steered_w + generated_w) + wobble_w,),
                (steered_w,),
                generated_w,
                round(steered_w) if self.ordered is None else self.ordered,
                self.unseen,
                (steered_w, generated_w),
            )
            self.watch, found = update_steps(
                self.watch, sample, self.timing, self.resolution_w, generation=self.generation
            )
            self.steps += found
        return self

    @property
    def reactions(self):
        return [step.reaction for step in self.steps]


def test_step_is_judged_once_it_settled_and_three_readings_came():
    line = Line().hold(20).hold(5, 1_000)
    assert line.steps == []

    line.hold(1, 1_000)
    assert [(Reaction.GOOD, 1_000, 1.0, True)] == [
        (step.reaction, step.asset_w, step.gain, step.ordered) for step in line.steps
    ]


@pytest.mark.parametrize(
    ("factor", "reaction"),
    [
        (1.0, Reaction.GOOD),
        (0.75, Reaction.GOOD),
        (1.25, Reaction.GOOD),
        (0.5, Reaction.LOW),
        (1.5, Reaction.HIGH),
        (0.0, Reaction.NONE),
        (-0.2, Reaction.NONE),
        (-1.0, Reaction.WRONG_SIGN),
    ],
)
def test_reaction_is_told_by_the_gain(factor, reaction):
    line = Line()
    line.factor = factor

    assert [reaction] == line.hold(20).hold(20, 2_000).reactions


@pytest.mark.parametrize(
    ("watts", "noise_w", "count"), [(299, 0, 0), (301, 0, 1), (1_000, 240, 1), (1_000, 260, 0)]
)
def test_small_steps_and_noisy_ones_do_not_count(watts, noise_w, count):
    assert count == len(Line().hold(30, noise_w=noise_w).hold(30, watts, noise_w=noise_w).steps)


def test_three_resolutions_count():
    assert not Line(resolution_w=400.0).hold(20).hold(20, 1_100).steps
    assert Line(resolution_w=300.0).hold(20).hold(20, 1_100).steps


def test_movement_without_two_ends_is_no_step():
    line = Line().hold(20)
    for at in range(80):
        line.hold(1, 150.0 * at)

    assert line.hold(30, 150.0 * 79).steps == []


def test_ramp_of_some_seconds_is_one_step():
    line = Line().hold(20)
    for at in range(8):
        line.hold(1, 500.0 * at)

    assert [(3_500, Reaction.GOOD)] == [(s.asset_w, s.reaction) for s in line.hold(20, 3_500).steps]


def test_step_while_sun_or_an_unmeasured_load_moves_does_not_count():
    assert not Line().hold(20, 0.0, -1_000).hold(20, 1_000, -1_600).steps
    line = Line().hold(20)
    line.unseen = 1
    assert not line.hold(20, 1_000).steps


def test_step_right_after_another_has_no_level_before_it():
    line = Line().hold(20).hold(6, 1_000).hold(20, 2_000)

    assert [1_000] == [step.asset_w for step in line.steps]


def test_what_is_shown_at_first_and_taken_back_is_no_fault():
    line = Line().hold(20)
    for rest_w in (500, 500, -300, -1_200, *[-1_500] * 20):
        line.rest_w = rest_w
        line.hold(1, 2_000)

    assert line.steps == []


def test_only_a_wrong_sign_counts_of_sun():
    line = Line(generation=True)
    line.factor = 2.0
    assert not line.hold(20).hold(20, 0.0, -2_000).steps
    line.factor = -1.0
    line.hold(80, 0.0, -2_000)
    assert [Reaction.WRONG_SIGN] == line.hold(20, 0.0, 0.0).reactions


def test_meter_without_a_sign_counts_only_well_inside_import():
    timing = MeterTiming(period_s=1.0, late_s=0.0, assets_s=(1.0, 1.0), signed=False)
    near, far = Line(timing), Line(timing)
    near.factor = far.factor = 0.0
    far.rest_w = 5_000
    assert not near.hold(20).hold(20, 2_000).steps
    assert [Reaction.NONE] == far.hold(20).hold(20, 2_000).reactions
    far.factor = -1.0
    assert not far.hold(30, 2_000).hold(20, 1_000).steps[1:]


def test_slow_meter_concludes_nothing_from_no_reaction():
    line = Line(MeterTiming(period_s=10.0, late_s=0.0, assets_s=(1.0, 1.0)))
    line.factor = 0.0

    assert not line.hold(10).hold(10, 3_000).steps
    line.factor = -1.0
    assert [Reaction.WRONG_SIGN] == line.hold(10, 3_000).hold(10, 0.0).reactions[-1:]


def test_battery_that_takes_back_a_load_is_judged_by_the_reading_that_it_answered_to():
    """The load goes on; the battery's order is made from the reading that shows it."""
    line = Line().hold(20)
    line.rest_w = 2_400
    assert [Reaction.GOOD] == line.hold(1).hold(20, -1_900).reactions
    assert [1.0] == [step.gain for step in line.steps]


@pytest.mark.parametrize("load_w", [1_900, 5_000])
@pytest.mark.parametrize("factor", [0.0, 0.5, 1.6])
def test_answer_that_is_not_shown_rightly_proves_nothing(load_w, factor):
    line = Line().hold(20)
    line.factor = factor
    line.rest_w = 500 + load_w

    assert not line.hold(1).hold(20, -1_900).steps


def test_answer_that_is_shown_the_wrong_way_counts():
    line = Line().hold(20)
    line.factor = -1.0
    line.rest_w = 500 - 400  # a load of 400 W
    assert [Reaction.WRONG_SIGN] == line.hold(1).hold(20, 1_900).reactions


def test_load_that_comes_in_the_middle_of_a_step_makes_it_say_nothing():
    line = Line().hold(20)
    line.rest_w = 2_500
    line.hold(1).hold(2, -2_000)
    line.rest_w = 9_000

    assert not line.hold(2, -2_000).hold(20, -5_000).steps


SLOW = MeterTiming(period_s=1.0, late_s=0.0, assets_s=(5.0, 1.0))


@pytest.mark.parametrize(
    ("factor", "reaction"), [(1.0, Reaction.GOOD), (0.6, Reaction.LOW), (1.5, Reaction.HIGH)]
)
def test_step_of_an_asset_that_is_read_seldom_counts_though_the_meter_shows_it_earlier(factor, reaction):
    line = Line(SLOW).hold(30)
    line.factor = factor
    line.rest_w += factor * 2_000
    line.hold(4)
    line.rest_w -= factor * 2_000

    assert [reaction] == line.hold(30, 2_000).reactions


def test_load_that_jumps_while_no_asset_moves_still_makes_such_a_step_say_nothing():
    line = Line(SLOW).hold(30)
    line.rest_w += 2_000
    line.hold(9)

    assert not line.hold(30, 2_000).steps


@pytest.mark.parametrize(("orders", "count"), [((0, 1, 1, 2), 2), ((0, 0, 1, 2), 1), ((0, 0, 0, 0), 1)])
def test_step_that_was_ordered_right_after_another_one_counts_where_nothing_else_was_ordered(orders, count):
    """What is read seldom may have moved before it shows that, but not before its order."""
    line = Line(SLOW, ordered=orders[0]).hold(30)
    for ordered, seconds in zip(orders[1:], (6, 4, 1), strict=True):
        line.ordered = ordered
        line.hold(seconds, 4_000)

    assert count == len(line.hold(30, 1_000).steps)


@pytest.mark.parametrize(("factor", "hinted"), [(1.0, False), (0.5, True), (2.0, True)])
def test_wrong_gain_that_a_normal_building_explains_too_is_a_hint_alone(factor, hinted):
    for line, watts in ((Line(generation=True), (0.0, -2_000)), (Line(ordered=1), (2_000, 0.0))):
        line.factor = factor
        line.hold(20).hold(20, *watts)

        assert [] == [reaction for reaction in line.reactions if reaction is not Reaction.GOOD]
        assert hinted is (line.watch.hinted_ns > 0)
