"""A bus with nothing to do serves others, or rests for as long as it may; what it rested is its slack."""

import pytest

from quartier.runtime.bus.idle_time import REST_DUE_MAX_S, REST_MAX_S, IdleTime

S = 1_000_000_000


class Around:
    """Mailbox, account, slots, place, clock and clients at once; a wait takes all its time."""

    rate = 2.0
    is_asking = False
    free_share = 0.5

    def __init__(self, *, served=False, again_s=float("inf")):
        self.ns, self.is_served, self.again_s = 0, served, again_s
        self.waited_s, self.gaps_ns, self.rested_ns, self.left_count = [], [], [], 0

    def now_ns(self):
        return self.ns

    async def wait(self, seconds):
        self.waited_s.append(seconds)
        self.ns += round(seconds * self.rate * S)

    async def serve(self, gap_ns):
        self.gaps_ns.append(gap_ns)
        return self.is_served

    def leave(self):
        self.left_count += 1

    def add_idle_time(self, duration_ns):
        self.rested_ns.append(duration_ns)


def gaps(around, *, clients=True):
    made = IdleTime(around, around, around, around, around)
    made.client_requests = around if clients else None
    return made


@pytest.mark.parametrize(("gap_ns", "rest_s"), [(None, REST_MAX_S), (3 * S, REST_DUE_MAX_S), (S // 4, 0.25)])
async def test_it_rests_until_something_is_due_and_looks_now_and_then(gap_ns, rest_s):
    around = Around()
    await gaps(around, clients=False).use(gap_ns)

    assert [rest_s / around.rate] == around.waited_s
    assert [round(rest_s * S * around.free_share)] == around.rested_ns
    assert 1 == around.left_count


async def test_a_request_of_others_that_was_made_is_no_rest():
    around = Around(served=True)
    await gaps(around).use(S)

    assert ([S], [], []) == (around.gaps_ns, around.waited_s, around.rested_ns)


async def test_others_who_wait_for_a_pause_end_the_rest_sooner():
    around = Around(again_s=0.1)
    await gaps(around).use(None)

    assert ([None], [0.05]) == (around.gaps_ns, around.waited_s)


async def test_who_still_asks_in_a_slot_keeps_the_moment():
    around = Around()
    around.is_asking = True
    await gaps(around).use(S)

    assert 0 == around.left_count
